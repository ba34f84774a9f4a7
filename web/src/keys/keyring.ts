// The keyring: all that Root opens. One sealed record with a revision, named by the manifest. Body:
//
//	version:1 identity-seed:32 floor-seq:8 floor:3
//	secrets:2  { area:1 version:4 key:32 }      by area, then version, without gaps from 1
//	names:1    { id:16 length:1 text }          ascending by id
//	openpgp:1  { length:2 bytes }               raw secret keys; the first one is the one in use
//
// Version 1 had no openpgp list; it is read and never written.
import { type Bytes, compare, equal, Reader, wipe, Writer } from "./bytes";
import { KeysError } from "./error";
import { derive, sha256 } from "./kdf";
import { areaVersion, type Manifest, sealKeyMatches, UNLOCKERS_MAX, VERSIONS_MAX } from "./manifest";
import { Area, AREAS, header, type Header, ID_LEN, KEY_LEN, symOpen, symSeal } from "./record";
import { type Floor, getFloor, putFloor, scopeArea } from "./scope";
import { getName, nameBytes } from "./verifier";
import { xwingPublic } from "./xwing";

const VERSION = 2;
const VERSION_WITHOUT_OPENPGP = 1;
const BODY_MAX = 58 * 1024;
const SECRETS_MAX = AREAS.length * VERSIONS_MAX;
const OPENPGP_MAX = 8;
const OPENPGP_LEN_MAX = 16 * 1024;
/** Bytes of all OpenPGP keys together: with all lists full, the body still fits. */
const OPENPGP_BYTES_MAX = 28 * 1024;

/** One version of an area's secret. */
export interface AreaSecret {
	area: number;
	version: number;
	key: Bytes;
}

interface UnlockName {
	id: Bytes;
	text: string;
}

export interface Keyring {
	identitySeed: Bytes;
	floorSeq: bigint; // the manifest made with it
	floor: Floor;
	secrets: AreaSecret[];
	names: UnlockName[]; // ascending by id
	openpgp: Bytes[]; // transferable secret keys without passphrase (RFC 9580 section 10.2)
}

export function keyringWipe(k: Keyring): void {
	wipe(k.identitySeed, ...k.secrets.map((s) => s.key), ...k.openpgp);
}

/** The X-Wing public key that deliveries and shares of an area are sealed to. */
export function areaSealPublic(secret: AreaSecret): Bytes {
	const seed = derive(secret.key, "seal");
	const publicKey = xwingPublic(seed);
	wipe(seed);
	return publicKey;
}

/** Every version of every area in `areas` must be there with the seal key that the manifest names,
 * and none besides. */
export function secretsCheck(secrets: AreaSecret[], m: Manifest, areas: number): void {
	let at = 0;
	for (const area of AREAS.filter((a) => areas & scopeArea(a)))
		for (let version = 1; version <= areaVersion(m, area); version++) {
			const s = secrets[at++];
			if (s?.area !== area || s.version !== version)
				throw new KeysError("auth", "an area key is missing");
			if (!sealKeyMatches(m, area, version, areaSealPublic(s)))
				throw new KeysError("auth", "an area key is not the manifest's");
		}
	if (at !== secrets.length) throw new KeysError("auth", "an area key too many");
}

function openpgpFits(keys: Bytes[]): boolean {
	const total = keys.reduce((n, k) => n + k.length, 0);
	return keys.length <= OPENPGP_MAX && keys.every((k) => k.length > 0 && k.length <= OPENPGP_LEN_MAX) && total <= OPENPGP_BYTES_MAX;
}

export function keyringEncode(k: Keyring): Bytes {
	if (!openpgpFits(k.openpgp)) throw new KeysError("limit", "too many or too long OpenPGP keys");
	const w = new Writer().u8(VERSION).bytes(k.identitySeed).u64(k.floorSeq);
	putFloor(w, k.floor);
	w.u16(k.secrets.length);
	for (const s of k.secrets) w.u8(s.area).u32(s.version).bytes(s.key);
	w.u8(k.names.length);
	for (const n of k.names) {
		const text = nameBytes(n.text);
		w.bytes(n.id).u8(text.length).bytes(text);
	}
	w.u8(k.openpgp.length);
	for (const key of k.openpgp) w.u16(key.length).bytes(key);
	return w.take();
}

/** Whether a secret may follow the last one. */
function inOrder(last: AreaSecret | undefined, area: number, version: number): boolean {
	if (area < Area.mail || area > Area.archive || version > VERSIONS_MAX) return false;
	if (last?.area === area) return version === last.version + 1;
	return version === 1 && (!last || last.area < area);
}

function getSecrets(r: Reader): AreaSecret[] {
	const n = r.u16();
	const secrets: AreaSecret[] = [];
	if (n > SECRETS_MAX) throw new KeysError("syntax", "too many area keys");
	while (secrets.length < n) {
		const s = { area: r.u8(), version: r.u32(), key: r.bytes(KEY_LEN) };
		if (!inOrder(secrets.at(-1), s.area, s.version))
			throw new KeysError("syntax", "area keys out of order");
		secrets.push(s);
	}
	return secrets;
}

function getNames(r: Reader): UnlockName[] {
	const n = r.u8();
	const names: UnlockName[] = [];
	if (n > UNLOCKERS_MAX) throw new KeysError("syntax", "too many names");
	while (names.length < n) {
		const name = { id: r.bytes(ID_LEN), text: getName(r) };
		const last = names.at(-1);
		if (last && compare(last.id, name.id) >= 0) throw new KeysError("syntax", "names out of order");
		names.push(name);
	}
	return names;
}

function getOpenpgp(r: Reader): Bytes[] {
	const n = r.u8();
	if (n > OPENPGP_MAX) throw new KeysError("syntax", "too many OpenPGP keys");
	const keys = Array.from({ length: n }, () => r.bytes(r.u16()));
	if (!openpgpFits(keys)) throw new KeysError("syntax", "OpenPGP keys of a wrong length");
	return keys;
}

export function keyringDecode(body: Uint8Array): Keyring {
	const r = new Reader(body);
	const version = r.u8();
	if (body.length > BODY_MAX || (version !== VERSION && version !== VERSION_WITHOUT_OPENPGP))
		throw new KeysError("syntax", "not a keyring");
	const [identitySeed, floorSeq, floor] = [r.bytes(32), r.u64(), getFloor(r)];
	const [secrets, names] = [getSecrets(r), getNames(r)];
	const openpgp = version === VERSION ? getOpenpgp(r) : [];
	r.end();
	return { identitySeed, floorSeq, floor, secrets, names, openpgp };
}

function headerOf(account: Bytes, rootVersion: number, rev: bigint): Header {
	return header("keyring", { account, author: account, keyver: rootVersion, rev });
}

export async function keyringSeal(
	k: Keyring,
	root: Uint8Array,
	account: Bytes,
	rootVersion: number,
	rev: bigint,
): Promise<Bytes> {
	const [key, body] = [derive(root, "keyring"), keyringEncode(k)];
	try {
		return await symSeal(key, headerOf(account, rootVersion, rev), body);
	} finally {
		wipe(key, body);
	}
}

/** Opens the keyring that the manifest names. */
export async function keyringOpen(root: Uint8Array, m: Manifest, record: Bytes): Promise<Keyring> {
	if (!equal(sha256(record), m.keyringHash)) throw new KeysError("auth", "not the manifest's keyring");
	const key = derive(root, "keyring");
	const { body } = await symOpen(key, headerOf(m.account, m.rootVersion, m.keyringRev), record);
	const keyring = keyringDecode(body);
	wipe(key, body);
	return keyring;
}
