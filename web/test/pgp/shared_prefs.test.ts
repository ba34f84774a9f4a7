// Preferences that all browsers of one person share: what was told before the page was closed in the middle counts as told.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Pgp } from "../../src/pgp/client.ts";

const kept = new Map<string, string>();

/** What of a browser the preferences need. The modules look for it when they are loaded. */
Object.assign(globalThis, {
	localStorage: new Proxy({
		getItem: (name: string) => kept.get(name) ?? null,
		setItem: (name: string, value: string) => void kept.set(name, value),
		removeItem: (name: string) => void kept.delete(name),
	}, { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) }),
	matchMedia: () => ({ matches: false, addEventListener: () => undefined }),
	addEventListener: () => undefined,
	dispatchEvent: () => true,
	location: { pathname: "/", origin: "https://mail.test", hash: "", search: "" },
	document: { documentElement: { dataset: {}, lang: "" } },
});

/** The entries that all browsers share; left: how many more can be told before the page is closed. */
class Shared {
	readonly entries = new Map<string, unknown>();
	left = Infinity;

	readonly pgp = {
		call: async (name: string, { id, prefix, value }: { id: string; prefix: string; value: unknown }) => {
			if (name === "entries")
				return [...this.entries].filter(([key]) => key.startsWith(prefix));
			assert.equal(name, "setEntry");
			if (this.left-- <= 0)
				throw new Error("the page is closed");
			this.entries.set(id, value);
			return undefined;
		},
	} as unknown as Pgp;
}

async function browser() {
	kept.clear();
	const [{ takePrefs, tellPrefs }, { initial, setPrefs }] = await Promise.all([import("../../src/app/pgp/sync_prefs.ts"), import("../../src/app/prefs.ts")]);
	const shared = new Shared();
	setPrefs(initial);
	await takePrefs(shared.pgp);
	return { shared, initial, setPrefs, take: () => takePrefs(shared.pgp), tell: () => tellPrefs(shared.pgp) };
}

test("a preference that was told before the page was closed can be changed back", async () => {
	const b = await browser();
	b.setPrefs({ theme: "dark", density: "compact" });
	b.shared.left = 1;
	await assert.rejects(b.tell());
	assert.deepEqual([...b.shared.entries], [["pref/theme", "dark"]], "one was told, and then the page was closed");
	b.shared.left = Infinity;
	b.setPrefs({ theme: b.initial.theme, density: b.initial.density });
	await b.tell();
	assert.equal(b.shared.entries.get("pref/theme"), b.initial.theme, "the other browsers hear that it is as before");
	assert.ok(!b.shared.entries.has("pref/density"), "what was never told needs no taking back");
});

test("what was not told yet is told the next time", async () => {
	const b = await browser();
	b.setPrefs({ theme: "dark", density: "compact" });
	b.shared.left = 1;
	await assert.rejects(b.tell());
	b.shared.left = Infinity;
	await b.tell();
	assert.deepEqual(Object.fromEntries(b.shared.entries), { "pref/theme": "dark", "pref/density": "compact" });
	await b.take();
	b.shared.left = 0;
	await b.tell();
});
