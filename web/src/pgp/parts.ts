// The entries of a ledger as sealed parts for the server: the form that docs/api/jmap.md describes. The
// root names all parts by their hashes, so a server cannot mix old and new ones; its counts, one for
// each device, tell when it gives an old copy of all of them.
import { base64url, type Bytes, concat, utf8, utf8Decode } from "../keys/bytes";
import { KeysError } from "../keys/error";
import { sha256 } from "../keys/kdf";
import { Area, header, type Header, parseHeader, symOpen, symSeal } from "../keys/record";
import type { Item, Ledger } from "./ledger";
import type { StoreKey } from "./sealed";

const OBJECT = utf8("client-settings/"); // 16 bytes
const SIZES = [4, 8, 16, 32, 48].map((n) => n * 1024);
const TEXT_MAX = SIZES.at(-1) ?? 0;
const ITEM_MAX = 20 * 1024; // of one entry; a longer one stays in its own browser
const PARTS_MAX = 512;
const DEVICES_MAX = 64;

/** What a device has seen: the highest of everything. */
export interface Seen {
	rev: number;
	clocks: Record<string, number>;
}

interface Root extends Seen {
	v: 1;
	parts: string[]; // SHA-256 of the records, base64url
}

type Line = [id: string, clock: number, device: string, value: Item["value"]];

/** A record as the server has it. */
export interface Stored {
	id: string;
	data: Bytes;
}

/** The server's copy, opened. */
export interface Copy {
	root: Root;
	/** Server's ids of everything there, and the texts of the parts that count. */
	all: string[];
	ids: Map<string, string>; // of parts, by hash
	texts: string[]; // by number
	lines: Line[];
}

export const nothing = (): Copy => ({ root: { v: 1, rev: 0, clocks: {}, parts: [] }, all: [], ids: new Map(), texts: [], lines: [] });

function headerOf(k: StoreKey, part: number, rev: number): Header {
	return header("object", { account: k.account, object: OBJECT, author: k.account, area: Area.archive, keyver: k.version, part, rev: BigInt(rev) });
}

function padded(text: string): Bytes {
	const body = utf8(text);
	const size = SIZES.find((s) => s >= body.length);
	if (!size) throw new KeysError("limit", "too long for a part");
	return concat(body, new Uint8Array(size - body.length).fill(32));
}

const hashOf = (record: Bytes): string => base64url(sha256(record));

interface OpenedPart extends Stored {
	part: number;
	hash: string;
	text: string;
}

/** undefined: of another key, or not what a client has written. */
async function open(s: Stored, keys: readonly StoreKey[]): Promise<OpenedPart | undefined> {
	try {
		const { keyver, part } = parseHeader(s.data);
		const key = keys.find((k) => k.area === Area.archive && k.version === keyver);
		if (!key) return undefined;
		const { body } = await symOpen(key.key, headerOf(key, part, 0), s.data, { rev: "floor" });
		return { ...s, part, hash: hashOf(s.data), text: utf8Decode(body).trimEnd() };
	} catch {
		return undefined;
	}
}

const count = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;

function readRoot(text: string): Root {
	const r = JSON.parse(text) as Root;
	const good = r.v === 1 && count(r.rev) && Array.isArray(r.parts) && r.parts.length <= PARTS_MAX &&
		typeof r.clocks === "object" && Object.values(r.clocks).every(count) && Object.keys(r.clocks).length <= DEVICES_MAX;
	if (!good) throw new KeysError("syntax", "not a root of settings");
	return r;
}

/** whole: nothing is missing of what the root names. */
export async function readCopy(stored: Stored[], keys: readonly StoreKey[]): Promise<{ copy: Copy; whole: boolean }> {
	const opened = (await Promise.all(stored.map((s) => open(s, keys)))).filter((p) => p !== undefined);
	const copy = { ...nothing(), all: stored.map((s) => s.id) };
	const roots = opened.filter((p) => p.part === 0).map((p) => readRoot(p.text)).sort((a, b) => b.rev - a.rev);
	if (!roots[0]) return { copy, whole: true };
	[copy.root] = roots;
	const byHash = new Map(opened.filter((p) => p.part > 0).map((p) => [p.hash, p]));
	let whole = true;
	copy.root.parts.forEach((hash, i) => {
		const part = byHash.get(hash);
		if (part?.part !== i + 1) {
			whole = false;
			return;
		}
		copy.ids.set(hash, part.id);
		copy.texts[i] = part.text;
		copy.lines.push(...(JSON.parse(part.text) as Line[]));
	});
	return { copy, whole };
}

/** Whether a root lacks what a device has seen. */
export function wentBack(root: Seen, seen: Seen): boolean {
	const full = Object.keys(root.clocks).length >= DEVICES_MAX; // then some may have been forgotten
	return root.rev < seen.rev || Object.entries(seen.clocks).some(([device, n]) => (root.clocks[device] ?? (full ? n : 0)) < n);
}

export function seenBoth(a: Seen, b: Seen): Seen {
	const clocks = { ...a.clocks };
	for (const [device, n] of Object.entries(b.clocks)) clocks[device] = Math.max(clocks[device] ?? 0, n);
	return { rev: Math.max(a.rev, b.rev), clocks };
}

function place(id: string): number {
	const [a = 0, b = 0] = sha256(utf8(id));
	return (a << 8) | b;
}

/** The entries in as many parts as are needed, each in the order of ids; the same entries give the same texts. */
export function textsOf(entries: [string, Item][]): string[] {
	const lines = entries.map(([id, i]) => ({ at: place(id), text: JSON.stringify([id, i.clock, i.device, i.value] satisfies Line) }))
		.map((l) => ({ ...l, size: utf8(l.text).length })).filter((l) => l.size <= ITEM_MAX);
	for (let n = 1; n <= PARTS_MAX; n *= 2) {
		const parts: string[][] = Array.from({ length: n }, () => []);
		const sizes = new Array<number>(n).fill(2);
		for (const l of lines) {
			const i = l.at & (n - 1);
			parts[i]?.push(l.text);
			sizes[i] = (sizes[i] ?? 0) + l.size + 1;
		}
		if (sizes.every((s) => s <= TEXT_MAX)) return parts.map((p) => `[${p.join(",")}]`);
	}
	throw new KeysError("limit", "too much to be kept");
}

export interface Writing {
	parts: Bytes[]; // new ones, to be made first or with the root
	root: Bytes;
	gone: string[]; // server's ids of what it replaces
	copy: Copy; // as it is after that; its ids of new records are missing
	hashes: string[]; // of parts
}

/** What is to be written so that the server has these entries; undefined: it has them. */
export async function writeCopy(ledger: Ledger, wanted: (id: string, i: Item) => boolean, now: Copy, seen: Seen, device: string, keys: readonly StoreKey[]): Promise<Writing | undefined> {
	const key = keys.findLast((k) => k.area === Area.archive);
	if (!key) throw new KeysError("state", "there is no key for it");
	const texts = textsOf(ledger.entries().filter(([id, i]) => wanted(id, i)));
	if (now.root.rev > 0 && texts.length === now.texts.length && texts.every((t, i) => t === now.texts[i]) && !wentBack(now.root, seen)) return undefined;
	const both = seenBoth(now.root, seen);
	const rev = both.rev + 1;
	const out: Writing = { parts: [], root: new Uint8Array(0), gone: [], copy: { ...nothing(), texts }, hashes: [] };
	const hashes: string[] = [];
	for (const [i, text] of texts.entries()) {
		const old = now.root.parts[i];
		const id = old === undefined ? undefined : now.ids.get(old);
		if (old !== undefined && id !== undefined && now.texts[i] === text) {
			hashes.push(old);
			out.copy.ids.set(old, id);
			continue;
		}
		const record = await symSeal(key.key, headerOf(key, i + 1, rev), padded(text));
		out.parts.push(record);
		out.hashes.push(hashOf(record));
		hashes.push(hashOf(record));
	}
	const clocks = { ...both.clocks, [device]: (both.clocks[device] ?? 0) + 1 };
	out.copy.root = { v: 1, rev, clocks: bounded(clocks, device), parts: hashes };
	out.root = await symSeal(key.key, headerOf(key, 0, rev), padded(JSON.stringify(out.copy.root)));
	const kept = new Set(out.copy.ids.values());
	out.gone = now.all.filter((id) => !kept.has(id));
	return out;
}

/** Devices that wrote least are forgotten when there are too many; this one never. */
function bounded(clocks: Record<string, number>, device: string): Record<string, number> {
	const order = Object.entries(clocks).sort(([a, m], [b, n]) => (a === device ? -1 : b === device ? 1 : n - m));
	return Object.fromEntries(order.slice(0, DEVICES_MAX));
}
