// Preferences and trust decisions as entries that all browsers of one person share. A copy of what was shared
// last says what was changed in this browser since, also while its keys were locked.
import type { Pgp } from "../../pgp/client";
import type { Json } from "../../pgp/json";
import { initial, prefs, type Prefs, setPrefs } from "../prefs.ts";
import { account } from "../session.ts";

const names = ["theme", "language", "density", "conversations", "undoSeconds", "plainText", "images", "darkMail"] as const satisfies readonly (keyof Prefs)[];
type Copy = Record<string, Json>;

const prefix = "letterlock.shared.";
const place = () => prefix + (account.peek()?.accountId ?? "");
const mark = () => `letterlock.published.${account.peek()?.accountId ?? ""}`;

/** Everything here that is shared, by its entry's name. */
function here(): Copy {
	const p = prefs.peek();
	const all: Copy = Object.fromEntries(names.map((n) => [`pref/${n}`, p[n]]));
	for (const address of p.showFrom)
		all[`show/${address}`] = true;
	const published = localStorage.getItem(mark());
	if (published !== null)
		all.published = published;
	return all;
}

function lastCopy(): Copy | null {
	try {
		return JSON.parse(localStorage.getItem(place()) ?? "null") as Copy | null;
	} catch {
		return null;
	}
}

/** Before anything was shared: what was chosen here counts, unless another person has used this browser. */
function first(): Copy {
	const copy: Copy = Object.fromEntries(names.map((n) => [`pref/${n}`, initial[n]]));
	return Object.keys(localStorage).some((k) => k.startsWith(prefix)) ? { ...here(), published: null } : copy;
}

const same = (a: Json | undefined, b: Json | undefined) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What was changed here goes into the entries. Each one is noted as shared by itself: if the page is closed before the rest is, changing
 *  it back here is a change, too. */
export async function tellPrefs(p: Pgp): Promise<void> {
	const kept = lastCopy();
	const [now, before] = [here(), kept ?? first()];
	const known = new Set((await p.call("entries", { prefix: "" })).map(([id]) => id));
	for (const id of new Set([...Object.keys(now), ...Object.keys(before)]))
		if (!same(now[id], before[id]) && (kept || !known.has(id))) {
			await p.call("setEntry", { id, value: id.startsWith("pref/") ? now[id] ?? initial[id.slice(5) as keyof Prefs] : now[id] ?? null });
			if (kept)
				localStorage.setItem(place(), JSON.stringify({ ...lastCopy(), [id]: now[id] ?? null }));
		}
}

/** The entries as they are now, here. */
export async function takePrefs(p: Pgp): Promise<void> {
	const change: Record<string, Json> = {};
	for (const [id, value] of await p.call("entries", { prefix: "pref/" })) {
		const name = names.find((n) => id === `pref/${n}`);
		if (name && (typeof value === typeof initial[name] || name === "language"))
			change[name] = value;
	}
	const showFrom = (await p.call("entries", { prefix: "show/" })).map(([id]) => id.slice(5));
	const next = { ...prefs.peek(), ...change, showFrom } as Prefs;
	if (!same(next as never, prefs.peek() as never))
		setPrefs(next);
	const [published] = await p.call("entries", { prefix: "published" });
	if (typeof published?.[1] === "string")
		localStorage.setItem(mark(), published[1]);
	localStorage.setItem(place(), JSON.stringify(here()));
}
