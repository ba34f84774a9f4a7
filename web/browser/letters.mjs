// A mailbox for tests of the client alone: the same letters every time, some with all that a reader must show.
const day = 86_400_000;
const people = [
	["Marta Lindqvist", "marta@lindqvist.example"], ["Jonas Weber", "jonas.weber@werft.example"], ["Amélie Rousseau", "amelie@rousseau.example"],
	["Kenji Watanabe", "kenji@tanabe.example"], ["Priya Raman", "priya@fieldnotes.example"], ["Tomás Oliveira", "tomas@oliveira.example"],
	["Nadia Haddad", "nadia@haddad.example"], ["Sofia Rossi", "sofia.rossi@studio.example"], ["Ольга Петрова", "olga@petrova.example"],
	["田中 美咲", "misaki@tanaka.example"], ["Erik Dahl", "erik@dahl.example"], ["Cooperative Bank", "statements@coop-bank.example"],
	["The Weekly Grain", "letters@weeklygrain.example"], ["Railway Tickets", "no-reply@railway.example"],
].map(([name, email]) => ({ name, email }));
const me = { name: "Alice Moreau", email: "alice@letterlock.test" };

const topics = [
	["Boat shed roof, second quote", "The carpenter came by this morning. He thinks larch would last longer than spruce here, and costs little more. Shall we decide before Friday?"],
	["Minutes of the residents' meeting", "Attached are the minutes. Two points are still open: the bicycle room, and who waters the trees in August."],
	["Re: Weekend in Lyon", "The 10:04 train still has seats together. I would book tonight unless you say no."],
	["Draft of chapter three", "Here it is at last. Be honest about the middle part, I think it drags."],
	["Your statement for March is ready", "You can read it in your account. We will never ask for your password by mail."],
	["Bread, salt and patience", "This week: why old flour is better than its reputation, and a rye that forgives everything."],
	["Lunch on Thursday?", "The new place by the canal has a table at half past twelve. My treat, after last time."],
	["Measurements from the field", "Sensors 4 and 7 drifted again over night. I have put the corrected series in the folder."],
	["Фотографии с дачи", "Посылаю фотографии с выходных. Бабушка передаёт привет и ждёт в гости."],
	["週末の予定について", "土曜日の午後はいかがですか。駅で待ち合わせましょう。🍵"],
	["Invoice 2026-0311", "Please find the invoice attached. Payable within 30 days, thank you."],
	["Choir: new rehearsal times", "From April on we begin at 19:15, because the hall is free only then. 🎶"],
];

const newsletter = `<html><head><style>@import url(https://fonts.track.example/css); .h{color:#7a3b00} body{background:#fbf6ee url(https://track.example/bg.png)}</style></head>
<body bgcolor="#fbf6ee"><table width="600" align="center" cellpadding="0" cellspacing="0" style="background:#fff;font-family:Georgia,serif">
<tr><td style="padding:28px 32px 8px"><h1 class="h" style="margin:0;font-size:28px">The Weekly Grain</h1><p style="color:#8a7a66;margin:4px 0 0">No. 214 · Bread, salt and patience</p></td></tr>
<tr><td><img src="https://cdn.weeklygrain.example/header.jpg" width="600" height="180" alt="Loaves on a wooden board"></td></tr>
<tr><td style="padding:16px 32px"><p style="font-size:16px;line-height:1.6">Old flour has a poor reputation. Undeservedly so: it takes up water more slowly, and that is all. Give it twenty minutes more and nobody will taste a difference.</p>
<p style="font-size:16px;line-height:1.6">This week a rye that forgives everything: too warm, too cold, forgotten over lunch. <a href="https://weeklygrain.example/rye?utm_source=mail">Read the recipe</a>, or look at <a href="https://evil.example/login">https://weeklygrain.example/archive</a>.</p>
<p><a href="https://weeklygrain.example/all" style="display:inline-block;background:#7a3b00;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none">All letters</a></p></td></tr>
<tr><td style="padding:12px 32px 28px;color:#8a7a66;font-size:12px">You get this because you asked for it.</td></tr></table>
<img src="https://track.example/open.gif?u=1" width="1" height="1"><script>parent.postMessage("script ran","*")</script></body></html>`;

const simpleHtml = (text) => `<div dir="ltr"><p>Hi Alice,</p><p>${text}</p><ul><li>Larch, 24 mm, untreated</li><li>New gutters on the north side</li></ul><p>Best,<br>Marta</p></div><div class="gmail_quote"><div>On Tue, Alice Moreau wrote:</div><blockquote><p>What did he say about the roof?</p></blockquote></div>`;

function random(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

export const mailboxes = [
	["inbox", "Inbox", "inbox"], ["drafts", "Drafts", "drafts"], ["sent", "Sent", "sent"], ["archive", "Archive", "archive"],
	["junk", "Spam", "junk"], ["trash", "Trash", "trash"], ["house", "House", null], ["shed", "Boat shed", null, "house"], ["travel", "Travel", null], ["choir", "Choir", null],
].map(([id, name, role, parentId = null], i) => ({ id, name, role, parentId, sortOrder: i }));

function make(i, topic, from, at, extra = {}) {
	const [subject, text] = topic;
	return {
		id: `m${i}`, blobId: `b${i}`, threadId: extra.threadId ?? `t${i}`, mailboxIds: { [extra.box ?? "inbox"]: true }, keywords: extra.keywords ?? {},
		size: 2000 + text.length, receivedAt: new Date(at).toISOString(), from: [from], to: extra.to ?? [me], cc: extra.cc ?? null, subject,
		preview: text.slice(0, 160), hasAttachment: Boolean(extra.attachments?.length), text: extra.text ?? `Hi Alice,\n\n${text}\n\nBest wishes,\n${from.name.split(" ")[0]}\n`,
		html: extra.html ?? null, attachments: extra.attachments ?? [], auth: extra.auth ?? null, unsubscribe: extra.unsubscribe ?? null,
	};
}

const file = (name, type, size) => ({ partId: null, blobId: `f-${name}`, size, name, type, charset: null, disposition: "attachment", cid: null });

/** The newest are made by hand, the rest by number. */
export function letters(count, now) {
	const r = random(7);
	const list = [];
	const hour = 3_600_000;
	const roof = (i, from, text, extra) => make(i, [i ? "Re: Boat shed roof, second quote" : "Boat shed roof, second quote", text], from, now - (60 - i * 9) * hour / 10 * 4, { threadId: "roof", ...extra });

	list.push(roof(0, people[0], topics[0][1], { keywords: { $seen: true, $flagged: true, house: true } }));
	list.push(roof(1, me, "Larch sounds right. Can he start before Easter?", { box: "sent", to: [people[0]], keywords: { $seen: true } }));
	list.push(roof(2, people[1], "I can lend the scaffold, it stands unused until May.", { keywords: { $seen: true }, to: [me, people[0]] }));
	list.push(roof(3, people[0], "He says yes, the week of the 23rd.", {
		html: simpleHtml("He says yes, the week of the 23rd. The second quote is attached, it is a little lower:"), cc: [people[1]],
		attachments: [file("quote-larch.pdf", "application/pdf", 184_320), file("shed-north.jpg", "image/jpeg", 2_412_000)], keywords: { house: true },
	}));
	list.push(make(4, topics[5], people[12], now - 2 * hour, { html: newsletter, unsubscribe: ["https://weeklygrain.example/leave"] }));
	list.push(make(5, ["Please confirm your account", "Your account will be closed today unless you confirm it."], { name: "Cooperative Bank", email: "service@coop-bamk.example" }, now - 3 * hour,
		{ auth: "mail.letterlock.test; dmarc=fail header.from=coop-bamk.example", attachments: [file("statement.pdf.exe", "application/octet-stream", 88_000)] }));
	list.push(make(6, topics[6], people[5], now - 5 * hour, { text: "Hi Alice,\n\nThe new place by the canal has a table at half past twelve:\nhttps://canal.example/menu?day=thu\n\nMy treat, after last time.\n\nTomás\n\nOn Mon, Alice Moreau wrote:\n> Shall we have lunch this week?\n>\n> > I am away on Wednesday.\n" }));
	for (let i = list.length; i < count; i++) {
		const topic = topics[Math.floor(r() * topics.length)];
		const from = /Фото/.test(topic[0]) ? people[8] : /週末/.test(topic[0]) ? people[9] : /statement/.test(topic[0]) ? people[11] : people[Math.floor(r() * 8)];
		const seen = i > 14 ? r() > 0.02 : r() > 0.5;
		list.push(make(i, i > 40 ? [`${topic[0]} (${i})`, topic[1]] : topic, from, now - 6 * hour - i * (i < 60 ? 7.3 * hour : day / 12), {
			box: i % 11 === 10 ? ["archive", "house", "shed", "travel", "choir", "sent"][i % 6] : "inbox",
			keywords: { ...(seen ? { $seen: true } : {}), ...(r() > 0.93 ? { $flagged: true } : {}), ...(r() > 0.95 ? { travel: true } : {}) },
			attachments: r() > 0.88 ? [file(`document-${i}.pdf`, "application/pdf", 40_000 + i)] : [],
		}));
	}
	return list;
}
