// Which letters are taken back when their mail was cancelled by another program: those, and never one more.
import { test } from "node:test";
import assert from "node:assert/strict";
import { orphansOf } from "../../src/app/letters/orphans.ts";
import type { LetterInfo } from "../../src/app/letters/waiting.ts";
import type { Submission } from "../../src/app/mail/pending.ts";

const now = 1_800_000_000;
const hour = 3600;
let serial = 0;

const letter = (to: string, sendAt: number, more: Partial<LetterInfo> = {}): LetterInfo => ({
	id: `l${++serial}`, state: "open", to, messageId: `<m${serial}@x>`, created: now - hour, sendAt, expires: sendAt + 90 * 24 * hour, size: 1, opens: 0, maxOpens: 0,
	firstOpened: 0, lastOpened: 0, replies: 0, note: "", ...more,
});
const mail = (to: string, sendAt: number, undoStatus: Submission["undoStatus"]): Submission =>
	({ id: `s${++serial}`, emailId: "e", sendAt: new Date(sendAt * 1000).toISOString(), undoStatus, envelope: { rcptTo: [{ email: to }] } });
const orphans = (letters: LetterInfo[], mails: Submission[], known: string[] = []) => orphansOf(letters, mails, new Set(known), now).map((l) => l.to);

test("the letter of a cancelled mail is one, whatever case the address has", () => {
	assert.deepEqual(orphans([letter("Ann@x.example", now + hour)], [mail("ann@X.example", now + hour + 3, "canceled")]), ["Ann@x.example"]);
	assert.deepEqual(orphans([letter("ann@x", now + hour)], [mail("ann@x", now + hour, "pending")]), []);
	assert.deepEqual(orphans([letter("ann@x", now + hour)], []), [], "nothing is known of its mail");
	assert.deepEqual(orphans([letter("ann@x", now + hour)], [mail("bob@x", now + hour, "canceled")]), []);
});

test("only those that wait, and whose time it is", () => {
	const gone = [mail("ann@x", now + hour, "canceled")];
	assert.deepEqual(orphans([letter("ann@x", now - 5)], [mail("ann@x", now - 5, "canceled")]), [], "its time has come");
	assert.deepEqual(orphans([letter("ann@x", now + 3 * hour)], gone), [], "another time");
	for (const state of ["draft", "withdrawn", "expired"] as const)
		assert.deepEqual(orphans([letter("ann@x", now + hour, { state })], gone), [], state);
});

test("another letter to the same person, about the same time, stays", () => {
	const [a, b] = [letter("ann@x", now + hour), letter("ann@x", now + hour + 300)];
	const mails = [mail("ann@x", now + hour, "canceled"), mail("ann@x", now + hour + 300, "pending")];
	assert.deepEqual(orphansOf([a, b], mails, new Set(), now), [a]);
	assert.deepEqual(orphansOf([b], mails, new Set(), now), []);
	// With a clock that is wrong by as much as lies between them, the numbers tell.
	assert.deepEqual(orphansOf([letter("ann@x", now + hour)], [mail("ann@x", now + hour + 10, "canceled"), mail("ann@x", now + hour + 300, "pending")], new Set(), now), []);
});

test("one that has just been made may not have its mail yet, unless it is known to have had one", () => {
	const fresh = letter("ann@x", now + hour, { created: now - 20 });
	const mails = [mail("ann@x", now + hour, "canceled")];
	assert.deepEqual(orphans([fresh], mails), []);
	assert.deepEqual(orphans([fresh], mails, [fresh.messageId]), ["ann@x"]);
});
