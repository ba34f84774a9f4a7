// The list: which rows are drawn, and rows that go while others have not been fetched.
import { test } from "node:test";
import assert from "node:assert/strict";
import { listScale, visibleSpan } from "../../src/ui/virtual_list.tsx";
import type { CallGroup, JmapClient } from "../../src/jmap/client.ts";
import { MessageList, readsLetters, without } from "../../src/jmap/list.ts";
import { patchOf } from "../../src/jmap/mail.ts";

test("a few rows more than fit are drawn", () => {
	assert.deepEqual(visibleSpan(0, 600, 60, 100_000), { from: 0, to: 16 });
	assert.deepEqual(visibleSpan(6000, 600, 60, 100_000), { from: 94, to: 116 });
	assert.deepEqual(visibleSpan(0, 600, 60, 3), { from: 0, to: 3 });
	assert.deepEqual(visibleSpan(0, 600, 60, 0), { from: 0, to: 0 });
});

test("the last row can be reached however long the list is", () => {
	for (const count of [10, 1000, 100_000, 102_564, 1_000_000]) {
		const height = 700, row = 78;
		const tall = Math.min(count * row, 8_000_000);
		const end = visibleSpan(Math.max(0, tall - height), height, row, count);
		assert.equal(end.to, count, String(count));
		assert.ok(end.from >= count - 40 || end.from === 0, String(count));
	}
	assert.equal(listScale(1000, 78, 700), 1);
});

test("rows that go leave the unknown ones where they are", () => {
	const rows = ["a", undefined, "b", undefined, "c"];
	assert.deepEqual(without(rows, new Set(["b"])), ["a", undefined, undefined, "c"]);
	const sparse: (string | undefined)[] = ["a"];
	sparse.length = 4;
	assert.equal(without(sparse, new Set(["a"])).length, 3);
});

test("letters are read for words, not for mailboxes and stars", () => {
	assert.equal(readsLetters(null), false);
	assert.equal(readsLetters({ operator: "AND", conditions: [{ hasKeyword: "$flagged" }, { inMailboxOtherThan: ["j"] }] }), false);
	assert.equal(readsLetters({ operator: "AND", conditions: [{ operator: "NOT", conditions: [{ body: "x" }] }] }), true);
});

/** What a search finds, as a server tells it: rows at once, the total when it is told to. */
function server(found: number) {
	const told = { counts: 0, rows: 0, tell: () => undefined as void, signal: null as AbortSignal | null | undefined };
	const call = (name: string, args: Record<string, unknown>, group?: CallGroup) => {
		const answer = async () => {
			if (name !== "Email/query")
				return { list: [], state: "s" };
			if (args.calculateTotal) {
				told.counts++;
				told.signal = group?.signal;
				await new Promise<void>((done) => { told.tell = done; });
				return { queryState: "s", position: 0, ids: [], total: found };
			}
			told.rows++;
			const from = Math.min(Number(args.position), found);
			const n = Math.min(Number(args.limit), found - from);
			return { queryState: "s", position: from, ids: Array.from({ length: n }, (_, i) => `M${from + i}`) };
		};
		return Object.assign(answer(), { ref: (path: string) => ({ resultOf: "", name, path }) });
	};
	return { told, client: { session: { capabilities: {} }, call } as unknown as JmapClient };
}

const caches = { emails: { put: () => undefined }, threads: { put: () => undefined }, sawEmailState: () => undefined } as never;
const words = { filter: { text: "x" }, sort: [], collapseThreads: false };
const turn = () => new Promise((done) => setTimeout(done));

test("a search has rows before it is counted, and is counted once", async () => {
	const { told, client } = server(130);
	const list = new MessageList(words, client, caches);
	list.show(0, 1);
	await list.loaded();
	assert.deepEqual([list.ids.value.length, list.total.value, told.counts], [51, null, 1], "fifty, and one that is not there yet");
	list.show(40, 51);
	await turn();
	assert.deepEqual([list.ids.value.length, list.ids.value[99], list.total.value, told.counts], [101, "M99", null, 1]);
	told.tell();
	await turn();
	assert.deepEqual([list.ids.value.length, list.total.value], [130, 130]);
	await list.refresh();
	assert.equal(told.counts, 1, "nothing has changed");
});

test("what fits on one page needs no count; who leaves gives it up", async () => {
	const few = server(3);
	const short = new MessageList(words, few.client, caches);
	short.show(0, 1);
	await short.loaded();
	assert.deepEqual([short.total.value, few.told.counts], [3, 0]);
	const many = server(80);
	const list = new MessageList(words, many.client, caches);
	list.show(0, 1);
	await list.loaded();
	list.leave();
	assert.equal(many.told.signal?.aborted, true);
	many.told.tell();
	await turn();
	assert.equal(list.total.value, null);
	await list.refresh();
	assert.equal(many.told.counts, 2);
});

test("changes are patches, with names as JSON pointers", () => {
	assert.deepEqual(patchOf({ keywords: { $seen: true, "a/b~c": false }, mailboxes: { m1: false, m2: true } }),
		{ "keywords/$seen": true, "keywords/a~1b~0c": null, "mailboxIds/m1": null, "mailboxIds/m2": true });
});
