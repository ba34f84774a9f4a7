"""What stands in the demonstration mailbox: people, conversations and letters, written for it."""

PEOPLE = {
    "marta": ("Marta Lindqvist", "marta@lindqvist.example"),
    "jonas": ("Jonas Weber", "jonas.weber@werft.example"),
    "amelie": ("Amélie Rousseau", "amelie@rousseau.example"),
    "priya": ("Priya Raman", "priya@fieldnotes.example"),
    "tomas": ("Tomás Oliveira", "tomas@oliveira.example"),
    "sofia": ("Sofia Rossi", "sofia.rossi@studio.example"),
    "erik": ("Erik Dahl", "erik@dahl.example"),
    "ruth": ("Ruth Okafor", "ruth.okafor@library.example"),
    "alice": ("Alice Moreau", "alice@letterlock.test"),
    "bob": ("Bob Hansen", "bob@letterlock.test"),
}

# (subject, days ago, folder, {flag of the last letter}, [(who, to, text), ...])
THREADS = [
    ("Boat shed roof, second quote", 0.2, "INBOX", "unread", [
        ("marta", "alice jonas", "The carpenter came by this morning. He thinks larch would last longer than spruce here, and costs "
         "little more: 4,180 for everything, gutters included.\n\nShall we decide before Friday? He has a free week at the end of the month."),
        ("jonas", "alice marta", "Larch, gladly. I can fetch the boards myself if he has no room on his trailer.\n\nWho keeps the key of the "
         "shed at the moment?"),
        ("alice", "marta jonas", "The key hangs at my place, behind the door. Larch is fine with me too.\n\nMarta, will you tell him?"),
        ("marta", "alice jonas", "Done. He begins on the 24th, if it does not rain. 🌧️ Please clear the left side until then; the two kayaks "
         "can go to the back wall."),
    ]),
    ("Weekend in Lyon", 0.6, "INBOX", "unread flagged", [
        ("amelie", "alice", "Salut Alice,\n\nthe 10:04 train still has seats together. I would book tonight unless you say no. My sister "
         "lends us her flat at the Croix-Rousse, with the cat in it."),
        ("alice", "amelie", "Yes, book! I bring cheese as rent, and something for the cat."),
        ("amelie", "alice", "Booked: coach 14, seats 61 and 62. The tickets are attached to the next letter as soon as they come.\n\nÀ très vite,\nAmélie"),
    ]),
    ("Measurements from the field", 1.1, "INBOX", "", [
        ("priya", "alice tomas", "Sensors 4 and 7 drifted again over night. I have put the corrected series into the folder, but I would rather "
         "know why. Both hang on the north mast."),
        ("tomas", "alice priya", "Moisture in the connector, I would bet. We had the same in 2023, and a bag of silica gel cured it."),
        ("priya", "alice tomas", "You were right: the seal was brittle. New ones are on their way. Until then I mark both series as doubtful."),
        ("alice", "priya tomas", "Thank you both. Then the report keeps its date, with a footnote."),
    ]),
    ("Draft of chapter three", 1.8, "INBOX", "flagged", [
        ("ruth", "alice", "Here it is at last. Be honest about the middle part, I think it drags.\n\nThe letters of 1911 are quoted in full now. "
         "If that is too much, say so."),
        ("alice", "ruth", "I read it in one go. The middle does not drag; the beginning does. What if you open with the harbour?"),
        ("ruth", "alice", "With the harbour! Of course. Give me until Sunday."),
    ]),
    ("Lunch on Thursday?", 2.2, "INBOX", "", [
        ("bob", "alice", "The new place by the canal has a table at half past twelve. My treat, after last time."),
        ("alice", "bob", "With pleasure. I come straight from the library and may be five minutes late."),
        ("bob", "alice", "No hurry. They say the soup is worth waiting for."),
    ]),
    ("Minutes of the residents' meeting", 3.4, "INBOX", "", [
        ("erik", "alice marta sofia", "Dear neighbours,\n\nthe minutes are below in short. Two points are still open: the bicycle room, and who "
         "waters the trees in August.\n\n1. Heating: the offer of the municipal works is accepted, 9 to 1.\n2. Bicycle room: Sofia asks for prices.\n"
         "3. Trees: list in the hallway."),
        ("sofia", "alice marta erik", "For the bicycle room I have two prices so far. The cheaper one is from a joiner in our street, I know his work "
         "and like it."),
        ("marta", "alice erik sofia", "I water the first two weeks of August. After that I am away."),
    ]),
    ("Choir: new rehearsal times", 4.3, "INBOX", "unread", [
        ("sofia", "alice ruth", "From next month on we begin at 19:15, because the hall is free only then. 🎶\n\nPlease bring the Fauré; we begin "
         "with the Sanctus."),
        ("ruth", "alice sofia", "19:15 suits me better anyway. I bring tea. ☕"),
    ]),
    ("Old photographs of the shipyard", 5.5, "Projects/Shipyard", "", [
        ("jonas", "alice", "My aunt found a box in the attic: forty photographs, most of them 1930 to 1938, some with names on the back. Would the "
         "archive want to see them?"),
        ("alice", "jonas", "Very much. Please do not clean them; we have somebody for that."),
        ("jonas", "alice", "Understood. I come by on Tuesday with the box, if that is good for you."),
        ("alice", "jonas", "Tuesday after two is perfect."),
    ]),
    ("Budget for the exhibition", 6.7, "Projects/Shipyard", "flagged", [
        ("ruth", "alice erik", "The foundation gives 12,000 and wants its name on the wall. That leaves 3,500 for us to find."),
        ("erik", "alice ruth", "The rowing club would lend the showcases for nothing. That is the 3,500, nearly."),
        ("alice", "ruth erik", "Then let us say yes to both. I write to the foundation today."),
    ]),
    ("Bicycle stolen, and found", 9.1, "INBOX", "", [
        ("tomas", "alice bob", "My bicycle was gone on Monday and stood in front of the house again on Wednesday, with a new bell. I do not "
         "understand this city."),
        ("bob", "alice tomas", "Somebody borrowed it and has manners. Keep the bell."),
    ]),
    ("Sourdough, third attempt", 11.0, "INBOX", "", [
        ("bob", "alice", "It rose! Then it fell. It tastes good, though, if one does not look at it."),
        ("alice", "bob", "Twenty degrees in your kitchen are too few. Put it beside the boiler over night."),
        ("bob", "alice", "Beside the boiler it rose over the edge and into the boiler room. Photograph follows when I have laughed enough. 😅"),
    ]),
    ("Translation of the catalogue", 13.5, "Archive", "", [
        ("amelie", "alice ruth", "Pages 1 to 40 are done. « Slipway » has no good French word in the sense you need; I propose « cale de "
         "lancement » and a note."),
        ("ruth", "alice amelie", "Agreed, with the note."),
        ("alice", "amelie ruth", "Agreed. The printer wants everything by the 15th."),
    ]),
    ("Spare key", 16.2, "Archive", "", [
        ("marta", "alice", "I left your spare key with Erik. The plants are happy, only the basil gave up."),
        ("alice", "marta", "Thank you for the plants, and peace to the basil. 🌿"),
    ]),
    ("Questions about the tide tables", 21.0, "Archive", "", [
        ("priya", "alice jonas", "Which datum do the old tables use? The numbers are 12 cm off against ours, always."),
        ("jonas", "alice priya", "The old harbour datum. It was given up in 1952. Your 12 cm are exactly right."),
        ("priya", "alice jonas", "Then seventy years of data have just become useful. Thank you!"),
    ]),
    ("Reading group: next book", 26.4, "Archive", "", [
        ("ruth", "alice sofia tomas", "Three proposals stand: a short one, a long one and a sad one. Votes until Friday."),
        ("tomas", "alice ruth sofia", "The short one."),
        ("sofia", "alice ruth tomas", "The sad one, if we read something funny afterwards."),
        ("alice", "ruth sofia tomas", "The short one. We can be sad by ourselves."),
    ]),
    ("Thank you for the letter", 34.0, "Archive", "", [
        ("erik", "alice", "It has been years since somebody wrote me one on paper. It stands on the kitchen shelf."),
    ]),
    ("Insurance for the loaned models", 41.0, "Projects/Shipyard", "", [
        ("ruth", "alice", "The insurer asks for the value of each model. Could you estimate the three from the rowing club?"),
        ("alice", "ruth", "800, 1,200 and 2,500. The last one has its original rigging."),
    ]),
    ("Holidays in August", 55.0, "Archive", "", [
        ("sofia", "alice", "We have the house from the 3rd to the 17th, and one room too many. Come whenever you like."),
        ("alice", "sofia", "The second week would be lovely."),
    ]),
]

# (subject, days ago, from, text): other scripts and languages.
WORLD = [
    ("Фотографии с дачи", 0.9, ("Ольга Петрова", "olga@petrova.example"),
     "Привет, Алиса!\n\nПосылаю фотографии с выходных. Яблоки в этом году удались, половину мы уже раздали соседям. Бабушка передаёт привет и "
     "ждёт в гости.\n\nОльга"),
    ("週末の予定について", 1.4, ("田中 美咲", "misaki@tanaka.example"),
     "アリスさん\n\n土曜日の午後はいかがですか。二時に駅の北口で待ち合わせましょう。新しい喫茶店を見つけました。🍵\n\n美咲"),
    ("展览开幕的邀请", 2.9, ("李伟", "li.wei@museum.example"),
     "尊敬的莫罗女士：\n\n诚挚邀请您参加下月五日下午三点举行的“江河与船”展览开幕式。期待与您见面。\n\n此致\n敬礼\n李伟"),
    ("موعد الاجتماع القادم", 3.7, ("نادية حداد", "nadia@haddad.example"),
     "مرحباً أليس،\n\nهل يناسبك يوم الأربعاء الساعة العاشرة صباحاً؟ سأحضر الخرائط القديمة معي (نسخة 1928).\n\nمع أطيب التحيات،\nنادية"),
    ("מתכון לחלה", 5.0, ("נועה לוי", "noa@levy.example"),
     "שלום אליס,\n\nהנה המתכון שביקשת: קילו קמח, 2 כפות שמרים, חצי כוס סוכר ושתי ביצים. הסוד הוא סבלנות.\n\nבתיאבון,\nנועה"),
    ("Η πρόσκληση για τον γάμο", 7.8, ("Ελένη Παπαδοπούλου", "eleni@papadopoulou.example"),
     "Αγαπητή Αλίκη,\n\nο γάμος θα γίνει το Σάββατο στις έξι το απόγευμα, στο μικρό εκκλησάκι πάνω από το λιμάνι. Θα χαρούμε πολύ να έρθεις!\n\nΕλένη"),
    ("दीपावली की शुभकामनाएँ", 12.3, ("अनिल शर्मा", "anil@sharma.example"),
     "प्रिय एलिस,\n\nआपको और आपके परिवार को दीपावली की हार्दिक शुभकामनाएँ! 🪔 माँ ने मिठाई भेजी है, पार्सल कल पहुँचेगा।\n\nअनिल"),
    ("사진 보내 드려요", 15.1, ("김지우", "jiwoo@kim.example"),
     "앨리스 님,\n\n지난주 산책에서 찍은 사진을 보냅니다. 단풍이 정말 예뻤어요. 🍁 다음에 또 같이 가요!\n\n지우"),
    ("Grüße aus Görlitz", 18.6, ("Jürgen Weiß", "juergen@weiss.example"),
     "Liebe Alice,\n\nschöne Grüße aus Görlitz! Die Straßenbahn fährt noch, der Bäcker auch – nur später. Übermorgen geht es weiter nach Zgorzelec.\n\nJürgen"),
    ("👩‍👩‍👧‍👦 Family photo 📸", 23.2, ("Zoë Łukasz", "zoe@lukasz.example"),
     "Here we all are: 👩‍🚀👨🏾‍🌾👵🏻🧒🏽 and the dog 🐕‍🦺. The flag in the back is 🏴󠁧󠁢󠁳󠁣󠁴󠁿, the weather was 🌦️ → ☀️.\n\nPrzytulam, Zoë"),
]

# A long one, with quotes within quotes.
ESSAY = """On lines, and why they were kept short

For most of the time that people have written to each other by machine, a line had an end. The carriage came back, the paper went up, and one began
again at the left. Eighty columns were a card, seventy-two a habit, and sixty-six what a typographer would call comfortable.

What I miss is not the limit but what it did to the writer. A paragraph of four short lines looked finished. A paragraph of twenty looked like work,
for whoever wrote it and for whoever would read it. One cut.

You asked whether the archive should keep the line ends of the old correspondence. I think it should. They are not accidents of the paper. Where the
harbour master breaks a line before a name, he breathes; where the clerk does not, he hurries. Both are evidence.
"""
