// What the OpenPGP worker keeps in its browser: a sealed record, so that whoever holds it learns neither
// whom its owner writes to nor which keys are trusted. Its area is the archive, whose secret is opened in
// clients only; what was kept first was of the contacts area and is still read.
import { concat, type Bytes, utf8, utf8Decode } from "../keys/bytes";
import { KeysError } from "../keys/error";
import type { AreaSecret } from "../keys/keyring";
import { derive } from "../keys/kdf";
import { Area, header, type Header, parseHeader, symOpen, symSeal } from "../keys/record";
import { type Item, itemOk } from "./ledger";
import type { Seen } from "./parts";
import type { Candidate, Pin } from "./store";

const LABEL = "openpgp"; // of an area's secret; used for what the OpenPGP worker keeps and nothing else
const OBJECT = utf8("openpgp-contacts"); // 16 bytes

/** One version of the key that the store is sealed under. */
export interface StoreKey {
	account: Bytes;
	area: number;
	version: number;
	key: Bytes;
}

/** The last one is the one to write with. */
export function storeKeys(account: Bytes, secrets: readonly AreaSecret[]): StoreKey[] {
	const of = (area: number) => secrets
		.filter((s) => s.area === area)
		.map((s) => ({ account: account.slice(), area, version: s.version, key: derive(s.key, LABEL) }));
	return [...of(Area.contacts), ...of(Area.archive)];
}

/** The key of a record that was sealed before. */
export function keyOf(record: Bytes, keys: readonly StoreKey[]): StoreKey {
	const { area, keyver } = parseHeader(record);
	const key = keys.find((k) => k.area === area && k.version === keyver);
	if (!key) throw new KeysError("notfound", "a key of another version");
	return key;
}

function headerOf(k: StoreKey, rev: bigint): Header {
	const ids = { account: k.account, object: OBJECT, author: k.account };
	return header("object", { ...ids, area: k.area, keyver: k.version, rev });
}

/** What is kept: everything that was learnt, and what this browser has seen of the server's copy. */
export interface Kept {
	device: string;
	seen: Seen;
	items: [string, Item][];
}

type OldCandidate = Omit<Candidate, "key"> & { key: string };
type OldForm = [string, { candidates: OldCandidate[]; pin?: Pin | undefined }][];

/** The form before there were entries. */
function fromOld(list: OldForm): Kept {
	const items: [string, Item][] = [];
	const put = (id: string, value: unknown) => items.push([id, { clock: 1, device: "", value: value as Item["value"] }]);
	for (const [address, c] of list) {
		for (const { fingerprint, ...rest } of c.candidates) put(`key/${address}/${fingerprint}`, rest);
		if (c.pin) put(`pin/${address}`, c.pin);
	}
	return { device: "", seen: { rev: 0, clocks: {} }, items };
}

/** rev: higher than that of every store that was written before. */
export function storeSeal(kept: Kept, keys: readonly StoreKey[], rev: bigint): Promise<Bytes> {
	const key = keys.at(-1);
	if (!key) throw new KeysError("state", "there is no key for it");
	const body = utf8(JSON.stringify(kept));
	// Padded, so that the length says little about how many there are.
	return symSeal(key.key, headerOf(key, rev), concat(body, new Uint8Array(4096 - (body.length % 4096)).fill(32)));
}

/** leastRev: what was seen before; an older store is refused. */
export async function storeOpen(record: Bytes, keys: readonly StoreKey[], leastRev: bigint): Promise<{ kept: Kept; rev: bigint }> {
	const key = keyOf(record, keys);
	const opened = await symOpen(key.key, headerOf(key, leastRev), record, { rev: "floor" });
	const value = JSON.parse(utf8Decode(opened.body)) as Kept | OldForm;
	const kept = Array.isArray(value) ? fromOld(value) : value;
	if (!kept.items.every(([id, i]) => typeof id === "string" && itemOk(i))) throw new KeysError("syntax", "not a key store");
	return { kept, rev: opened.header.rev };
}
