// The search language: what is typed, and the filter that the server is asked with.
import { test } from "node:test";
import assert from "node:assert/strict";
import { parseDate, parseSearch, tokenize } from "../../src/jmap/query.ts";
import type { Mailbox } from "../../src/jmap/types.ts";

const box = (id: string, name: string, role: string | null): Mailbox =>
	({ id, name, role, parentId: null, sortOrder: 0, totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 });
const boxes = [box("i", "Inbox", "inbox"), box("j", "Junk mail", "junk"), box("t", "Bin", "trash"), box("h", "House", null)];
const now = new Date(2026, 2, 15, 12);
const without = { inMailboxOtherThan: ["j", "t"] };
const and = (...conditions: object[]) => ({ operator: "AND", conditions });

const cases: [string, object | null][] = [
	["", null],
	["   ", null],
	["roof", and({ text: "roof" }, without)],
	["from:anna roof", and({ from: "anna" }, { text: "roof" }, without)],
	["subject:\"travel plan\"", and({ subject: "\"travel plan\"" }, without)],
	["\"the key is\" roof", and({ text: "\"the key is\"" }, { text: "roof" }, without)],
	["-\"the key\"", and({ operator: "NOT", conditions: [{ text: "\"the key\"" }] }, without)],
	["\"roof\"", and({ text: "roof" }, without)],
	["subject:\"unfinished", and({ subject: "unfinished" }, without)],
	["has:attachment is:unread", and({ hasAttachment: true }, { notKeyword: "$seen" }, without)],
	["-newsletter", and({ operator: "NOT", conditions: [{ text: "newsletter" }] }, without)],
	["-from:bob", and({ operator: "NOT", conditions: [{ from: "bob" }] }, without)],
	["in:spam", { inMailbox: "j" }],
	["in:house x", and({ inMailbox: "h" }, { text: "x" })],
	["in:nowhere", { text: "in:nowhere" }],
	["larger:2M", and({ minSize: 2097152 }, without)],
	["larger:big", and({ text: "larger:big" }, without)],
	["note:this", and({ text: "note:this" }, without)],
	["FROM:Anna", and({ from: "Anna" }, without)],
	["from:", null],
	["-", null],
];

for (const [text, want] of cases)
	test(`filter of ${JSON.stringify(text)}`, () => assert.deepEqual(parseSearch(text, boxes, now), want));

test("dates are days here, or back from now", () => {
	assert.equal(parseDate("2026-03-01", now), new Date(2026, 2, 1).toISOString().replace(".000", ""));
	assert.equal(parseDate("2026", now), new Date(2026, 0, 1).toISOString().replace(".000", ""));
	assert.equal(parseDate("7d", now), new Date(now.getTime() - 7 * 86_400_000).toISOString().replace(".000", ""));
	assert.equal(parseDate("yesterday", now), null);
	assert.deepEqual(parseSearch("after:someday", [], now), { text: "after:someday" });
});

test("quotes keep spaces, other scripts are words", () => {
	assert.deepEqual(tokenize("\"two words\" 週末 -\"not this\"").map((x) => [x.not, x.key, x.value]),
		[[false, "text", "two words"], [false, "text", "週末"], [true, "text", "not this"]]);
});
