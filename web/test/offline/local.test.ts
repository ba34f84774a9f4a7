// Mail without the server: what is found, in which order, and what a change does here.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Filter, FullEmail, Id, Mailbox } from "../../src/jmap/types";
import { bodyOf, compare, matches, textOfHtml, wordsOf } from "../../src/offline/filter";
import { letter, part } from "./letters";
import { Local, patched, type Invocation, type Noted } from "../../src/offline/local";

const box = (id: Id, role: string, more: Partial<Mailbox> = {}): Mailbox =>
	({ id, name: role, parentId: null, role, sortOrder: 0, totalEmails: 3, unreadEmails: 2, totalThreads: 3, unreadThreads: 2, ...more });

const alone = { threadOf: (e: FullEmail) => [e] };
const is = (e: FullEmail, filter: Filter | null) => matches(e, filter, alone);

test("words are found anywhere, without regard to case and accents; quoted words as they stand", () => {
	const e = letter("a", { subject: "Reise nach Zürich", cc: [{ name: "Bob", email: "bob@x.example" }] }, "The Boat shed roof");
	for (const text of ["zurich", "ZÜRICH", "reise roof", "oat", "muller", "bob@x", '"boat shed"', ""])
		assert.equal(is(e, { text }), true, text);
	for (const text of ["zurich winter", '"shed boat"', "anna bobby"])
		assert.equal(is(e, { text }), false, text);
	assert.equal(is(e, { from: "anna" }), true);
	assert.equal(is(e, { to: "anna" }), false);
	assert.equal(is(e, { body: "reise" }), false);
	assert.deepEqual(wordsOf('one "two three" "open'), ["one", "two three", "open"]);
});

test("the conditions are the server's", () => {
	const e = letter("a", { size: 1000, keywords: { $seen: true, work: true }, mailboxIds: { in: true, x: true }, hasAttachment: true });
	const yes: Filter[] = [
		{ inMailbox: "x" }, { inMailboxOtherThan: ["in"] }, { after: "2026-11-01T10:00:00Z" }, { before: "2026-11-01T10:00:01Z" }, { minSize: 1000 },
		{ maxSize: 1001 }, { hasKeyword: "$Seen" }, { notKeyword: "$flagged" }, { hasAttachment: true }, { header: ["Message-ID", "a@example.org"] },
		{ operator: "NOT", conditions: [{ inMailbox: "y" }, { maxSize: 10 }] }, { operator: "OR", conditions: [{ inMailbox: "y" }, { inMailbox: "x" }] }, {},
	];
	const no: Filter[] = [
		{ inMailbox: "y" }, { inMailboxOtherThan: ["in", "x"] }, { before: "2026-11-01T10:00:00Z" }, { maxSize: 1000 }, { notKeyword: "work" },
		{ inMailbox: "x", hasAttachment: false }, { operator: "AND", conditions: [{ inMailbox: "x" }, { inMailbox: "y" }] }, { header: ["Message-ID", "b@"] },
		{ operator: "NOT", conditions: [{ inMailbox: "x" }, { maxSize: 10 }] }, { unheardOf: 1 } as unknown as Filter,
	];
	for (const f of yes)
		assert.equal(is(e, f), true, JSON.stringify(f));
	for (const f of no)
		assert.equal(is(e, f), false, JSON.stringify(f));
});

test("formatted text is searched for what one reads of it", () => {
	assert.equal(textOfHtml("<style>p { color: red }</style><p>Tom &amp; Jerry&#33;<br>1 &lt; 2</p><script>alert()").replace(/\s+/g, " ").trim(), "Tom & Jerry! 1 < 2");
	assert.equal(textOfHtml("&#1114112;&#99999999;&unknown;&constructor;"), " &#99999999;&unknown;&constructor;");
	const e = letter("a", { htmlBody: [part("text/html", "1")], textBody: [part("text/html", "1")] }, "<b>bold</b>");
	assert.match(bodyOf(e), /^\s*bold\s*$/);
});

test("an order is always the same", () => {
	const all = [letter("b"), letter("a"), letter("c", { receivedAt: "2026-11-02T00:00:00Z", size: 5 })];
	const sorted = (property: string, isAscending: boolean) => [...all].sort((x, y) => compare(x, y, [{ property, isAscending }])).map((e) => e.id).join("");
	assert.equal(sorted("receivedAt", false), "cab");
	assert.equal(sorted("receivedAt", true), "abc");
	assert.equal(sorted("size", true), "cab");
});

function local(emails = [letter("a"), letter("b", { keywords: { $seen: true } }), letter("c", { threadId: "Ta", receivedAt: "2026-11-03T00:00:00Z" })]) {
	const noted: { noted: Noted; now: ReadonlyMap<Id, FullEmail | undefined> }[] = [];
	const l = new Local({ mailboxes: [box("in", "inbox"), box("ar", "archive", { totalEmails: 0, unreadEmails: 0 })], identities: [], emails, state: "s7" },
		async (n, now) => void noted.push({ noted: n, now }));
	const call = async (name: string, args: Record<string, unknown>) => (await l.answer([[name, args, "x"]]))[0] as Invocation;
	return { l, noted, call };
}

test("calls of one request refer to each other, as they do with the server", async () => {
	const { l } = local();
	const out = await l.answer([
		["Email/query", { filter: { inMailbox: "in" }, collapseThreads: true, position: 0, limit: 1, calculateTotal: true }, "q"],
		["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "threadId"] }, "g"],
		["Thread/get", { "#ids": { resultOf: "g", name: "Email/get", path: "/list/*/threadId" } }, "t"],
		["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, properties: ["id"] }, "h"],
		["Email/get", { "#ids": { resultOf: "none", name: "Email/query", path: "/ids" } }, "w"],
	]);
	assert.deepEqual([out[0]?.[1].ids, out[0]?.[1].total], [["c"], 2]);
	assert.deepEqual(out[1]?.[1].list, [{ id: "c", threadId: "Ta" }]);
	assert.deepEqual(out[2]?.[1].list, [{ id: "Ta", emailIds: ["a", "c"] }]);
	assert.deepEqual(out[3]?.[1].list, [{ id: "a" }, { id: "c" }]);
	assert.deepEqual(out[4], ["error", { type: "invalidResultReference" }, "w"]);
});

test("a change shows, is counted and is noted; what is not here is not found", async () => {
	const { l, noted, call } = local();
	const [, done] = await call("Email/set", { update: { a: { "keywords/$seen": true, "mailboxIds/in": null, "mailboxIds/ar": true }, z: { "keywords/$seen": true } } });
	assert.deepEqual([done.updated, done.notUpdated], [{ a: null }, { z: { type: "notFound" } }]);
	assert.deepEqual(noted[0]?.noted, { update: { a: { "keywords/$seen": true, "mailboxIds/in": null, "mailboxIds/ar": true } } });
	assert.deepEqual(l.emails.get("a")?.mailboxIds, { ar: true });
	const boxes = (await call("Mailbox/get", { ids: null }))[1].list as Mailbox[];
	assert.deepEqual(boxes.map((b) => [b.totalEmails, b.unreadEmails]), [[2, 1], [1, 0]]);
	await call("Email/set", { destroy: ["b"] });
	assert.equal((await call("Email/get", { ids: ["b"] }))[1].notFound?.toString(), "b");
	assert.deepEqual(noted[1]?.noted, { destroy: ["b"] });
});

test("what cannot be done without the server is refused as that, and changes nothing", async () => {
	const { noted, call } = local();
	for (const [name, args] of [
		["Email/set", { create: { d: {} } }], ["Email/set", { update: { a: { snoozedUntil: null } } }], ["EmailSubmission/set", { create: {} }], ["Mailbox/set", {}], ["constructor", {}],
	] as const)
		assert.deepEqual(await call(name, args), ["error", { type: "offline" }, "x"], name);
	assert.equal(noted.length, 0);
});

test("a patch is JMAP's", () => {
	const e = letter("a", { keywords: { "a/b": true, "c~d": true } });
	assert.deepEqual(patched(e, { "keywords/a~1b": null, "keywords/c~0d": null, "keywords/new": true }).keywords, { new: true });
	assert.deepEqual(patched(e, { mailboxIds: { q: true } }).mailboxIds, { q: true });
	assert.deepEqual(e.keywords, { "a/b": true, "c~d": true }, "the old one is as it was");
});
