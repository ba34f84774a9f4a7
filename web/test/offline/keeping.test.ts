// What is kept follows the server; what was changed without it is made there later, in order.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bytes } from "../../src/keys/bytes";
import type { FullEmail, Id } from "../../src/jmap/types";
import { MemoryShelf } from "../../src/offline/memory_shelf";
import { note, replay } from "../../src/offline/changes";
import { blobName, filesFor, Keeper, least, most, type Around } from "../../src/offline/keeper";
import { Vault, type Sealer } from "../../src/offline/vault";
import { letter } from "./letters";

/** Seals by turning every bit, and remembers under which name. */
const sealer: Sealer = {
	seal: async (items) => items.map(([place, body]) => new TextEncoder().encode(`${place}\n${Buffer.from(body.map((b) => b ^ 255)).toString("base64")}`) as Bytes),
	open: async (items) => items.map(([place, record]) => {
		const [name, body] = Buffer.from(record).toString().split("\n");
		return name === place ? new Uint8Array(Buffer.from(body ?? "", "base64").map((b) => b ^ 255)) : null;
	}),
};

const now = Date.parse("2026-11-22T00:00:00Z");
const day = (ago: number) => new Date(now - ago * 86_400_000).toISOString();

/** The server's side of it: letters with a change log. */
class Server {
	readonly all = new Map<Id, FullEmail>();
	log: { id: Id; kind: "created" | "updated" | "destroyed" }[] = [];
	forgets = false;
	away = false;
	readonly asked: string[] = [];

	put(e: FullEmail): void {
		this.log.push({ id: e.id, kind: this.all.has(e.id) ? "updated" : "created" });
		this.all.set(e.id, e);
	}

	remove(id: Id): void {
		this.all.delete(id);
		this.log.push({ id, kind: "destroyed" });
	}

	readonly ask = async <T>(name: string, args: Record<string, unknown>): Promise<T> => {
		if (this.away)
			throw Object.assign(new Error("offline"), { type: "offline", status: 0 });
		this.asked.push(name);
		return this.methods[name]?.(args) as T;
	};

	private readonly methods: Record<string, (args: Record<string, unknown>) => unknown> = {
		"Email/get": ({ ids }) => {
			const wanted = (ids ?? []) as Id[];
			return { state: String(this.log.length), list: wanted.map((id) => this.all.get(id)).filter(Boolean), notFound: wanted.filter((id) => !this.all.has(id)) };
		},
		"Email/query": ({ filter, limit }) => {
			const { after } = (filter ?? {}) as { after?: string };
			const found = [...this.all.values()].filter((e) => !after || e.receivedAt >= after).sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1));
			return { ids: found.slice(0, Number(limit)).map((e) => e.id) };
		},
		"Email/changes": ({ sinceState }) => {
			if (this.forgets)
				throw Object.assign(new Error(), { type: "cannotCalculateChanges" });
			const since = this.log.slice(Number(sinceState));
			const of = (kind: string) => [...new Set(since.filter((l) => l.kind === kind).map((l) => l.id))];
			return { newState: String(this.log.length), hasMoreChanges: false, created: of("created"), updated: of("updated"), destroyed: of("destroyed") };
		},
		"Email/set": ({ update = {}, destroy = [] }) => {
			const [patches, gone] = [update as Record<Id, Record<string, true | null>>, destroy as Id[]];
			const notUpdated: Record<Id, { type: string }> = {};
			for (const [id, patch] of Object.entries(patches)) {
				const e = this.all.get(id);
				if (!e)
					notUpdated[id] = { type: "notFound" };
				else if ("keywords/forbidden" in patch)
					notUpdated[id] = { type: "invalidProperties" };
				else
					this.all.set(id, { ...e, keywords: { ...e.keywords, [Object.keys(patch)[0]?.slice(9) ?? ""]: Object.values(patch)[0] === true } });
			}
			const notDestroyed = Object.fromEntries(gone.filter((id) => !this.all.delete(id)).map((id) => [id, { type: "notFound" }]));
			return { notUpdated, notDestroyed };
		},
	};
}

function world() {
	const server = new Server();
	const shelf = new MemoryShelf();
	const vault = new Vault("acct", sealer, shelf);
	const around = () => ({ session: {} as never, address: "me@example.org", mailboxes: [], identities: [] });
	const downloads: Id[] = [];
	const download = async (id: Id) => { downloads.push(id); return new Uint8Array([1, 2, 3]).buffer; };
	const keeper = () => new Keeper(vault, server.ask, download, around, () => now);
	return { server, shelf, vault, keeper, downloads, ids: async () => (await vault.names("mail")).sort() };
}

test("recent mail is kept, and always the newest", async () => {
	const w = world();
	for (let i = 0; i < 230; i++)
		w.server.put(letter(`old${String(i).padStart(3, "0")}`, { receivedAt: day(100 + i) }));
	for (let i = 0; i < 50; i++)
		w.server.put(letter(`new${i}`, { receivedAt: day(i / 5) }));
	await w.keeper().run();
	const ids = await w.ids();
	assert.equal(ids.length, least);
	assert.equal(ids.filter((id) => id.startsWith("new")).length, 50);
	assert.equal((await w.vault.get<Around>("state", "mail"))?.state, "280");
	assert.ok(most >= 2000);
});

test("what changes there changes here, without asking for all again", async () => {
	const w = world();
	for (const id of ["a", "b", "c"])
		w.server.put(letter(id, { receivedAt: day(1) }));
	await w.keeper().run();
	w.server.put(letter("a", { receivedAt: day(1), keywords: { $flagged: true } }));
	w.server.remove("b");
	w.server.put(letter("d", { receivedAt: day(0) }));
	w.server.asked.length = 0;
	await w.keeper().run();
	assert.deepEqual(await w.ids(), ["a", "c", "d"]);
	assert.deepEqual((await w.vault.get<FullEmail>("mail", "a"))?.keywords, { $flagged: true });
	assert.equal(w.server.asked.includes("Email/query"), false);
});

test("a log that does not reach back is made good by comparing", async () => {
	const w = world();
	for (const id of ["a", "b"])
		w.server.put(letter(id, { receivedAt: day(1) }));
	await w.keeper().run();
	w.server.forgets = true;
	w.server.remove("a");
	w.server.put(letter("b", { receivedAt: day(1), keywords: { $seen: true } }));
	w.server.put(letter("c", { receivedAt: day(1) }));
	await w.keeper().run();
	assert.deepEqual(await w.ids(), ["b", "c"]);
	assert.deepEqual((await w.vault.get<FullEmail>("mail", "b"))?.keywords, { $seen: true });
});

test("a first time that is broken off goes on the next time", async () => {
	const w = world();
	for (let i = 0; i < 45; i++)
		w.server.put(letter(`m${String(i).padStart(2, "0")}`, { receivedAt: day(1) }));
	const ask = w.server.ask;
	let pages = 0;
	const keeper = new Keeper(w.vault, async (name, args) => {
		if (name === "Email/get" && (args.ids as Id[]).length && ++pages === 2)
			w.server.away = true;
		return ask(name, args);
	}, async () => new ArrayBuffer(0), () => ({ session: {} as never, address: "", mailboxes: [], identities: [] }), () => now);
	await assert.rejects(keeper.run());
	assert.equal((await w.ids()).length, 20);
	w.server.away = false;
	await w.keeper().run();
	assert.equal((await w.ids()).length, 45);
});

test("a protected letter is kept whole, pictures in a letter if they are small, other files not", async () => {
	const pic = (cid: string | null, size: number, type = "image/png") => ({ partId: null, blobId: `${cid}-${size}`, size, name: null, type, charset: null, disposition: null, cid });
	assert.deepEqual(filesFor(letter("a", { attachments: [pic("x", 100), pic(null, 100), pic("big", 1e6), pic("pdf", 10, "application/pdf")] })), ["x-100"]);
	assert.deepEqual(filesFor(letter("a", { "header:Content-Type:asText": "multipart/encrypted; protocol=x" })), ["Ba"]);
	assert.deepEqual(filesFor(letter("a", {}, "-----BEGIN PGP MESSAGE-----")), ["Ba"]);
	assert.deepEqual(filesFor(letter("a", { size: 5e6, "header:Content-Type:asText": "multipart/signed" })), []);
	const w = world();
	w.server.put(letter("s", { receivedAt: day(1), "header:Content-Type:asText": "multipart/signed" }));
	await w.keeper().run();
	assert.deepEqual(await w.vault.names("blob"), [blobName("s", "Bs")]);
	w.server.remove("s");
	await w.keeper().run();
	assert.deepEqual(await w.vault.names("blob"), [], "it goes with its letter");
});

test("noted changes are made in their order, and once", async () => {
	const w = world();
	for (const id of ["a", "b", "c"])
		w.server.put(letter(id, { receivedAt: day(1) }));
	await w.keeper().run();
	const email = (id: Id) => new Map([[id, letter(id, { keywords: { kept: true } })]]);
	// Noted at once, from different views: none waits for the other, and none is lost.
	await Promise.all([
		note(w.vault, { update: { a: { "keywords/x": true } } }, email("a"), []),
		note(w.vault, { update: { a: { "keywords/x": null } } }, email("a"), []),
		note(w.vault, { update: { gone: { "keywords/x": true } } }, new Map(), []),
		note(w.vault, { destroy: ["b"] }, new Map([["b", undefined]]), []),
		note(w.vault, { update: { c: { "keywords/forbidden": true } } }, email("c"), []),
		note(w.vault, {}, new Map(), []),
	]);
	assert.equal((await w.vault.names("change")).length, 5);
	assert.deepEqual(await w.ids(), ["a", "c"]);
	w.server.away = true;
	await assert.rejects(replay(w.vault, w.server.ask));
	assert.equal((await w.vault.names("change")).length, 5, "nothing is forgotten before it was made");
	w.server.away = false;
	assert.deepEqual(await replay(w.vault, w.server.ask), { made: 3, gone: 1, refused: 1 });
	assert.deepEqual(w.server.all.get("a")?.keywords, { x: false });
	assert.equal(w.server.all.has("b"), false);
	assert.deepEqual(await replay(w.vault, w.server.ask), { made: 0, gone: 0, refused: 0 });
});

test("a record under another name does not open, and another account sees nothing", async () => {
	const w = world();
	await w.vault.put("mail", [["a", { n: 1 }], ["b", { n: 2 }]]);
	const record = (await w.shelf.get(["acct", "mail", "a"])) as Bytes;
	await w.shelf.put([[["acct", "mail", "c"], record]]);
	assert.deepEqual(await w.vault.all("mail"), [["a", { n: 1 }], ["b", { n: 2 }]]);
	assert.equal(await w.vault.get("mail", "c"), undefined);
	assert.deepEqual(await new Vault("other", sealer, w.shelf).all("mail"), []);
});
