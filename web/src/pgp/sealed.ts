// The key store at rest: a sealed record of the contacts area, so that whoever holds it learns neither
// whom its owner writes to nor which keys are trusted.
import { base64, concat, type Bytes, unbase64, utf8, utf8Decode } from "../keys/bytes";
import { KeysError } from "../keys/error";
import type { AreaSecret } from "../keys/keyring";
import { derive } from "../keys/kdf";
import { Area, header, type Header, parseHeader, symOpen, symSeal } from "../keys/record";
import { type Candidate, type Contact, KeyStore, type Pin, sources } from "./store";

const LABEL = "openpgp"; // of the contacts area's secret; used for this and nothing else
const OBJECT = utf8("openpgp-contacts"); // 16 bytes

/** One version of the key that the store is sealed under. */
export interface StoreKey {
	account: Bytes;
	version: number;
	key: Bytes;
}

export function storeKeys(account: Bytes, secrets: readonly AreaSecret[]): StoreKey[] {
	return secrets
		.filter((s) => s.area === Area.contacts)
		.map((s) => ({ account: account.slice(), version: s.version, key: derive(s.key, LABEL) }));
}

function headerOf(k: StoreKey, rev: bigint): Header {
	const ids = { account: k.account, object: OBJECT, author: k.account };
	return header("object", { ...ids, area: Area.contacts, keyver: k.version, rev });
}

type StoredCandidate = Omit<Candidate, "key"> & { key: string };
type Stored = [string, { candidates: StoredCandidate[]; pin?: Pin | undefined }][];

function encode(store: KeyStore): Bytes {
	const list: Stored = store.entries().map(([address, c]) => {
		return [address, { ...c, candidates: c.candidates.map((x) => ({ ...x, key: base64(x.key) })) }];
	});
	const body = utf8(JSON.stringify(list));
	// Padded, so that the length says little about how many there are.
	return concat(body, new Uint8Array(4096 - (body.length % 4096)).fill(32));
}

function candidate(c: StoredCandidate): Candidate {
	if (typeof c.fingerprint !== "string" || !sources.includes(c.source))
		throw new KeysError("syntax", "not a key store");
	return { ...c, key: unbase64(c.key) };
}

function decode(body: Bytes): KeyStore {
	const list = JSON.parse(utf8Decode(body)) as Stored;
	return new KeyStore(
		list.map(([address, c]): [string, Contact] => [address, { ...c, candidates: c.candidates.map(candidate) }]),
	);
}

/** rev: higher than that of every store that was written before. */
export function storeSeal(store: KeyStore, keys: readonly StoreKey[], rev: bigint): Promise<Bytes> {
	const key = keys.at(-1);
	if (!key) throw new KeysError("state", "there is no key for it");
	return symSeal(key.key, headerOf(key, rev), encode(store));
}

/** leastRev: what was seen before; an older store is refused. */
export async function storeOpen(
	record: Bytes,
	keys: readonly StoreKey[],
	leastRev: bigint,
): Promise<{ store: KeyStore; rev: bigint }> {
	const version = parseHeader(record).keyver;
	const key = keys.find((k) => k.version === version);
	if (!key) throw new KeysError("notfound", "a key of another version");
	const opened = await symOpen(key.key, headerOf(key, leastRev), record, { rev: "floor" });
	return { store: decode(opened.body), rev: opened.header.rev };
}

