// The key store, the entries it is made of, and what is known of the server's copy of them.
import { base64, type Bytes, hex, random, unbase64 } from "../keys/bytes";
import type { Json } from "./json";
import { type Item, Ledger } from "./ledger";
import { type Copy, nothing, readCopy, type Seen, seenBoth, type Stored, wentBack, writeCopy, type Writing } from "./parts";
import { storeOpen, storeSeal, type StoreKey } from "./sealed";
import { type Candidate, type Contact, KeyStore, type Pin, type Source, sources } from "./store";

const DAY = 86_400;

/** Keys that are found again by themselves are not carried along, unless they are in use. */
const foundAgain: readonly Source[] = ["directory", "wkd", "dane"];

function keyId(address: string, fingerprint: string): string {
	return `key/${address}/${fingerprint}`;
}

/** Of a key or a pin. */
function addressOf(id: string): string | undefined {
	if (id.startsWith("pin/")) return id.slice(4);
	return id.startsWith("key/") ? id.slice(4, id.lastIndexOf("/")) : undefined;
}

function candidateValue({ key, source, firstSeen, lastSeen, mutual }: Candidate): Json {
	return { key: base64(key), source, firstSeen, lastSeen, mutual };
}

function candidateOf(fingerprint: string, value: Json): Candidate | undefined {
	const v = value as { key: string; source: Source; firstSeen: number; lastSeen: number; mutual: boolean } | null;
	if (!v || typeof v.key !== "string" || !sources.includes(v.source)) return undefined;
	return { fingerprint, key: unbase64(v.key), source: v.source, firstSeen: Number(v.firstSeen), lastSeen: Number(v.lastSeen), mutual: v.mutual === true };
}

function pinOf(value: Json): Pin | undefined {
	const v = value as { fingerprint: string; verified: boolean; since: number } | null;
	if (typeof v?.fingerprint !== "string") return undefined;
	return { fingerprint: v.fingerprint, verified: v.verified === true, since: Number(v.since) };
}

/** That a key was seen again is told once a day. */
function sameDay(a: Json, b: Json): boolean {
	const [x, y] = [a, b] as { lastSeen: number }[];
	if (!x || !y || Math.floor(x.lastSeen / DAY) !== Math.floor(y.lastSeen / DAY)) return false;
	return JSON.stringify({ ...x, lastSeen: 0 }) === JSON.stringify({ ...y, lastSeen: 0 });
}

export interface Read {
	/** It lacks something that this browser has seen there. */
	wentBack: boolean;
	/** Ids of entries that are others now. */
	changed: string[];
	/** Keys that were here and have another form now, so that both can be put together. */
	replaced: { address: string; candidate: Candidate }[];
}

export class Synced {
	readonly store = new KeyStore();
	private readonly ledger = new Ledger();
	private device = hex(random(8));
	private seen: Seen = { rev: 0, clocks: {} };
	private rev = 0n;
	private copy: Copy = nothing();

	// --- what is known ---

	get(id: string): Json {
		return this.ledger.get(id);
	}

	entries(prefix: string): [string, Json][] {
		return this.ledger.entries(prefix).map(([id, i]) => [id, i.value]);
	}

	put(id: string, value: Json): boolean {
		return this.ledger.put(id, value, this.device);
	}

	/** The store was changed for this address. */
	note(address: string): void {
		const at = address.toLowerCase();
		const { candidates, pin } = this.store.contact(at);
		for (const c of candidates) {
			const [id, value] = [keyId(at, c.fingerprint), candidateValue(c)];
			if (!sameDay(this.ledger.get(id), value)) this.put(id, value);
		}
		const there = new Set(candidates.map((c) => keyId(at, c.fingerprint)));
		for (const [id] of this.entries(`key/${at}/`))
			if (addressOf(id) === at && !there.has(id)) this.put(id, null);
		this.put(`pin/${at}`, pin ? { ...pin } : null);
	}

	/** These entries are others now. */
	private take(ids: string[]): Read["replaced"] {
		const addresses = new Set(ids.map(addressOf).filter((a) => a !== undefined));
		const by = new Map<string, Contact>([...addresses].map((a) => [a, { candidates: [], pin: pinOf(this.ledger.get(`pin/${a}`)) }]));
		for (const [id, value] of this.entries("key/")) {
			const c = by.has(addressOf(id) ?? "") ? candidateOf(id.slice(id.lastIndexOf("/") + 1), value) : undefined;
			if (c) by.get(addressOf(id) ?? "")?.candidates.push(c);
		}
		const replaced: Read["replaced"] = [];
		for (const [address, contact] of by) {
			for (const old of this.store.contact(address).candidates) {
				const now = contact.candidates.find((c) => c.fingerprint === old.fingerprint);
				if (now && base64(now.key) !== base64(old.key)) replaced.push({ address, candidate: old });
				if (now) now.lastSeen = Math.max(now.lastSeen, old.lastSeen);
			}
			this.store.restore(address, contact);
		}
		return replaced;
	}

	private merge(lines: Iterable<[string, Item]>): string[] {
		const changed: string[] = [];
		for (const [id, item] of lines) if (this.ledger.merge(id, item)) changed.push(id);
		return changed;
	}

	// --- in the browser ---

	/** What this browser has kept; again, when another tab has kept something since. */
	async load(record: Bytes, keys: readonly StoreKey[]): Promise<void> {
		const { kept, rev } = await storeOpen(record, keys, this.rev);
		this.rev = rev;
		if (kept.device) this.device = kept.device;
		this.seen = seenBoth(this.seen, kept.seen);
		this.take(this.merge(kept.items));
	}

	save(keys: readonly StoreKey[]): Promise<Bytes> {
		this.rev++;
		const items = this.ledger.entries();
		return storeSeal({ device: this.device, seen: this.seen, items }, keys, this.rev);
	}

	// --- on the server ---

	async read(stored: Stored[], keys: readonly StoreKey[]): Promise<Read> {
		const { copy, whole } = await readCopy(stored, keys);
		const back = !whole || wentBack(copy.root, this.seen);
		this.copy = copy;
		this.seen = seenBoth(this.seen, copy.root);
		const changed = this.merge(copy.lines.map(([id, clock, device, value]): [string, Item] => [id, { clock, device, value }]));
		return { wentBack: back, changed, replaced: this.take(changed) };
	}

	private wanted(id: string, item: Item): boolean {
		const value = item.value as { source?: Source } | null;
		if (!id.startsWith("key/") || !value?.source || !foundAgain.includes(value.source)) return true;
		return this.store.contact(addressOf(id) ?? "").pin?.fingerprint === id.slice(id.lastIndexOf("/") + 1);
	}

	write(keys: readonly StoreKey[]): Promise<Writing | undefined> {
		return writeCopy(this.ledger, (id, i) => this.wanted(id, i), this.copy, this.seen, this.device, keys);
	}

	/** It was written; the ids that the server gave its parts, in their order, and its root. */
	written(w: Writing, parts: string[], root: string): void {
		const ids = new Map(w.copy.ids);
		w.hashes.forEach((hash, i) => ids.set(hash, parts[i] ?? ""));
		this.copy = { ...w.copy, ids, all: [...ids.values(), root] };
		this.seen = seenBoth(this.seen, w.copy.root);
	}
}
