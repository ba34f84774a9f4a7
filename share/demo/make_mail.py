#!/usr/bin/env python3
"""Fills the accounts of the demonstration with mail.

    make_mail.py FOLDER HOST IMAPS-PORT SUBMISSIONS-PORT    what ./run does: into alice's and bob's mailboxes
    make_mail.py --write FOLDER                             the letters as files, to look at

The letters are the same each time; only their dates follow the clock. Most are put where they belong by IMAP, as when
somebody moves to a new provider; the newest come from bob by SMTP."""
import email.message
import email.policy
import email.utils
import imaplib
import os
import pathlib
import random
import smtplib
import ssl
import struct
import sys
import textwrap
import threading
import zlib

from letters import ESSAY, PEOPLE, THREADS, WORLD

DAY = 86400
ME = PEOPLE["alice"]
POLICY = email.policy.SMTP.clone(max_line_length=200)
FOLDERS = ("Projects", "Projects/Shipyard", "Newsletters", "Receipts")


# --- parts ---

def png(width, height, seed):
    """A picture: hills under a sky, a few hundred bytes."""
    rng = random.Random(seed)
    sky = [rng.randrange(120, 240) for _ in range(3)]
    hill = [rng.randrange(20, 120) for _ in range(3)]
    heights = [height // 2]
    for _ in range(width - 1):
        heights.append(min(height - 2, max(height // 4, heights[-1] + rng.choice((-1, 0, 0, 1)))))
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(hill if y > heights[x] else [min(255, c + y // 4) for c in sky])

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


def pdf(lines):
    """One page of text."""
    show = "".join(f"({line.translate({40: chr(92) + '(', 41: chr(92) + ')'})}) Tj T*\n" for line in lines)
    stream = f"BT /F1 12 Tf 16 TL 72 760 Td\n{show}ET".encode("latin-1", "replace")
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
               b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
               b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def flowed(text):
    """RFC 3676: long lines broken softly, by a space before the break."""
    out = []
    for line in text.split("\n"):
        parts = textwrap.wrap(line, 70, break_long_words=False) or [""]
        out += [p + " " for p in parts[:-1]] + [parts[-1]]
    return "\n".join(" " + line if line.startswith((" ", ">", "From ")) else line for line in out)


class Letters:
    """Collects letters: (account, folder, flags, seconds since 1970, bytes)."""

    def __init__(self, now):
        self.now, self.rng, self.all = now, random.Random(1), []

    def message(self, sender, to, subject, days, text, cc=(), mid=None, **headers):
        m = email.message.EmailMessage(POLICY)
        m["From"] = email.utils.formataddr(sender) if sender[0].isascii() else f"{sender[0]} <{sender[1]}>"
        m["To"] = ", ".join(f"{name} <{address}>" for name, address in to)
        if cc:
            m["Cc"] = ", ".join(f"{name} <{address}>" for name, address in cc)
        m["Subject"] = subject
        m["Date"] = email.utils.format_datetime(email.utils.localtime(self.date(days)))
        m["Message-ID"] = mid or self.mid(sender)
        for name, value in headers.items():
            m[name.replace("_", "-")] = value
        if text is not None:
            m.set_content(text)
        return m

    def date(self, days):
        return email.utils.datetime.datetime.fromtimestamp(self.now - days * DAY, email.utils.datetime.timezone.utc)

    def mid(self, sender):
        return f"<{self.rng.getrandbits(80):020x}@{sender[1].partition('@')[2]}>"

    def add(self, m, days, folder="INBOX", flags="\\Seen", account="alice"):
        boundary = 0
        for part in m.walk():
            if part.is_multipart():
                boundary += 1
                part.set_boundary(f"=_{self.rng.getrandbits(64):016x}_{boundary}")
        self.all.append((account, folder, flags, int(self.now - days * DAY), m.as_bytes(policy=POLICY)))


# --- kinds of letters ---

def quoted(text, who, when):
    return f"\n\nOn {when}, {who} wrote:\n" + "\n".join("> " + line if not line.startswith(">") else ">" + line for line in text.split("\n"))


def thread(letters, subject, days, folder, marks, steps):
    refs, previous = [], None
    for i, (who, to, text) in enumerate(steps):
        age = days + (len(steps) - 1 - i) * 0.31
        sender = PEOPLE[who]
        headers = {"In_Reply_To": refs[-1], "References": " ".join(refs)} if refs else {}
        body = text + (quoted(*previous) if previous and i % 2 else "")
        m = letters.message(sender, [PEOPLE[to.split()[0]]], ("Re: " if i else "") + subject, age, None,
                            cc=[PEOPLE[p] for p in to.split()[1:]], **headers)
        m.set_content(flowed(body) if who in ("jonas", "priya") else body + "\n",
                      params={"format": "flowed"} if who in ("jonas", "priya") else None)
        if who == "marta":
            paragraphs = "".join(f"<p>{p}</p>" for p in text.split("\n\n"))
            m.add_alternative(f'<html><body style="font-family:sans-serif">{paragraphs}<p>— <b>Marta</b></p></body></html>', subtype="html")
        refs.append(m["Message-ID"])
        previous = (text, sender[0], m["Date"])
        last = i == len(steps) - 1
        own = who == "alice"
        flags = ["\\Seen"] if own or not (last and "unread" in marks) else []
        flags += ["\\Flagged"] if last and "flagged" in marks else []
        flags += ["\\Answered"] if not last and steps[i + 1][0] == "alice" else []
        letters.add(m, age, "Sent" if own else folder, " ".join(flags))
        if "bob" in to.split() or who == "bob":
            letters.add(m, age, "Sent" if who == "bob" else "INBOX", "\\Seen", "bob")


def world(letters):
    for i, (subject, days, sender, text) in enumerate(WORLD):
        m = letters.message(sender, [ME], subject, days, text + "\n")
        if i % 4 == 0:
            m.add_attachment(png(240, 160, subject), maintype="image", subtype="png", filename=f"{subject[:9]} 1.png")
            m.add_attachment(png(240, 160, subject + "2"), maintype="image", subtype="png", filename=f"{subject[:9]} 2.png")
        letters.add(m, days, flags="" if i < 2 else "\\Seen")


NEWS = [("Bread, salt and patience", "why old flour is better than its reputation"), ("A rye that forgives everything", "too warm, too cold, forgotten over lunch"),
        ("The case for cold dough", "one night in the larder"), ("Water", "it is three fifths of every loaf"), ("What the crust says", "colour, and how long to wait for it"),
        ("Spelt without tears", "short kneading, and why"), ("A letter from a mill", "stones, sieves and a river"), ("Leftovers", "seven things to do with old bread")]


def newsletters(letters):
    sender = ("The Weekly Grain", "letters@weeklygrain.example")
    for i, (title, line) in enumerate(NEWS + NEWS[:0:-1]):
        number, days = 214 - i, 0.4 + 7 * i
        m = letters.message(sender, [ME], f"No. {number}: {title}", days, f"{title}\n\nThis week: {line}.\n\nhttps://weeklygrain.example/{number}\n",
                            List_Id="The Weekly Grain <letters.weeklygrain.example>", List_Unsubscribe_Post="List-Unsubscribe=One-Click",
                            List_Unsubscribe=f"<https://weeklygrain.example/leave/{number}>, <mailto:leave@weeklygrain.example>", Precedence="bulk")
        m.add_alternative(f"""<html><head><style>@import url(https://fonts.trackers.example/grain.css); h1 {{ color: #7a3b00 }}</style></head>
<body bgcolor="#fbf6ee" style="background:#fbf6ee url(https://cdn.weeklygrain.example/paper.png)">
<table width="600" align="center" cellpadding="0" cellspacing="0" style="background:#fff;font-family:Georgia,serif">
<tr><td style="padding:28px 32px 8px"><h1 style="margin:0;font-size:28px">The Weekly Grain</h1><p style="color:#6b5d4b;margin:4px 0 0">No. {number} · {title}</p></td></tr>
<tr><td><img src="https://cdn.weeklygrain.example/{number}/header.jpg" width="600" height="180" alt="Loaves on a wooden board"></td></tr>
<tr><td style="padding:16px 32px"><p style="font-size:16px;line-height:1.6">This week: {line}. Give it twenty minutes more, and nobody will taste a difference.</p>
<p><a href="https://click.trackers.example/r?u=alice&amp;to=https%3A%2F%2Fweeklygrain.example%2F{number}" style="background:#7a3b00;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none">Read the letter</a></p></td></tr>
<tr><td style="padding:12px 32px 28px;color:#6b5d4b;font-size:12px">You get this because you asked for it. <a href="https://weeklygrain.example/leave/{number}">Leave the list</a></td></tr></table>
<img src="https://pixel.trackers.example/open.gif?u=alice&amp;n={number}" width="1" height="1" alt=""></body></html>""", subtype="html")
        letters.add(m, days, "INBOX" if i < 2 else "Newsletters", "" if i == 0 else "\\Seen")


LIST_TOPICS = ["Slipway 3: measured drawings", "Caulking irons, names in four languages", "Question: year of this photograph?", "New finds from the dredger",
               "Meeting in autumn, programme", "Scanning glass plates at home"]


def mailing_list(letters):
    address = ("Shipbuilding history", "ships@lists.example")
    names = ["erik", "jonas", "ruth", "tomas"]
    for i, topic in enumerate(LIST_TOPICS):
        root = None
        for j in range(2 + i % 3):
            sender, days = PEOPLE[names[(i + j) % 4]], 2.5 + 5 * i - j * 0.2
            headers = {"In_Reply_To": root, "References": root} if root else {}
            m = letters.message(sender, [address], ("Re: " if j else "") + f"[ships] {topic}", days,
                                f"{'I can add to this' if j else 'Dear list'},\n\n{topic.lower()}: the archive has a folder about it, and nobody has opened it since 1974.\n\n"
                                f"{sender[0]}\n-- \nships@lists.example\nTo leave the list, write to ships-leave@lists.example\n",
                                List_Id="Shipbuilding history <ships.lists.example>", List_Post="<mailto:ships@lists.example>",
                                List_Archive="<https://lists.example/ships/>", List_Unsubscribe="<https://lists.example/ships/leave?u=alice>, <mailto:ships-leave@lists.example>",
                                List_Unsubscribe_Post="List-Unsubscribe=One-Click", Sender="ships-bounces@lists.example", **headers)
            root = root or m["Message-ID"]
            letters.add(m, days, "INBOX" if i < 2 else "Newsletters")


def receipts(letters):
    bank, rail = ("Cooperative Bank", "statements@coop-bank.example"), ("Railway Tickets", "no-reply@railway.example")
    for i in range(12):
        days = 2 + 30 * i
        when = letters.date(days).strftime("%B %Y")
        m = letters.message(bank, [ME], f"Your statement for {when}", days, f"Dear Ms Moreau,\n\nyour statement for {when} is attached.\nWe never ask for your password by mail.\n")
        m.add_attachment(pdf(["Cooperative Bank", "", f"Statement for {when}", f"Balance: {2140 + 37 * i}.{i}0 EUR"]), maintype="application", subtype="pdf",
                         filename=f"statement-{letters.date(days):%Y-%m}.pdf")
        letters.add(m, days, "INBOX" if i == 0 else "Receipts")
    for i, town in enumerate(("Lyon", "Copenhagen", "Görlitz", "Genoa", "Ghent", "Porto")):
        days = 0.5 + 24 * i
        m = letters.message(rail, [ME], f"Your ticket to {town}", days, f"Good journey!\n\nOne passenger, second class, to {town}. Show the attached page on the train.\n")
        m.add_attachment(pdf(["Railway Tickets", "", f"Ticket to {town}", "Coach 14, seat 61"]), maintype="application", subtype="pdf", filename=f"ticket-{town}.pdf")
        letters.add(m, days, "INBOX" if i == 0 else "Receipts")
    shop = ("Harbour Books", "orders@harbourbooks.example")
    for i in range(16):
        letters.add(letters.message(shop, [ME], f"Order {4711 + 13 * i} is on its way", 6.3 + 19 * i,
                                    f"Thank you for your order.\n\n{1 + i % 3} book(s), parcel number LX{90210 + 7 * i}. It arrives within three days.\n"), 6.3 + 19 * i, "Receipts")


def invitation(letters):
    start = letters.date(-3)
    stamp = lambda t: t.strftime("%Y%m%dT%H%M%SZ")
    calendar = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Studio Rossi//Calendar//EN", "METHOD:REQUEST", "BEGIN:VEVENT", "UID:opening-1@studio.example",
                            f"DTSTAMP:{stamp(letters.date(1))}", f"DTSTART:{stamp(start)}", f"DTEND:{stamp(letters.date(-3.08))}", "SUMMARY:Opening of the exhibition",
                            "LOCATION:Old rope walk\\, hall 2", "ORGANIZER;CN=Sofia Rossi:mailto:sofia.rossi@studio.example",
                            "ATTENDEE;CN=Alice Moreau;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:alice@letterlock.test", "END:VEVENT", "END:VCALENDAR", ""])
    m = letters.message(PEOPLE["sofia"], [ME], "Invitation: Opening of the exhibition", 1, "You are invited to the opening, in hall 2 of the old rope walk.\n")
    m.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
    m.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="invite.ics")
    letters.add(m, 1)


def phishing(letters):
    """An address that looks like the bank's, with results as our own server writes them."""
    m = email.message.EmailMessage(POLICY)
    m["Return-Path"] = "<bounce@bulk.example>"
    m["Authentication-Results"] = "mail.letterlock.test; spf=fail smtp.mailfrom=bulk.example; dkim=none; dmarc=fail header.from=c00p-bank.example"
    fake = letters.message(("Cooperative Bank", "statements@c00p-bank.example"), [ME], "Your account will be closed today", 0.3, None, Reply_To="help@bulk.example")
    for name, value in fake.items():
        if name not in m:
            m[name] = value
    m.set_content("Dear customer,\n\nwe noticed unusual activity. Confirm your details within 24 hours or your account will be closed.\n")
    m.add_alternative('<p>Dear customer,</p><p>we noticed unusual activity. Confirm your details within 24 hours or your account will be closed.</p>'
                      '<p><a href="https://login.bulk.example/c00p">https://www.coop-bank.example/confirm</a></p>'
                      '<form action="https://login.bulk.example/take"><input name="pin" type="password"><button>Confirm</button></form>', subtype="html")
    letters.add(m, 0.3, flags="")


def bounce(letters):
    m = letters.message(("Mail Delivery System", "postmaster@letterlock.test"), [ME], "Undelivered Mail Returned to Sender", 8.2, None, Auto_Submitted="auto-replied")
    m["Content-Type"] = 'multipart/report; report-type="delivery-status"'
    text, status, original = (email.message.EmailMessage(POLICY) for _ in range(3))
    text.set_content("Your message could not be delivered to <jonas@wrft.example>: there is no such domain.\n")
    status["Content-Type"] = "message/delivery-status"
    fields = [[("Reporting-MTA", "dns; mail.letterlock.test")],
              [("Final-Recipient", "rfc822; jonas@wrft.example"), ("Action", "failed"), ("Status", "5.1.2"), ("Diagnostic-Code", "smtp; 550 5.1.2 no such domain")]]
    blocks = []
    for block in fields:
        part = email.message.Message(POLICY)
        for name, value in block:
            part[name] = value
        blocks.append(part)
    status.set_payload(blocks)
    original["Content-Type"] = "text/rfc822-headers"
    original.set_payload(f"From: Alice Moreau <{ME[1]}>\r\nTo: jonas@wrft.example\r\nSubject: Tuesday\r\n")
    m.set_payload([text, status, original])
    letters.add(m, 8.2)


def specials(letters):
    m = letters.message(PEOPLE["ruth"], [ME], "On lines, and why they were kept short", 4.9, None)
    m.set_content(flowed(" ".join(ESSAY.split("\n\n")[0].split("\n")) + "\n\n" + "\n\n".join(" ".join(p.split("\n")) for p in ESSAY.split("\n\n")[1:]))
                  + "\n\n> Should we keep the line ends?\n>> I would not have thought of asking.\n>>> It was in the minutes, point 4.\n", params={"format": "flowed"})
    letters.add(m, 4.9)
    m = letters.message(PEOPLE["jonas"], [ME], "Box from the attic: the first six", 5.2, "The six best ones. The third shows the old crane, I think.\n")
    for i in range(6):
        m.add_attachment(png(320, 200, i), maintype="image", subtype="png", filename=f"shipyard-193{i + 2}.png")
    m.add_attachment("number;year;back\n" + "".join(f"{i + 1};193{i + 2};unknown\n" for i in range(6)), subtype="csv", filename="list.csv")
    letters.add(m, 5.2, "INBOX", "\\Seen \\Flagged")
    m = letters.message(PEOPLE["sofia"], [ME], "Poster, first idea", 2.7, "The poster is in the letter itself. Too blue?\n")
    m.add_alternative('<p>The poster is in the letter itself. <i>Too blue?</i></p><p><img src="cid:poster@studio.example" alt="Poster: a ship on a slipway" width="320"></p>', subtype="html")
    m.get_payload()[1].add_related(png(320, 440, "poster"), "image", "png", cid="<poster@studio.example>", filename="poster.png")
    letters.add(m, 2.7)
    letters.add(letters.message(ME, [PEOPLE["erik"]], "The list in the hallway", 0.15, "Dear Erik,\n\nabout the trees: I could take the third week, if\n"), 0.15, "Drafts", "\\Draft \\Seen")
    letters.add(letters.message(ME, [PEOPLE["amelie"]], "Cheese", 1.15, "Comté or Beaufort? Both?\n"), 1.15, "Drafts", "\\Draft \\Seen")
    for i, subject in enumerate(("You have won", "Cheap printer ink!!!", "Re: our last talk")):
        letters.add(letters.message(("Best Offer", f"offer{i}@bulk.example"), [ME], subject, 3 + 4 * i, "Only today, only for you. Answer now!\n"), 3 + 4 * i, "Junk", "" if i == 0 else "\\Seen")
    letters.add(letters.message(("Old Alarm", "alarm@sensors.example"), [ME], "Battery low at mast 2", 6, "Battery at 11 %. Please change it.\n"), 6, "Trash")
    letters.add(letters.message(PEOPLE["marta"], [PEOPLE["bob"]], "Your casserole dish", 3.3, "It stands at mine since the summer. Shall I bring it to the choir?\n"), 3.3, "INBOX", "", "bob")
    letters.add(letters.message(PEOPLE["tomas"], [PEOPLE["bob"]], "Chess on Sunday", 5.3, "I want revenge. Four o'clock?\n"), 5.3, "INBOX", "\\Seen \\Answered", "bob")


def everything(now):
    letters = Letters(now)
    for t in THREADS:
        thread(letters, *t)
    for kind in (world, newsletters, mailing_list, receipts, invitation, phishing, bounce, specials):
        kind(letters)
    return sorted(letters.all, key=lambda x: x[3])


# --- delivery ---

def quote(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def special_folders(m):
    """Where this server keeps what is sent, drafts and so on: by what the folders are for, not by their names."""
    found = {}
    for line in m.list()[1]:
        attributes, _, rest = line.decode().partition(") ")
        name = rest.partition(" ")[2].strip().strip('"')
        for use in attributes.strip("(").split():
            found[use.strip("\\").lower()] = name
    return {"Sent": found.get("sent", "Sent"), "Drafts": found.get("drafts", "Drafts"), "Junk": found.get("junk", "Junk"),
            "Trash": found.get("trash", "Trash"), "Archive": found.get("archive", "Archive")}


def append(host, port, context, login, letters):
    with imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=60) as m:
        m.login(*login)
        names = special_folders(m)
        wanted = {folder for folder, *_ in letters}
        for folder in FOLDERS:
            if any(w == folder or w.startswith(folder + "/") for w in wanted):
                m.create(quote(folder))
                m.subscribe(quote(folder))
        for folder, flags, seconds, data in letters:
            status, text = m.append(quote(names.get(folder, folder)), f"({flags})", imaplib.Time2Internaldate(seconds), data)
            if status != "OK":
                raise SystemExit(f"{folder}: {text}")


def send(host, port, context, login, now):
    """The newest letters: bob writes to alice."""
    letters = Letters(now)
    letters.rng = random.Random(2)
    first = letters.message(PEOPLE["bob"], [ME], "Soup", 0, "The soup was worth waiting for. Same place next Thursday?\n\nBob\n")
    second = letters.message(PEOPLE["bob"], [ME], "The loaf, as promised", 0, "Here is the photograph. The boiler room is clean again.\n\nBob\n")
    second.add_attachment(png(320, 240, "loaf"), maintype="image", subtype="png", filename="loaf.png")
    with smtplib.SMTP_SSL(host, port, context=context, timeout=60) as s:
        s.login(*login)
        for m in (first, second):
            s.send_message(m, PEOPLE["bob"][1], [ME[1]])


def deliver(folder, host, imaps, submissions, now):
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    accounts = {line.split()[0].partition("@")[0]: line.split()[:2] for line in (folder / "accounts").read_text().splitlines()}
    boxes = {name: [x[1:] for x in everything(now) if x[0] == name] for name in accounts}
    failed = []

    def run(name):
        try:
            append(host, imaps, context, accounts[name], boxes[name])
        except BaseException as e:
            failed.append(f"{name}: {e}")
    threads = [threading.Thread(target=run, args=(name,)) for name in accounts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise SystemExit("\n".join(failed))
    send(host, submissions, context, accounts["bob"], now)


def write(folder, now):
    for i, (account, box, flags, seconds, data) in enumerate(everything(now)):
        path = folder / account / box
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{i:03}.eml").write_bytes(data)


def main():
    now = int(os.environ.get("SOURCE_DATE_EPOCH", 0)) or int(email.utils.datetime.datetime.now().timestamp())
    if len(sys.argv) == 3 and sys.argv[1] == "--write":
        return write(pathlib.Path(sys.argv[2]), now)
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    return deliver(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), now)


if __name__ == "__main__":
    main()
