// What is exported is what an import reads: the same messages, flags, dates and mailboxes.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createDeflateRaw, gzipSync } from "node:zlib";
import { Duplex } from "node:stream";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, type Bytes, concat, latin1 } from "../../src/app/transfer/bytes.ts";
import { type Found, FileWalk, isBroken, type Picked } from "../../src/app/transfer/files.ts";
import { layout } from "../../src/app/transfer/export_job.ts";
import { around, letterOf, type Letter } from "../../src/app/transfer/letter.ts";
import { asctime, emlName, type Exported, fileName, KeywordLetters, maildirName, mboxEntry, originalNote } from "../../src/app/transfer/mail_write.ts";
import { ZipWriter } from "../../src/app/transfer/zip_write.ts";
import type { Mailbox } from "../../src/jmap/types.ts";
import { collect, tar, useInflate, zip } from "./make.ts";

useInflate();
const nativeCompression = globalThis.CompressionStream;
globalThis.CompressionStream = function (form: string) {
	return form === "deflate-raw" ? (Duplex as unknown as { toWeb(d: Duplex): unknown }).toWeb(createDeflateRaw()) : new nativeCompression(form as CompressionFormat);
} as unknown as typeof CompressionStream;

const gz = (bytes: Uint8Array): Bytes => new Uint8Array(gzipSync(bytes));
const email = (id: string, keywords: readonly string[], receivedAt = "2024-01-02T03:04:05Z"): Exported => ({
	id, blobId: id, keywords: Object.fromEntries(keywords.map((k) => [k, true])), receivedAt, from: [{ name: null, email: "a@b.example" }], subject: `Subject ${id}`, size: 10,
});
const raw = (id: string, text = "text\r\n") => bytesOf(`Message-ID: <${id}@x>\r\nSubject: Subject ${id}\r\nReceived: x; 1 Jan 2001 00:00:00 +0000\r\n\r\n${text}`);

async function letters(files: readonly Picked[], largest = 1 << 20): Promise<Letter[]> {
	const walk = new FileWalk(files, largest);
	const look = await walk.look();
	const found = await collect(walk.walk({ file: 0, entry: 0, offset: 0 }));
	const a = around(look.paths, look.manifest);
	return Promise.all(found.map((f) => { assert.ok(!isBroken(f), JSON.stringify(f)); return letterOf(f as Found, a); }));
}
const file = (path: string, data: BlobPart): Picked => ({ path, file: new Blob([data]), modified: null });

test("an mbox file of ours gives the same messages back", async () => {
	const all: Array<[Exported, Bytes]> = [
		[email("1", ["$seen", "$flagged", "work", "$forwarded"]), raw("1", "From here\r\n>From there\r\n\r\nFrom a@b Mon Jan  1 12:00:00 2024\r\nA: b\r\n\r\nend\r\n")],
		[email("2", []), raw("2", "\r\n\r\ntwo lines above, three below\r\n\r\n\r\n\r\n")],
		[email("3", ["$draft", "$answered"], "1999-12-31T23:59:59Z"), raw("3", "")],
		[email("4", ["$seen"]), bytesOf("Subject: no id\r\n\r\n\u0000\u00ff binary \r alone\r\n")],
	];
	const got = await letters([file("Work.mbox", concat(all.map(([e, b]) => mboxEntry(e, b))))]);
	assert.equal(got.length, all.length);
	for (const [i, [e, b]] of all.entries()) {
		const l = got[i] as Letter;
		assert.equal(latin1(l.bytes), latin1(b));
		assert.deepEqual(l.keywords.sort(), Object.keys(e.keywords).sort());
		assert.equal(l.receivedAt, e.receivedAt);
		assert.deepEqual(l.places, [{ role: null, folder: ["Work"] }]);
	}
});

async function written(add: (z: ZipWriter) => Promise<void>): Promise<Bytes> {
	const parts: Bytes[] = [];
	const z = new ZipWriter(async (b) => void parts.push(b.slice()));
	await add(z);
	await z.end();
	return concat(parts);
}

test("a zip file of ours is read by python's zipfile and by us", async () => {
	const big = bytesOf("0123456789".repeat(300_000));
	const bytes = await written(async (z) => {
		await z.add("mail/ü.mbox", Date.UTC(2024, 0, 2, 3, 4, 6), [big.subarray(0, 1000), big.subarray(1000)]);
		await z.add("empty", 0, []);
	});
	const folder = mkdtempSync(join(tmpdir(), "letterlock-zip-"));
	try {
		writeFileSync(join(folder, "a.zip"), bytes);
		const out = execFileSync("python3", ["-c", "import zipfile,sys\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint([(i.filename,i.file_size,i.date_time) for i in z.infolist()])\nopen(sys.argv[2],'wb').write(z.read('mail/\u00fc.mbox'))", join(folder, "a.zip"), join(folder, "out")], { encoding: "utf8" });
		assert.match(out, /'mail\/ü.mbox', 3000000, \(2024, 1, 2, 3, 4, 6\)\), \('empty', 0/);
		assert.ok(readFileSync(join(folder, "out")).equals(big));
	} finally {
		rmSync(folder, { recursive: true });
	}
});

const manifest = (mailboxes: unknown) => bytesOf(JSON.stringify({ mailboxes }));

test("Maildir and .eml exports keep bytes, flags, keywords, dates and mailboxes", async () => {
	const exact = bytesOf("Status: kept\nSubject: x\n\nno line end");
	const e = email("1", ["$seen", "$flagged", "work"]);
	const l = new KeywordLetters();
	const maildir = `mail/Eingang/cur/${maildirName(e, l)}`;
	assert.match(maildir, /^mail\/Eingang\/cur\/1704164645\.1\.letterlock:2,FSa$/);
	const line = (path: string) => bytesOf(`${JSON.stringify({ path, receivedAt: e.receivedAt, keywords: Object.keys(e.keywords) })}\n`);
	for (const path of [maildir, "mail/Eingang/a.eml"]) {
		const bytes = await written(async (z) => {
			await z.add(path, 0, [exact]);
			await z.add("mail/Eingang/dovecot-keywords", 0, [bytesOf(l.file)]);
			await z.add("mailboxes.json", 0, [manifest([{ path: "mail/Eingang", name: ["Eingang"], role: "inbox" }])]);
			await z.add("messages.jsonl", 0, [line(path)]);
		});
		const [got] = await letters([file("export.zip", bytes)]);
		assert.equal(latin1(got?.bytes as Bytes), latin1(exact));
		assert.deepEqual(got?.keywords.sort(), ["$flagged", "$seen", "work"]);
		assert.equal(got?.receivedAt, e.receivedAt);
		assert.deepEqual(got?.places, [{ role: "inbox", folder: ["Eingang"] }]);
	}
});

test("an mbox file of ours says what it changed, and its fields are told from the message's own", async () => {
	const odd: Array<[string, Bytes, string]> = [
		["no line end", bytesOf("Subject: a\r\n\r\nend"), "Subject: a\r\n\r\nend\r\n"],
		["bare line feeds", bytesOf("Subject: b\n\none\ntwo\r\n"), "Subject: b\r\n\r\none\r\ntwo\r\n"],
		["fields of programs", bytesOf("X-Mozilla-Status: 0008\r\nX-Gmail-Labels: Elsewhere\r\nStatus: RO\r\nSubject: c\r\n\r\nc\r\n"), "X-Mozilla-Status: 0008\r\nX-Gmail-Labels: Elsewhere\r\nStatus: RO\r\nSubject: c\r\n\r\nc\r\n"],
		["our own field", bytesOf("X-Letterlock-Original: 1 AAAA\r\nX-Status: D\r\nSubject: d\r\n\r\nd\r\n"), "X-Letterlock-Original: 1 AAAA\r\nX-Status: D\r\nSubject: d\r\n\r\nd\r\n"],
	];
	for (const [what, bytes, back] of odd) {
		const note = await originalNote(bytes);
		assert.match(note, /^X-Letterlock-Original: \d+ /, what);
		const [got] = await letters([file("export.zip", await written(async (z) => {
			await z.add("mail/Work.mbox", 0, [mboxEntry(email("1", ["$flagged"]), bytes, note)]);
			await z.add("mailboxes.json", 0, [manifest([{ path: "mail/Work.mbox", name: ["Work"], role: null }])]);
		}))]);
		assert.equal(latin1(got?.bytes as Bytes), back, what);
		assert.deepEqual([got?.skip, got?.keywords, got?.places], [false, ["$flagged"], [{ role: null, folder: ["Work"] }]], what);
		assert.deepEqual(got?.original, { size: bytes.length, sha: createHash("sha256").update(bytes).digest("base64") }, what);
	}
	assert.equal(await originalNote(raw("1")), "");
	const [other] = await letters([file("Work.mbox", mboxEntry(email("1", []), bytesOf("Subject: a\r\n\r\nend"), "X-Letterlock-Original: 5 qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq=\n"))]);
	assert.equal(other?.original, null, "it is believed in exports only");
});

test("mailboxes with the names of a Maildir's folders keep their letters", async () => {
	const boxes = [["mail/A", "A"], ["mail/A/cur", "A/cur"], ["mail/new", "new"]].map(([path, name]) => ({ path, name: name?.split("/"), role: null }));
	for (const within of ["x.eml", "cur/1700000000.M1.letterlock:2,S"]) {
		const got = await letters([file("export.zip", await written(async (z) => {
			for (const b of boxes)
				await z.add(`${b.path}/${within}`, 0, [bytesOf(`Subject: ${b.name?.join("/")}\r\n\r\n`)]);
			await z.add("mailboxes.json", 0, [manifest(boxes)]);
		}))]);
		assert.deepEqual(got.map((l) => l.places[0]?.folder.join("/")), got.map((l) => l.subject));
		assert.equal(got.length, 3);
	}
});

test("a manifest of somebody else's is not believed", async () => {
	for (const text of ["{", "[]", "{\"mailboxes\":[{\"path\":1,\"name\":\"x\"}]}", "{\"mailboxes\":{}}"]) {
		const [got] = await letters([file("a.zip", await written(async (z) => {
			await z.add("Work.mbox", 0, [mboxEntry(email("1", []), raw("1"))]);
			await z.add("mailboxes.json", 0, [bytesOf(text)]);
		}))]);
		assert.deepEqual(got?.places, [{ role: null, folder: ["Work"] }]);
	}
});

const labelled = (labels: string) => bytesOf(`From 1@xxx Tue Jan 02 03:04:05 +0000 2024\nX-GM-THRID: 1\nX-Gmail-Labels: ${labels}\nMessage-ID: <1@x>\nSubject: x\n\ntext\n\n`);

test("Takeout: labels decide, in .zip and .tgz, and their fields are taken out", async () => {
	const mbox = concat([labelled("Inbox,Unread,Work/Plans"), labelled("Sent,Opened,Starred")]);
	const name = "Takeout/Mail/All mail Including Spam and Trash.mbox";
	for (const [file_, path] of [[zip([{ name, data: mbox }]), "t.zip"], [new Blob([gz(tar([{ name: "Takeout/archive_browser.html", data: bytesOf("<html>") }, { name, data: mbox }]))]), "t.tgz"], [new Blob([gz(mbox)]), "All.mbox.gz"]] as const) {
		const got = await letters([{ path, file: file_, modified: null }]);
		assert.deepEqual(got.map((l) => l.places), [[{ role: "inbox", folder: [] }, { role: null, folder: ["Work", "Plans"] }], [{ role: "sent", folder: [] }]]);
		assert.deepEqual(got.map((l) => l.keywords), [[], ["$flagged", "$seen"]]);
		assert.equal(latin1(got[0]?.bytes as Bytes), "Message-ID: <1@x>\r\nSubject: x\r\n\r\ntext\r\n");
		assert.equal(got[0]?.receivedAt, "2024-01-02T03:04:05Z");
	}
});

test("Takeout without labels, folders of mbox files, and of messages", async () => {
	const m = mboxEntry(email("1", []), raw("1"));
	const places = async (...files: Picked[]) => (await letters(files)).map((l) => l.places[0]?.folder.join("/"));
	assert.deepEqual(await places(file("t.zip", await zip([{ name: "Takeout/Mail/Work.mbox", data: m }, { name: "Takeout/Mail/Work/Plans.mbox", data: m }]).arrayBuffer())), ["Work", "Work/Plans"]);
	assert.deepEqual(await places(file("old/A.mbox", m), file("old/B", m)), ["A", "B"]);
	assert.deepEqual(await places(file("old/1.eml", raw("1")), file("old/2.eml", raw("2"))), ["old", "old"]);
	assert.deepEqual(await places(file("1.eml", raw("1"))), ["Imported"]);
});

test("every position goes on where it stopped, in files and in archives", async () => {
	const one = (n: number) => mboxEntry(email(String(n), []), raw(String(n)));
	const choices: Picked[][] = [
		[file("a.mbox", concat([one(1), one(2), one(3)])), file("b.mbox", concat([one(4), one(5)])), file("c.eml", raw("6"))],
		[file("t.zip", await zip([{ name: "a.mbox", data: concat([one(1), one(2), one(3)]) }, { name: "x.json", data: bytesOf("{}") }, { name: "c.eml", data: raw("6") }, { name: "b.mbox", data: concat([one(4), one(5)]) }]).arrayBuffer())],
		[file("t.tgz", gz(tar([{ name: "a.mbox", data: concat([one(1), one(2), one(3)]) }, { name: "b.mbox", data: concat([one(4), one(5)]) }, { name: "c.eml", data: raw("6") }])))],
	];
	for (const files of choices) {
		const walk = new FileWalk(files, 1 << 20);
		await walk.look();
		const all = (await collect(walk.walk({ file: 0, entry: 0, offset: 0 }))).filter((w): w is Found => !isBroken(w));
		assert.equal(all.length, 6);
		for (const [i, w] of all.entries()) {
			const again = new FileWalk(files, 1 << 20);
			await again.look();
			const rest = (await collect(again.walk(w.after))).filter((x): x is Found => !isBroken(x));
			assert.deepEqual(rest.map((r) => latin1(r.raw)), all.slice(i + 1).map((r) => latin1(r.raw)));
		}
	}
});

test("the same files have the same fingerprint, whatever their names; others do not", async () => {
	const print = async (...files: Picked[]) => (await new FileWalk(files, 1000).look()).fingerprint;
	const a = "From a@b Mon Jan  1 12:00:00 2024\nA: 1\n\n";
	assert.equal(await print(file("a", a)), await print(file("b", a)));
	assert.notEqual(await print(file("a", a)), await print(file("a", `${a}x`)));
	assert.equal(await print(file("f/a", a), file("f/b", "x")), await print(file("f/b", "x"), file("f/a", a)));
	assert.notEqual(await print(file("f/a", a), file("f/b", "x")), await print(file("f/a", a), file("f/c", "x")));
});

test("a folder: Maildir, mbox and .eml files beside each other, and what is no mail", async () => {
	const m = "Subject: m\n\nm\n";
	const got = await letters([
		file("Backup/Maildir/cur/1700000000.a:2,S", m), file("Backup/Maildir/.Sent/new/1700000001.b", m), file("Backup/Maildir/.Work.Plans/cur/1700000002.c:2,FT", m),
		file("Backup/Maildir/dovecot.index.log", "x"), file("Backup/Maildir/tmp/1700000003.d", m), file("Backup/letters/x.eml", `Date: 2 Jan 2020 00:00:00 +0000\n${m}`), file("Backup/old/Archive", `From - Mon Jan  1 12:00:00 2024\nX-Mozilla-Status: 0001\nDate: 2 Jan 2019 00:00:00 +0000\n${m}`),
		file("Backup/old/Archive.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->"), file("Backup/notes.txt", "hello"),
	]);
	assert.deepEqual(got.map((l) => [l.path.split("/")[1], l.places[0]?.role, l.places[0]?.folder.join("/"), l.keywords.join(), l.receivedAt, l.skip]), [
		["Maildir", "sent", "Sent", "", "2023-11-14T22:13:21Z", false], ["Maildir", null, "Work/Plans", "$flagged", "2023-11-14T22:13:22Z", true],
		["Maildir", "inbox", "", "$seen", "2023-11-14T22:13:20Z", false], ["letters", null, "letters", "$seen", "2020-01-02T00:00:00Z", false],
		["old", null, "old/Archive", "$seen", "2019-01-02T00:00:00Z", false],
	]);
});

test("what cannot be imported is told of", async () => {
	const walk = new FileWalk([file("a.zip", await zip([{ name: "a.mbox", data: mboxEntry(email("1", []), raw("1")), crc: 7 }, { name: "b.mbox", data: mboxEntry(email("2", []), raw("2")) }]).arrayBuffer())], 1000);
	await walk.look();
	const all = await collect(walk.walk({ file: 0, entry: 0, offset: 0 }));
	assert.deepEqual(all.map((w) => (isBroken(w) ? w.code : "ok")), ["damaged", "ok"]);
	const large = await letters([file("a.mbox", mboxEntry(email("1", []), raw("1", `${"x".repeat(3000)}\r\n`)))], 1000);
	assert.deepEqual(large.map((l) => [l.failed, l.subject]), [["tooLarge", "Subject 1"]]);
	const [empty] = await letters([file("a.mbox", "From a@b Mon Jan  1 12:00:00 2024\n\nno header\n")]);
	assert.equal(empty?.failed, "notMessage");
});

test("what holds no mail is told before anything is imported", async () => {
	const verdict = (files: readonly Picked[], most?: number) => new FileWalk(files, 1 << 20).probe(most).then(() => "mail", (e: Error) => e.message);
	const [pdf, letter] = ["%PDF-1.7\n1 0 obj\n<< >>\nendobj\n", "Subject: m\n\nm\n"];
	const zipped = async (...all: [string, string][]) => file("a.zip", await zip(all.map(([name, data]) => ({ name, data: bytesOf(data) }))).arrayBuffer());
	assert.equal(await verdict([file("report.pdf", pdf)]), "notMail");
	assert.equal(await verdict([file("renamed.mbox", pdf)]), "notMail");
	assert.equal(await verdict([file("f/a.txt", "hello"), file("f/b.pdf", pdf)]), "notMail");
	assert.equal(await verdict([file("empty.mbox", "")]), "notMail");
	assert.equal(await verdict([await zipped(["photo.jpg", "x"], ["notes.mbox", pdf])]), "notMail");
	assert.equal(await verdict([file("a.tgz", gz(tar([{ name: "a/notes.txt", data: bytesOf("hello") }])))]), "notMail");
	assert.equal(await verdict([file("a.gz", gz(bytesOf(pdf)))]), "notMail");
	assert.equal(await verdict([await zipped(["photo.jpg", "x"], ["a/letter", letter])]), "mail");
	assert.equal(await verdict([file("f/a.txt", "hello"), file("f/b.eml", letter)]), "mail");
	assert.equal(await verdict([file("a.zip", await zip([{ name: "a.mbox", data: bytesOf(letter), crc: 7 }]).arrayBuffer())]), "damaged");
	// Not all of what is very large is looked through.
	const large = file("a.tar", tar([{ name: "a.bin", data: bytesOf("x".repeat(9 << 20)) }, { name: "b.eml", data: bytesOf(letter) }]));
	assert.equal(await verdict([large]), "mail");
	assert.equal(await verdict([file("a.tar", tar([{ name: "a.bin", data: bytesOf("x".repeat(9 << 20)) }]))]), "notMail");
	assert.equal(await verdict([file("a.tar", tar([{ name: "a.bin", data: bytesOf("x".repeat(9 << 20)) }]))], 4 << 20), "mail");
	assert.equal(await verdict([file("a.tgz", gz(tar([{ name: "a.bin", data: new Uint8Array(randomBytes(9 << 20)) }])))], 4 << 20), "mail");
	assert.equal(await verdict([await zipped(["a.bin", "x".repeat(9 << 20)], ["b.bin", "x".repeat(9 << 20)])], 4 << 20), "notMail");
});

test("names that every file system takes, none twice", () => {
	assert.equal(fileName("../a/b:c*?\u202etxt"), "_a_b_c___txt");
	assert.equal(fileName("CON"), "_CON");
	assert.equal(fileName(" . "), "_");
	const taken = new Set<string>();
	assert.deepEqual([emlName(email("1", []), taken), emlName(email("1", []), taken)], ["2024-01-02 Subject 1.eml", "2024-01-02 Subject 1 2.eml"]);
	assert.equal(asctime(Date.UTC(2024, 0, 2, 3, 4, 5)), "Tue Jan  2 03:04:05 2024");
	const box = (id: string, name: string, parentId: string | null) => ({ id, name, parentId, role: null }) as unknown as Mailbox;
	assert.deepEqual(layout([box("1", "a/b", null), box("2", "a_b", null), box("3", "c", "1")], "mbox").map((b) => [b.path, b.name]), [["mail/a_b.mbox", ["a/b"]], ["mail/a_b 2.mbox", ["a_b"]], ["mail/a_b/c.mbox", ["a/b", "c"]]]);
	const l = new KeywordLetters();
	assert.equal(l.of(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, true]))).length, 26);
});
