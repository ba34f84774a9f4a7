// Opening an account with an unlock secret. The order is the order of trust: the secret opens the
// anchor, the anchor names the identity key, that key has signed the manifest, and the manifest says
// what everything else must be. Nothing that the server returned is used before that.
import { type Anchor, anchorOpen } from "./anchor";
import { type Bytes, equal, wipe } from "./bytes";
import { ed25519Public } from "./ed25519";
import { KeysError } from "./error";
import { grantOpen } from "./grant";
import { type AreaSecret, type Keyring, keyringOpen, keyringWipe, secretsCheck } from "./keyring";
import { sha256 } from "./kdf";
import { areaVersion, findUnlocker, grantTag, type Manifest, manifestHash, manifestOpen } from "./manifest";
import { Area, AREAS } from "./record";
import { type KeyRecords, recordKey } from "./records";
import { floorCheck, SCOPE_AREAS_ALL, SCOPE_ROOT, scopeArea, scopeEqual, type UnlockType } from "./scope";
import { unlockKeys, wipeUnlockKeys } from "./unlock";
import { xwingPublic } from "./xwing";

/** What is remembered of an account between openings. */
export interface Pin {
	identity: Bytes;
	seq: bigint; // of the newest manifest seen
	hash: Bytes; // of it
}

export interface OpenRequest {
	account: Bytes;
	unlocker: Bytes;
	type: UnlockType;
	secret: Bytes; // S_U
	records: KeyRecords;
	pins: Pin[]; // the server's: the manifests down to it are among the records
	seen?: Pin | undefined; // what this device remembers; older manifests may be gone by now
	now: number; // seconds since 1970
}

interface Found {
	manifest: Manifest;
	pin: Pin;
}

function manifestAt(account: Bytes, identity: Bytes, records: KeyRecords, seq: bigint): Found {
	const record = records.get(recordKey.manifest(seq));
	if (!record) throw new KeysError("auth", "a manifest is missing");
	const manifest = manifestOpen(account, identity, record);
	if (manifest.seq !== seq) throw new KeysError("auth", "a manifest at a wrong place");
	return { manifest, pin: { identity, seq, hash: manifestHash(record) } };
}

/** Walks from the newest manifest down to the pinned one: each must be what the next one names. */
function checkLinks(newest: Found, pin: Pin, records: KeyRecords): void {
	if (newest.pin.seq < pin.seq) throw new KeysError("auth", "the account was rolled back");
	let { manifest, pin: at } = newest;
	while (at.seq > pin.seq) {
		const older = manifestAt(manifest.account, at.identity, records, at.seq - 1n);
		if (!equal(older.pin.hash, manifest.previous)) throw new KeysError("auth", "manifests are not linked");
		({ manifest, pin: at } = older);
	}
	if (!equal(at.hash, pin.hash)) throw new KeysError("auth", "not the manifest that was seen before");
}

/** The newest stored manifest, verified under the identity key and linked to every pin. */
function newestManifest(account: Bytes, identity: Bytes, pins: Pin[], records: KeyRecords): Found {
	const seq = records.newestSeq();
	if (seq === undefined) throw new KeysError("notfound", "there is no manifest");
	if (pins.some((p) => !equal(p.identity, identity)))
		throw new KeysError("auth", "the identity key is not the one seen before");
	const newest = manifestAt(account, identity, records, seq);
	for (const pin of pins) checkLinks(newest, pin, records);
	return newest;
}

/** The newest manifest may be newer than the one seen here before, never older or another one. */
function checkSeen(newest: Pin, seen: Pin): void {
	if (!equal(newest.identity, seen.identity))
		throw new KeysError("auth", "the identity key is not the one seen before");
	if (newest.seq < seen.seq) throw new KeysError("auth", "the account was rolled back");
	if (newest.seq === seen.seq && !equal(newest.hash, seen.hash))
		throw new KeysError("auth", "not the manifest that was seen before");
}

/** An unlocker that has proved itself. */
interface Entry extends Found {
	anchor: Anchor;
	kem: Bytes; // U_kem
}

function checkListed(anchor: Anchor, m: Manifest, publicKey: Bytes, now: number): void {
	const u = findUnlocker(m, anchor.unlocker);
	if (u?.type !== anchor.type || !scopeEqual(u.scope, anchor.scope))
		throw new KeysError("auth", "the manifest does not list this unlocker");
	if (!equal(sha256(publicKey), u.publicHash)) throw new KeysError("auth", "not the unlocker's key");
	if (u.scope.expires && now >= u.scope.expires) throw new KeysError("denied", "it has expired");
}

async function enter(o: OpenRequest): Promise<Entry> {
	const keys = unlockKeys(o.type, o.secret, o.account, o.unlocker);
	try {
		const record = o.records.get(recordKey.anchor(o.unlocker));
		if (!record) throw new KeysError("notfound", "there is no anchor");
		const anchor = await anchorOpen(keys.anchor, o.account, o.unlocker, record);
		if (anchor.type !== o.type) throw new KeysError("auth", "an unlocker of another type");
		const found = newestManifest(o.account, anchor.identity, o.pins, o.records);
		if (o.seen) checkSeen(found.pin, o.seen);
		if (found.manifest.seq < anchor.floorSeq) throw new KeysError("auth", "the account was rolled back");
		floorCheck(found.manifest.floor, anchor.floor);
		checkListed(anchor, found.manifest, xwingPublic(keys.kem), o.now);
		return { ...found, anchor, kem: keys.kem.slice() };
	} finally {
		wipeUnlockKeys(keys);
	}
}

function granted(e: Entry, records: KeyRecords, area: number, version: number): Promise<Bytes> {
	const { account, unlocker, identity } = e.anchor;
	const key = recordKey.grant(unlocker, area, version, grantTag(e.manifest, area, version));
	const record = records.get(key);
	if (!record) throw new KeysError("notfound", "a grant is missing");
	return grantOpen(e.kem, identity, { account, unlocker, area, version }, record);
}

/** Private keys are kept as seeds, and their public halves are derived again (R2). */
function checkKeyring(e: Entry, k: Keyring): void {
	if (!equal(ed25519Public(k.identitySeed), e.anchor.identity))
		throw new KeysError("auth", "not the account's identity key");
	if (k.floorSeq > e.manifest.seq) throw new KeysError("auth", "the account was rolled back");
	floorCheck(e.manifest.floor, k.floor);
	secretsCheck(k.secrets, e.manifest, SCOPE_AREAS_ALL);
}

interface OpenedRoot extends Found {
	root: Bytes;
	keyring: Keyring;
}

async function openRoot(e: Entry, records: KeyRecords): Promise<OpenedRoot> {
	if (e.anchor.scope.areas !== SCOPE_ROOT) throw new KeysError("denied", "not a Root unlocker");
	const record = records.get(recordKey.keyring(e.manifest.keyringHash));
	if (!record) throw new KeysError("notfound", "the keyring is missing");
	const root = await granted(e, records, Area.none, e.manifest.rootVersion);
	const keyring = await keyringOpen(root, e.manifest, record);
	try {
		checkKeyring(e, keyring);
	} catch (err) {
		keyringWipe(keyring);
		wipe(root);
		throw err;
	}
	return { manifest: e.manifest, pin: e.pin, root, keyring };
}

/** Root and keyring, through a Root unlocker. */
export async function openAccount(o: OpenRequest): Promise<OpenedRoot> {
	const e = await enter(o);
	try {
		return await openRoot(e, o.records);
	} finally {
		wipe(e.kem);
	}
}

interface Unlocked extends Found {
	secrets: AreaSecret[]; // by area, then version
}

async function openGrants(e: Entry, records: KeyRecords): Promise<AreaSecret[]> {
	const { areas } = e.anchor.scope;
	const secrets: AreaSecret[] = [];
	for (const area of AREAS.filter((a) => areas & scopeArea(a)))
		for (let version = 1; version <= areaVersion(e.manifest, area); version++)
			secrets.push({ area, version, key: await granted(e, records, area, version) });
	secretsCheck(secrets, e.manifest, areas);
	return secrets;
}

/** The areas in the unlocker's scope. A Root unlocker gets every area through its keyring. */
export async function unlockAreas(o: OpenRequest): Promise<Unlocked> {
	const e = await enter(o);
	try {
		if (e.anchor.scope.areas !== SCOPE_ROOT)
			return { manifest: e.manifest, pin: e.pin, secrets: await openGrants(e, o.records) };
		const { root, keyring } = await openRoot(e, o.records);
		wipe(root, keyring.identitySeed, ...keyring.openpgp);
		return { manifest: e.manifest, pin: e.pin, secrets: keyring.secrets };
	} finally {
		wipe(e.kem);
	}
}
