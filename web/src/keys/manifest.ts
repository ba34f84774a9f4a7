// The manifest: the signed list of everything that may open or receive anything of an account. Body,
// all numbers big-endian:
//
//	version:1 previous:32 identity:32 created:8 floor:3 root-version:4 root-tag:8
//	keyring-rev:8 keyring-hash:32 salt:16 iterations:4
//	areas:1   { area:1 version:4 seal-key:1216 hashes of earlier seal keys: (version-1) * 32 }
//	unlockers:1     { id:16 type:1 scope:11 created:8 hash of pk_U:32 }    ascending by id
//	fingerprints:1  { length:1 bytes }
//	devices:1       { id:16 certificate-hash:32 }                          ascending by id
//
// Account and seq stand in the record's header.
import { type Bytes, compare, equal, Reader, Writer } from "./bytes";
import { ed25519Public } from "./ed25519";
import { KeysError } from "./error";
import { sha256 } from "./kdf";
import { Area, AREAS, header, type Header, ID_LEN, sigOpen, sigSeal } from "./record";
import { SCRAM_SALT_LEN, scramIterationsValid } from "./scram";
import {
	type Floor,
	floorCheck,
	floorNone,
	getFloor,
	getScope,
	getTime,
	putFloor,
	putScope,
	type Scope,
	scopeValid,
	type UnlockType,
	unlockType,
} from "./scope";
import { XWING_PUBLIC_LEN } from "./xwing";

export const UNLOCKERS_MAX = 64;
export const VERSIONS_MAX = 128; // of one area's key
const FINGERPRINTS_MAX = 8;
export const DEVICES_MAX = 32;
const HASH_LEN = 32;
export const TAG_LEN = 8;
const VERSION = 1;
const BODY_MAX = 60 * 1024;

export interface ManifestUnlocker {
	id: Bytes;
	type: UnlockType;
	scope: Scope;
	created: number;
	publicHash: Bytes; // SHA-256 of pk_U
}

interface ManifestArea {
	sealPublic: Bytes; // of the current version
	sealHashes: Bytes[]; // of the seal keys of all versions: the last one is the current one's
}

interface ManifestDevice {
	id: Bytes;
	certificateHash: Bytes;
}

export interface Manifest {
	account: Bytes;
	seq: bigint; // 0 is the first
	previous: Bytes; // zeros in the first
	identity: Bytes;
	created: number;
	floor: Floor;
	rootVersion: number;
	rootTag: Bytes; // random, new with each version of Root
	keyringRev: bigint;
	keyringHash: Bytes;
	salt: Bytes; // of all app passwords
	iterations: number;
	areas: ManifestArea[]; // [i] is area i + 1
	unlockers: ManifestUnlocker[]; // ascending by id
	fingerprints: Bytes[]; // of OpenPGP keys
	devices: ManifestDevice[]; // ascending by id
}

export function areaOf(m: Manifest, area: number): ManifestArea {
	const a = m.areas[area - 1];
	if (!a) throw new KeysError("range", "no such area");
	return a;
}

export function areaVersion(m: Manifest, area: number): number {
	return areaOf(m, area).sealHashes.length;
}

export function findUnlocker(m: Manifest, id: Uint8Array): ManifestUnlocker | undefined {
	return m.unlockers.find((u) => equal(u.id, id));
}

/** The tag of an area key's version, or of Root for area 0, in the store key of its grants. */
export function grantTag(m: Manifest, area: number, version: number): Bytes {
	if (area === Area.none) return m.rootTag;
	const hash = areaOf(m, area).sealHashes[version - 1];
	if (!hash) throw new KeysError("range", "no such version");
	return hash.slice(0, TAG_LEN);
}

export function sealKeyMatches(m: Manifest, area: number, version: number, publicKey: Uint8Array): boolean {
	const hash = m.areas[area - 1]?.sealHashes[version - 1];
	return hash !== undefined && equal(hash, sha256(publicKey));
}

function ascending(ids: Bytes[]): boolean {
	return ids.every((id, i) => i === 0 || compare(ids[i - 1] as Bytes, id) < 0);
}

function valid(m: Manifest): boolean {
	return (
		m.areas.length === AREAS.length &&
		m.areas.every((a) => a.sealHashes.length >= 1 && a.sealHashes.length <= VERSIONS_MAX) &&
		m.created >= 0 &&
		m.rootVersion >= 1 &&
		m.keyringRev >= 1n &&
		scramIterationsValid(m.iterations) &&
		m.unlockers.length <= UNLOCKERS_MAX &&
		m.unlockers.every((u) => scopeValid(u.type, u.scope) && u.created >= 0) &&
		ascending(m.unlockers.map((u) => u.id)) &&
		m.fingerprints.length <= FINGERPRINTS_MAX &&
		m.fingerprints.every((f) => f.length === 20 || f.length === 32) &&
		m.devices.length <= DEVICES_MAX &&
		ascending(m.devices.map((d) => d.id))
	);
}

function putLists(w: Writer, m: Manifest): void {
	w.u8(m.unlockers.length);
	for (const u of m.unlockers) {
		w.bytes(u.id).u8(u.type);
		putScope(w, u.scope);
		w.u64(BigInt(u.created)).bytes(u.publicHash);
	}
	w.u8(m.fingerprints.length);
	for (const f of m.fingerprints) w.u8(f.length).bytes(f);
	w.u8(m.devices.length);
	for (const d of m.devices) w.bytes(d.id).bytes(d.certificateHash);
}

export function manifestEncode(m: Manifest): Bytes {
	if (!valid(m)) throw new KeysError("syntax", "not a manifest");
	const w = new Writer().u8(VERSION).bytes(m.previous).bytes(m.identity).u64(BigInt(m.created));
	putFloor(w, m.floor);
	w.u32(m.rootVersion).bytes(m.rootTag).u64(m.keyringRev).bytes(m.keyringHash);
	w.bytes(m.salt).u32(m.iterations).u8(m.areas.length);
	m.areas.forEach((a, i) => {
		w.u8(i + 1).u32(a.sealHashes.length).bytes(a.sealPublic);
		for (const h of a.sealHashes.slice(0, -1)) w.bytes(h);
	});
	putLists(w, m);
	const body = w.take();
	if (body.length > BODY_MAX) throw new KeysError("limit", "the manifest is too long");
	return body;
}

function getArea(r: Reader, area: number): ManifestArea {
	const [number, version] = [r.u8(), r.u32()];
	if (number !== area || version < 1 || version > VERSIONS_MAX)
		throw new KeysError("syntax", "not a manifest");
	const sealPublic = r.bytes(XWING_PUBLIC_LEN);
	const sealHashes: Bytes[] = [];
	while (sealHashes.length < version - 1) sealHashes.push(r.bytes(HASH_LEN));
	return { sealPublic, sealHashes: [...sealHashes, sha256(sealPublic)] };
}

function getList<T>(r: Reader, max: number, item: () => T): T[] {
	const n = r.u8();
	if (n > max) throw new KeysError("syntax", "a list is too long");
	return Array.from({ length: n }, item);
}

function getUnlocker(r: Reader): ManifestUnlocker {
	const [id, type, scope] = [r.bytes(ID_LEN), unlockType(r.u8()), getScope(r)];
	return { id, type, scope, created: getTime(r), publicHash: r.bytes(HASH_LEN) };
}

/** Anything but the one encoding of a valid manifest is a syntax error. */
export function manifestDecode(body: Uint8Array, account: Bytes, seq: bigint): Manifest {
	const r = new Reader(body);
	if (body.length > BODY_MAX || r.u8() !== VERSION) throw new KeysError("syntax", "not a manifest");
	const [previous, identity, created] = [r.bytes(HASH_LEN), r.bytes(32), getTime(r)];
	const [floor, rootVersion, rootTag] = [getFloor(r), r.u32(), r.bytes(TAG_LEN)];
	const [keyringRev, keyringHash] = [r.u64(), r.bytes(HASH_LEN)];
	const [salt, iterations] = [r.bytes(SCRAM_SALT_LEN), r.u32()];
	if (r.u8() !== AREAS.length) throw new KeysError("syntax", "not a manifest");
	const areas = AREAS.map((a) => getArea(r, a));
	const unlockers = getList(r, UNLOCKERS_MAX, () => getUnlocker(r));
	const fingerprints = getList(r, FINGERPRINTS_MAX, () => r.bytes(r.u8()));
	const devices = getList(r, DEVICES_MAX, () => ({ id: r.bytes(ID_LEN), certificateHash: r.bytes(HASH_LEN) }));
	r.end();
	const head = { account, seq, previous, identity, created, floor, rootVersion, rootTag };
	const m = { ...head, keyringRev, keyringHash, salt, iterations, areas, unlockers, fingerprints, devices };
	if (!valid(m)) throw new KeysError("syntax", "not a manifest");
	return m;
}

function headerOf(account: Bytes, seq: bigint): Header {
	return header("manifest", { account, author: account, rev: seq });
}

function firstOrLinked(m: Manifest): boolean {
	return (m.seq === 0n) === m.previous.every((b) => b === 0);
}

export function manifestSign(m: Manifest, seed: Uint8Array): Bytes {
	if (!equal(ed25519Public(seed), m.identity)) throw new KeysError("auth", "not the identity key");
	if (!firstOrLinked(m)) throw new KeysError("syntax", "not linked to the one before");
	return sigSeal(seed, headerOf(m.account, m.seq), manifestEncode(m));
}

/** Verifies a stored manifest of that account under a pinned identity key. */
export function manifestOpen(account: Bytes, identity: Bytes, record: Bytes): Manifest {
	const opened = sigOpen(identity, headerOf(account, 0n), record, { rev: true });
	const m = manifestDecode(opened.body, account, opened.header.rev);
	floorCheck(m.floor, floorNone);
	if (!equal(m.identity, identity) || !firstOrLinked(m)) throw new KeysError("auth", "not this account's");
	return m;
}

/** SHA-256 of the whole record: what the next manifest, pins and the log name. */
export function manifestHash(record: Uint8Array): Bytes {
	return sha256(record);
}
