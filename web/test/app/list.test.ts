// The list: which rows are drawn, and rows that go while others have not been fetched.
import { test } from "node:test";
import assert from "node:assert/strict";
import { listScale, visibleSpan } from "../../src/ui/virtual_list.tsx";
import { without } from "../../src/jmap/list.ts";
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

test("changes are patches, with names as JSON pointers", () => {
	assert.deepEqual(patchOf({ keywords: { $seen: true, "a/b~c": false }, mailboxes: { m1: false, m2: true } }),
		{ "keywords/$seen": true, "keywords/a~1b~0c": null, "mailboxIds/m1": null, "mailboxIds/m2": true });
});
