// What the browsers of one person share: merging, sealing in parts, old copies, and ten thousand correspondents.
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, utf8Decode } from "../../src/keys/bytes";
import { Ledger, newer } from "../../src/pgp/ledger";
import { readCopy, type Stored, textsOf } from "../../src/pgp/parts";
import { Synced } from "../../src/pgp/synced";

const account = random(16);
const keys = [3, 5].map((area) => ({ account, area, version: 1, key: random(32) }));

/** The server: parts by id, all of them or none. */
class Shelf {
	parts = new Map<string, Uint8Array<ArrayBuffer>>();
	private n = 0;

	stored(): Stored[] {
		return [...this.parts].map(([id, data]) => ({ id, data }));
	}

	async take(s: Synced): Promise<number> {
		const w = await s.write(keys);
		if (!w) return 0;
		const ids = [...w.parts, w.root].map((data) => {
			const id = `C${++this.n}`;
			this.parts.set(id, data);
			return id;
		});
		for (const id of w.gone) assert.ok(this.parts.delete(id), "what goes was there");
		const root = ids.pop() ?? "";
		s.written(w, ids, root);
		return w.parts.length;
	}
}

async function exchange(s: Synced, shelf: Shelf): Promise<boolean> {
	const { wentBack } = await s.read(shelf.stored(), keys);
	await shelf.take(s);
	return wentBack;
}

function learn(s: Synced, address: string, fingerprint: string, source: "wkd" | "autocrypt" = "autocrypt", size = 60): void {
	s.store.seen(address, { fingerprint, key: random(size), source, mutual: false }, 1_000_000);
	s.note(address);
}

function pin(s: Synced, address: string, fingerprint: string, verified: boolean): void {
	s.store.pin(address, fingerprint, verified, 1_000_001);
	s.note(address);
}

test("what one browser knows the other one gets; what is deleted stays deleted", async () => {
	const [a, b, shelf] = [new Synced(), new Synced(), new Shelf()];
	learn(a, "Bob@x.example", "f1");
	pin(a, "bob@x.example", "f1", true);
	a.put("show/news@x.example", true);
	await exchange(a, shelf);
	await exchange(b, shelf);
	assert.deepEqual(b.store.contact("bob@x.example"), a.store.contact("bob@x.example"));
	assert.equal(b.store.contact("bob@x.example").pin?.verified, true);
	assert.equal(b.get("show/news@x.example"), true);
	b.put("show/news@x.example", null);
	b.store.forget("bob@x.example", "f1");
	b.note("bob@x.example");
	await exchange(b, shelf);
	await exchange(a, shelf);
	assert.equal(a.get("show/news@x.example"), null);
	assert.deepEqual(a.store.contact("bob@x.example"), { candidates: [], pin: undefined });
	assert.equal(await shelf.take(a), 0, "nothing is left to be written");
	assert.equal(await shelf.take(b), 0);
});

test("two that write at once: both changes are there, in whatever order they are read", async () => {
	const [a, b, shelf] = [new Synced(), new Synced(), new Shelf()];
	await exchange(a, shelf);
	learn(a, "x@x.example", "f1");
	learn(b, "y@x.example", "f2");
	pin(b, "y@x.example", "f2", false);
	a.put("pref/theme", "dark");
	b.put("pref/theme", "light");
	for (const s of [a, b, a, b]) await exchange(s, shelf);
	assert.deepEqual(a.entries(""), b.entries(""));
	assert.equal(a.store.contact("y@x.example").pin?.fingerprint, "f2");
	assert.equal(b.store.contact("x@x.example").candidates.length, 1);
});

test("a key that was compared is not lost to one that was taken by itself elsewhere", async () => {
	const [a, b, shelf] = [new Synced(), new Synced(), new Shelf()];
	for (const s of [a, b]) for (const f of ["f1", "f2"]) learn(s, "x@x.example", f);
	pin(a, "x@x.example", "f1", true);
	pin(b, "x@x.example", "f2", false);
	for (const s of [b, a, b]) await exchange(s, shelf);
	for (const s of [a, b]) assert.equal(s.store.contact("x@x.example").pin?.fingerprint, "f1");
	const item = (clock: number, device: string, value: boolean) => ({ clock, device, value: { verified: value } });
	assert.ok(newer(item(1, "b", false), item(1, "a", true)) && !newer(item(1, "a", true), item(1, "b", false)));
	assert.ok(newer(item(1, "b", true), item(2, "a", false)));
});

test("an old copy is noticed and takes nothing back; so is one that lacks a part, or all", async () => {
	const [a, b, shelf] = [new Synced(), new Synced(), new Shelf()];
	learn(a, "x@x.example", "f1");
	pin(a, "x@x.example", "f1", false);
	await exchange(a, shelf);
	await exchange(b, shelf);
	const old = new Map(shelf.parts);
	pin(a, "x@x.example", "f1", true);
	await exchange(a, shelf);
	assert.equal(await exchange(b, shelf), false);
	shelf.parts = new Map(old);
	assert.equal(await exchange(a, shelf), true, "noticed by who wrote it");
	assert.equal(a.store.contact("x@x.example").pin?.verified, true, "and not believed");
	assert.equal(await exchange(b, shelf), false, "it was written again, as something new");
	shelf.parts = new Map(old);
	const again = new Synced();
	await again.load(await b.save(keys), keys);
	assert.equal(await exchange(again, shelf), true, "noticed after a restart of the browser");
	shelf.parts = new Map();
	assert.equal(await exchange(b, shelf), true, "all is gone");
	await exchange(a, shelf);
	a.put("pref/theme", "dark");
	const [first] = [...shelf.parts.keys()];
	shelf.parts.delete(first ?? "");
	assert.equal(await exchange(a, shelf), true, "a part is gone");
	assert.equal((await readCopy(shelf.stored(), keys)).whole, true, "and is there again");
});

test("a fork of the server's copy is noticed when it is joined", async () => {
	const [a, b, one] = [new Synced(), new Synced(), new Shelf()];
	await exchange(a, one);
	await exchange(b, one);
	const two = new Shelf();
	two.parts = new Map(one.parts);
	a.put("pref/theme", "dark");
	await exchange(a, one);
	for (const theme of ["light", "auto", "light"]) {
		b.put("pref/theme", theme);
		await exchange(b, two);
	}
	assert.equal(await exchange(a, two), true, "newer, and without what was written by this browser");
});

test("what others have altered does not open, and keys that are found again are not carried", async () => {
	const [a, shelf] = [new Synced(), new Shelf()];
	learn(a, "x@x.example", "f1", "wkd");
	learn(a, "y@x.example", "f2", "wkd");
	pin(a, "y@x.example", "f2", false);
	await exchange(a, shelf);
	const { copy } = await readCopy(shelf.stored(), keys);
	assert.deepEqual(copy.lines.map(([id]) => id), ["key/y@x.example/f2", "pin/y@x.example"]);
	for (const [id, data] of shelf.parts) {
		assert.equal((data.length - 87 - 24 - 32) % 16, 0);
		for (const at of [5, 30, 60, 86, 90, data.length - 1]) {
			const bad = data.slice();
			bad[at] = (bad[at] ?? 0) ^ 1;
			const { copy: got, whole } = await readCopy(shelf.stored().map((s) => (s.id === id ? { id, data: bad } : s)), keys);
			assert.ok(got.root.rev === 0 || !whole, `byte ${at}`);
		}
		assert.doesNotMatch(utf8Decode(Uint8Array.from(data, (c) => (c < 128 ? c : 63))), /example/);
	}
	assert.equal((await readCopy(shelf.stored(), keys.map((k) => ({ ...k, key: random(32) })))).copy.root.rev, 0);
});

test("ten thousand correspondents: parts below their limit, and one change writes one of them", async () => {
	const [a, b, shelf] = [new Synced(), new Synced(), new Shelf()];
	const ledger = new Ledger();
	for (let i = 0; i < 10_000; i++) {
		const value = { key: "k".repeat(560), source: "autocrypt", firstSeen: 1, lastSeen: 1, mutual: false };
		ledger.put(`key/p${i}@x.example/${"0".repeat(40)}`, value, "d");
	}
	for (const [id, { value }] of ledger.entries()) a.put(id, value);
	const parts = await shelf.take(a);
	assert.ok(parts > 100 && parts <= 512, `${parts} parts`);
	assert.ok([...shelf.parts.values()].every((p) => p.length < 60_000));
	assert.ok([...shelf.parts.values()].reduce((n, p) => n + p.length, 0) < 16 << 20);
	await b.read(shelf.stored(), keys);
	assert.equal(b.entries("key/").length, 10_000);
	b.put("show/p1@x.example", true);
	assert.equal(await shelf.take(b), 1);
	assert.throws(() => textsOf(Array.from({ length: 60_000 }, (_, i) => [`x${i}`, { clock: 1, device: "", value: "y".repeat(1000) }])), { code: "limit" });
	const long = textsOf([["x", { clock: 1, device: "", value: "y".repeat(30_000) }]]);
	assert.deepEqual(long, ["[]"], "what is too long stays in its browser");
});
