// Headers, dates, notes of other programs, labels, Maildir names, and where files belong.
import { test } from "node:test";
import assert from "node:assert/strict";
import { bytesOf, latin1 } from "../../src/app/transfer/bytes.ts";
import { labelPlace } from "../../src/app/transfer/gmail.ts";
import { dovecotKeywords, fromUtf7, maildirPlace } from "../../src/app/transfer/maildir.ts";
import { decodeWords, fieldsOf, headEnd, headerDate, isKeyword, looksLikeMessage, notesOf, parseDate, parseFromLine, withCrlf, withoutStorage } from "../../src/app/transfer/message.ts";
import { folderOf, maildirRoot, mboxFolder, placeOf } from "../../src/app/transfer/places.ts";

const fields = (text: string) => fieldsOf(bytesOf(text));
const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());

test("fields are unfolded, and what is none is left out", () => {
	const raw = "Subject: a\r\n b\r\n\tc\r\nrubbish\r\nX-Empty:\r\nTo : d\r\n\r\nBody: no\r\n";
	assert.deepEqual(fields(raw).map((f) => [f.name, f.value]), [["subject", "a b\tc"], ["x-empty", ""], ["to", "d"]]);
	assert.equal(headEnd(bytesOf(raw)), raw.indexOf("Body"));
	assert.equal(headEnd(bytesOf("A: 1\nB: 2")), 9);
	assert.deepEqual(fields("\nA: 1\n"), []);
});

test("a header of a million fields ends", () => {
	assert.ok(fieldsOf(bytesOf("a:b\n".repeat(1_000_000))).length <= 2000);
	assert.ok(fieldsOf(bytesOf(`a:${"\n b".repeat(500_000)}`)).length <= 2000);
	assert.ok(fieldsOf(bytesOf("x".repeat(2_000_000))).length === 0);
});

test("dates as they are written", () => {
	for (const [text, want] of [
		["Mon, 1 Jan 2024 12:00:00 +0100", "2024-01-01T11:00:00.000Z"], ["1 Jan 24 12:00 EST", "2024-01-01T17:00:00.000Z"],
		["Mon, 01 Jan 2024 12:00:00 (CET)", "2024-01-01T12:00:00.000Z"], ["Tue, 31 Dec 99 23:59:60 GMT", "2000-01-01T00:00:00.000Z"],
		["Thu, 1-Jan-2024 12:00:00 -0330", "2024-01-01T15:30:00.000Z"],
	] as const)
		assert.equal(iso(parseDate(text)), want, text);
	for (const text of ["", "yesterday", "Mon, 32 Jan 2024 12:00:00 +0000", "1 Foo 2024 12:00:00", "1 Jan 2024 25:00:00", "1 Jan 9999 12:00:00", "1 Jan 1066 12:00:00"])
		assert.equal(parseDate(text), null, text);
	assert.equal(iso(parseFromLine("a@b Mon Jan  1 12:00:00 2024")), "2024-01-01T12:00:00.000Z");
	assert.equal(iso(parseFromLine("1789@xxx Mon Jan 01 12:00:00 +0200 2024")), "2024-01-01T10:00:00.000Z");
	assert.equal(iso(parseFromLine("a@b Mon Jan  1 12:00 CET 2024")), "2024-01-01T11:00:00.000Z");
	assert.equal(iso(parseFromLine("a@b Mon Jan  1 12:00:00 2024 -0100")), "2024-01-01T13:00:00.000Z");
	assert.equal(parseFromLine("a@b 2024"), null);
});

test("the newest Received field says when it came, else Date", () => {
	assert.equal(iso(headerDate(fields("Received: from a; by b;\n Mon, 1 Jan 2024 12:00:00 +0000\nReceived: x; 1 Jan 2020 00:00:00 +0000\nDate: 1 Jan 2019 00:00:00 +0000\n\n"))), "2024-01-01T12:00:00.000Z");
	assert.equal(iso(headerDate(fields("Received: nonsense\nDate: 1 Jan 2019 00:00:00 +0000\n\n"))), "2019-01-01T00:00:00.000Z");
	assert.equal(headerDate(fields("Subject: x\n\n")), null);
});

test("notes of mail programs become keywords", () => {
	const of = (text: string) => notesOf(fields(text));
	assert.deepEqual(of("Status: RO\nX-Status: AF\nX-Keywords: Work, done\n\n").keywords, ["$seen", "$answered", "$flagged", "work", "done"]);
	assert.deepEqual(of("X-Mozilla-Status: 1005\nX-Mozilla-Keys: $label1 todo\n\n").keywords, ["$seen", "$flagged", "$forwarded", "$label1", "todo"]);
	assert.ok(of("X-Mozilla-Status: 0009\n\n").deleted);
	assert.ok(!of("X-Mozilla-Status: 0001\n\n").deleted);
	assert.ok(of("Subject: x\n\n").none && !of("Status: O\n\n").none);
	assert.deepEqual(of("X-Keywords: a(b *  \\Seen x\"y\n\n").keywords, []);
	assert.deepEqual(of("X-Gmail-Labels: =?UTF-8?Q?Inbox,Caf=C3=A9/Ber?=\n =?UTF-8?Q?lin,\"a,_b\"?=\n\n").labels, ["Inbox", "Café/Berlin", "a, b"]);
	assert.ok(!isKeyword("$deleted") && !isKeyword("") && !isKeyword("x".repeat(65)) && !isKeyword("ä"));
});

test("encoded words, also those that are cut within a character or broken", () => {
	assert.equal(decodeWords("=?utf-8?b?w6Q=?= =?utf-8?q?=C3?= =?utf-8?q?=A4_x?="), "ää x");
	assert.equal(decodeWords("=?iso-8859-1?q?=E4?= and =?no-such?q?x?="), "ä and x");
	assert.equal(decodeWords("=?utf-8?b?%%%?="), "");
	assert.equal(decodeWords("=?utf-8?x?a?="), "=?utf-8?x?a?=");
	assert.equal(decodeWords(latin1(bytesOf("Grüße"))), "Grüße");
});

test("every byte is the character of its number", () => {
	const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i & 255);
	const text = latin1(bytes);
	assert.equal(text.length, bytes.length);
	assert.ok(bytes.every((b, i) => text.charCodeAt(i) === b));
});

test("labels of Gmail, in the language of the account", () => {
	assert.deepEqual(labelPlace(["Inbox", "Unread", "Work/Plans", "Category Promotions"]), { roles: ["inbox"], folders: [["Work", "Plans"]], keywords: [] });
	assert.deepEqual(labelPlace(["Gesendet", "Geöffnet", "Markiert"]), { roles: ["sent"], folders: [], keywords: ["$flagged", "$seen"] });
	assert.deepEqual(labelPlace(["Opened"]), { roles: ["archive"], folders: [], keywords: ["$seen"] });
	assert.deepEqual(labelPlace(["Spam", "Work", "Unread"]), { roles: ["junk"], folders: [], keywords: [] });
	assert.deepEqual(labelPlace(["Archived", "Travel", "Important"]).roles, ["archive"]);
	assert.deepEqual(labelPlace(["Brouillons"]).keywords, ["$draft", "$seen"]);
	assert.deepEqual(labelPlace(["/"]).folders, []);
});

test("names in a Maildir", () => {
	const p = maildirPlace("Mail/.Work.Pl&AOQ-ne/cur/1700000000.M1P2.host:2,FRSab");
	assert.deepEqual(p?.folder, ["Mail", "Work", "Pläne"]);
	assert.deepEqual(p?.keywords, ["$flagged", "$answered", "$seen"]);
	assert.deepEqual(p?.more, ["a", "b"]);
	assert.equal(p?.receivedAt, 1_700_000_000_000);
	assert.ok(maildirPlace("cur/1.x:2,T")?.deleted);
	assert.deepEqual(maildirPlace("new/1700000000.x:2,S")?.keywords, []);
	assert.equal(maildirPlace("cur/99999999999999.x")?.receivedAt, null);
	for (const path of ["tmp/1.x", "cur/.hidden", "a/b", "cur", "", "1700000000.x"])
		assert.equal(maildirPlace(path), null, path);
	assert.equal(fromUtf7("a&-b &xyz &AAA"), "a&b &xyz &AAA");
	assert.deepEqual([...dovecotKeywords("0 Work\n1 done\r\n99 no\nbad\n")], [["a", "work"], ["b", "done"]]);
});

test("what is above the outermost Maildir is no mailbox", () => {
	assert.equal(maildirRoot([["Maildir"], ["Maildir", "Sent"]]), 1);
	assert.equal(maildirRoot([["Maildir"]]), 1);
	assert.equal(maildirRoot([["Work"]]), 0);
	assert.equal(maildirRoot([["a", "Work"], ["a", "Home"]]), 1);
	assert.equal(maildirRoot([]), 0);
});

test("where files belong", () => {
	const box = (path: string) => placeOf(mboxFolder(path));
	assert.deepEqual(box("Takeout/Mail/All mail Including Spam and Trash.mbox").folder, ["All mail Including Spam and Trash"]);
	assert.deepEqual(box("Takeout/Mail/Work/Plans.mbox").folder, ["Work", "Plans"]);
	assert.equal(box("Inbox.mbox/mbox").role, "inbox");
	assert.equal(box("INBOX").role, "inbox");
	assert.equal(box("Gesendet").role, "sent");
	assert.deepEqual(box("xyz.default/ImapMail/imap.example.org/Archives.sbd/2019").folder, ["Archives", "2019"]);
	assert.equal(box("xyz.default/Mail/Local Folders/Trash").role, "trash");
	assert.deepEqual(placeOf(["INBOX", "Friends"]), { role: null, folder: ["Friends"] });
	assert.equal(placeOf(["[Gmail]", "Sent Mail"]).role, "sent");
	assert.deepEqual(placeOf(["Work", "Inbox"]), { role: null, folder: ["Work", "Inbox"] });
	assert.deepEqual(folderOf("letters/2019/1.eml"), ["letters", "2019"]);
});

test("line ends and storage fields", () => {
	const crlf = (text: string) => latin1(withCrlf(bytesOf(text)));
	assert.equal(crlf("a\nb\r\nc\rd\n\ne"), "a\r\nb\r\nc\rd\r\n\r\ne");
	assert.equal(crlf(""), "");
	const raw = bytesOf("Status: RO\nSubject: x\nX-Gmail-Labels: a,\n b\nFrom: y\nContent-Length: 3\n\nStatus: no\n");
	assert.equal(latin1(withoutStorage(raw, fieldsOf(raw))), "Subject: x\nFrom: y\n\nStatus: no\n");
});

test("messages are told from other files", () => {
	assert.ok(looksLikeMessage(bytesOf("Return-Path: <a@b>\nSubject: x\n\n")));
	for (const text of ["BEGIN:VCARD\nFN: x\n", "{\"from\": 1}", "<html>", "", "\u0000\u0001Subject: x", "hello\nSubject: x\n", "Name: x\nValue: y\n"])
		assert.ok(!looksLikeMessage(bytesOf(text)), text);
});
