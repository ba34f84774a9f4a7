// The owner's account as a whole: making it, opening it, changing its unlockers and keys, and turning
// the changes into records.
//
//	Owner.create or Owner.open
//	add... / revoke / rotate, in any number
//	commit -> changes to stage -> close
//
// After an error in the middle of a change the object is of no more use: close it and open again.
import { anchorSeal } from "./anchor";
import { type Bytes, compare, equal, random, utf8, wipe } from "./bytes";
import { codeBytes, codeMake } from "./code";
import { ed25519Public, SEED_LEN } from "./ed25519";
import { KeysError } from "./error";
import { grantSeal } from "./grant";
import { type AreaSecret, areaSealPublic, type Keyring, keyringSeal, keyringWipe } from "./keyring";
import { sha256 } from "./kdf";
import {
	areaOf,
	areaVersion,
	findUnlocker,
	grantTag,
	type Manifest,
	manifestHash,
	manifestSign,
	type ManifestUnlocker,
	TAG_LEN,
	UNLOCKERS_MAX,
	VERSIONS_MAX,
} from "./manifest";
import { openAccount, type OpenRequest, type Pin } from "./open";
import { edited, type KeyEdit } from "./own_keys";
import { Area, AREAS, ID_LEN, KEY_LEN } from "./record";
import { type KeyChange, type KeyRecords, recordKey } from "./records";
import {
	floorNow,
	rootScope,
	type Scope,
	SCOPE_AREAS_ALL,
	SCOPE_ROOT,
	scopeArea,
	scopeValid,
	UnlockType,
} from "./scope";
import { SCRAM_ITERATIONS, SCRAM_SALT_LEN, scramKeys } from "./scram";
import { authHash, unlockKeys, wipeUnlockKeys } from "./unlock";
import { nameBytes, OPAQUE_RECORD_LEN, type Verifier, type VerifierProof } from "./verifier";
import { XWING_PUBLIC_LEN, xwingPublic } from "./xwing";

const none: Bytes = new Uint8Array(0);
const ROOT_AND_AREAS = SCOPE_ROOT | SCOPE_AREAS_ALL;

/** An unlocker about to be added. */
interface Fresh {
	type: UnlockType;
	scope: Scope;
	name: string;
	secret: Bytes;
	proof: (auth: Bytes) => VerifierProof;
}

export interface Committed {
	changes: KeyChange[];
	pin: Pin;
}

function insertSorted<T extends { id: Bytes }>(list: T[], item: T): void {
	const at = list.findIndex((other) => compare(other.id, item.id) > 0);
	list.splice(at < 0 ? list.length : at, 0, item);
}

export class Owner {
	private puts: KeyChange[] = [];
	private deletions: KeyChange[] = [];
	private changed = false;
	private readonly publics = new Map<ManifestUnlocker, Bytes>();

	private constructor(
		private readonly m: Manifest, // as it will be signed; seq is the next one's
		private readonly keyring: Keyring,
		private readonly root: Bytes,
		private pin: Pin | undefined, // of the last one
	) {}

	/** A new account: Root, identity key and one key per area, all random. Nothing opens it until an
	 * unlocker is added. */
	static create(account: Bytes, now: number): Owner {
		const identitySeed = random(SEED_LEN);
		const lists = { areas: [], unlockers: [], fingerprints: [], devices: [] };
		const m: Manifest = {
			account,
			seq: 0n,
			previous: new Uint8Array(32),
			identity: ed25519Public(identitySeed),
			created: now,
			floor: { ...floorNow },
			rootVersion: 1,
			rootTag: random(TAG_LEN),
			keyringRev: 0n,
			keyringHash: new Uint8Array(32),
			salt: random(SCRAM_SALT_LEN),
			iterations: SCRAM_ITERATIONS,
			...lists,
		};
		const keyring = { identitySeed, floorSeq: 0n, floor: { ...floorNow }, secrets: [], names: [], openpgp: [] };
		const owner = new Owner(m, keyring, random(KEY_LEN), undefined);
		for (const area of AREAS) owner.nextSecret(area);
		return owner;
	}

	/** Opens an existing one through a Root unlocker. App passwords that the administrator has deleted
	 * are taken off, and what they could open is rotated. */
	static async open(request: OpenRequest): Promise<Owner> {
		const { manifest, pin, root, keyring } = await openAccount(request);
		const owner = new Owner({ ...manifest, seq: manifest.seq + 1n }, keyring, root, pin);
		try {
			await owner.loadPublics(request.records);
		} catch (err) {
			owner.close();
			throw err;
		}
		return owner;
	}

	/** Wipes. */
	close(): void {
		keyringWipe(this.keyring);
		wipe(this.root);
	}

	/** As it stands, with changes made so far. */
	get manifest(): Readonly<Manifest> {
		return this.m;
	}

	get hasChanges(): boolean {
		return this.changed;
	}

	/** All versions of all area keys; views, wiped by close. */
	get secrets(): readonly AreaSecret[] {
		return this.keyring.secrets;
	}

	get identitySeed(): Bytes {
		return this.keyring.identitySeed;
	}

	get openpgp(): readonly Bytes[] {
		return this.keyring.openpgp;
	}

	nameOf(id: Uint8Array): string {
		return this.keyring.names.find((n) => equal(n.id, id))?.text ?? "";
	}

	/** One of the OpenPGP keys; a KeysError "state" when it is not there any more. */
	editOpenpgp(edit: KeyEdit): void {
		const old = this.keyring.openpgp;
		const { keys, fingerprints } = edited({ keys: old, fingerprints: this.m.fingerprints }, edit);
		this.keyring.openpgp = keys.map((k) => k.slice());
		wipe(...old);
		this.m.fingerprints = fingerprints.map((f) => f.slice());
		this.changed = true;
	}

	/** A password, from its OPAQUE registration. Replaces every password unlocker there was; with
	 * rotate the old password with an old copy of the disk opens nothing that comes later. */
	async addPassword(opaque: Bytes, exportKey: Bytes, rotate: boolean, now: number): Promise<Verifier> {
		if (opaque.length !== OPAQUE_RECORD_LEN) throw new KeysError("syntax", "not a registration record");
		const { password: type } = UnlockType;
		this.removeType(type);
		const fresh = { type, scope: rootScope, name: "", secret: exportKey };
		const v = await this.add({ ...fresh, proof: () => ({ type, opaque }) }, now);
		if (rotate) await this.rotate(ROOT_AND_AREAS);
		return v;
	}

	/** A recovery code; replaces the one there was. Commit only once its owner has typed it back. */
	async addRecovery(now: number): Promise<{ code: string; verifier: Verifier }> {
		const code = codeMake();
		return { code, verifier: await this.addRecoveryText(code, now) };
	}

	/** The same with a given code in its normal form, which codeMake made. */
	async addRecoveryText(code: string, now: number): Promise<Verifier> {
		const type = UnlockType.recovery;
		this.removeType(type);
		const secret = codeBytes(code);
		const proof = (auth: Bytes) => ({ type, authHash: authHash(auth) });
		const verifier = await this.add({ type, scope: rootScope, name: "", secret, proof }, now);
		wipe(secret);
		return verifier;
	}

	/** A passkey with its PRF output of 32 bytes. */
	addWebauthn(prf: Bytes, name: string, now: number): Promise<Verifier> {
		if (prf.length !== 32) throw new KeysError("syntax", "not a PRF output");
		const type = UnlockType.webauthn;
		const proof = (auth: Bytes) => ({ type, authHash: authHash(auth) });
		return this.add({ type, scope: rootScope, name, secret: prf, proof }, now);
	}

	/** An app password with a scope of areas (may be 0: send only, then it is granted nothing) and
	 * protocols. Root is never possible. */
	async addApp(scope: Scope, name: string, now: number): Promise<{ password: string; verifier: Verifier }> {
		const [password, type] = [codeMake(), UnlockType.app];
		if (!scopeValid(type, scope)) throw new KeysError("range", "not a scope");
		const { salt, iterations } = this.m;
		const text = utf8(password);
		const { client, stored, server } = scramKeys(text, salt, iterations);
		const proof = () => ({ type, salt, iterations, stored, server });
		const verifier = await this.add({ type, scope, name, secret: client, proof }, now);
		wipe(client, text);
		return { password, verifier };
	}

	has(id: Uint8Array): boolean {
		return findUnlocker(this.m, id) !== undefined;
	}

	/** Removes an unlocker and, when asked for, rotates the areas of its scope (for a Root unlocker:
	 * Root and all areas). */
	async revoke(id: Uint8Array, rotate: boolean): Promise<void> {
		const u = findUnlocker(this.m, id);
		if (!u) throw new KeysError("notfound", "no such unlocker");
		const isRoot = u.scope.areas === SCOPE_ROOT;
		if (isRoot && this.rootUnlockers() === 1) throw new KeysError("state", "the last way in");
		this.remove(u);
		const areas = isRoot ? ROOT_AND_AREAS : u.scope.areas;
		// A send-only password had no area.
		if (rotate && areas) await this.rotate(areas);
	}

	/** A new version of each named area's key (SCOPE_ROOT: of Root, too), granted to all unlockers that
	 * have it in scope. */
	async rotate(areas: number): Promise<void> {
		if (areas === 0 || areas & ~ROOT_AND_AREAS) throw new KeysError("range", "no such areas");
		this.changed = true;
		if (areas & SCOPE_ROOT) await this.rotateRoot();
		for (const area of AREAS.filter((a) => areas & scopeArea(a))) {
			if (areaVersion(this.m, area) >= VERSIONS_MAX) throw new KeysError("limit", "no versions left");
			const { version, key } = this.nextSecret(area);
			await this.grantToAll(area, version, key);
		}
	}

	/** Seals a new keyring and signs the next manifest. The owner may go on afterwards, provided that
	 * the changes were stored. */
	async commit(now: number): Promise<Committed> {
		if (!this.changed || this.rootUnlockers() === 0) throw new KeysError("state", "nothing to commit");
		const { m } = this;
		m.created = now;
		if (this.pin) m.previous = this.pin.hash;
		const old = recordKey.keyring(m.keyringHash);
		const changes = [...this.puts, await this.sealKeyring()];
		const record = manifestSign(m, this.keyring.identitySeed);
		changes.push({ kind: "put-new", key: recordKey.manifest(m.seq), value: record }, ...this.deletions);
		if (m.keyringRev > 1n) changes.push({ kind: "delete", key: old, value: none });
		this.pin = { identity: m.identity, seq: m.seq, hash: manifestHash(record) };
		this.puts = [];
		this.deletions = [];
		this.changed = false;
		m.seq++;
		return { changes, pin: this.pin };
	}

	// --- the pieces ---

	private put(key: Bytes, value: Bytes): void {
		this.puts.push({ kind: "put", key, value });
	}

	private delete(key: Bytes): void {
		this.deletions.push({ kind: "delete", key, value: none });
	}

	private rootUnlockers(): number {
		return this.m.unlockers.filter((u) => u.scope.areas === SCOPE_ROOT).length;
	}

	/** A random next version of an area's key, listed in keyring and manifest. */
	private nextSecret(area: number): AreaSecret {
		const known = this.m.areas[area - 1]?.sealHashes ?? [];
		const secret = { area, version: known.length + 1, key: random(KEY_LEN) };
		const sealPublic = areaSealPublic(secret);
		this.m.areas[area - 1] = { sealPublic, sealHashes: [...known, sha256(sealPublic)] };
		const behind = this.keyring.secrets.findIndex((s) => s.area > area);
		this.keyring.secrets.splice(behind < 0 ? this.keyring.secrets.length : behind, 0, secret);
		this.changed = true;
		return secret;
	}

	private async add(fresh: Fresh, now: number): Promise<Verifier> {
		if (this.m.unlockers.length >= UNLOCKERS_MAX) throw new KeysError("limit", "too many unlockers");
		nameBytes(fresh.name);
		const { type, scope, name, secret } = fresh;
		const [id, { account }] = [random(ID_LEN), this.m];
		const keys = unlockKeys(type, secret, account, id);
		const publicKey = xwingPublic(keys.kem);
		const u = { id, type, scope: { ...scope }, created: now, publicHash: sha256(publicKey) };
		await this.putAnchor(u, keys.anchor);
		this.put(recordKey.unlock(id), publicKey);
		await this.grantScope(u, publicKey);
		insertSorted(this.m.unlockers, u);
		insertSorted(this.keyring.names, { id, text: name });
		this.publics.set(u, publicKey);
		this.changed = true;
		const proof = fresh.proof(keys.auth);
		wipeUnlockKeys(keys);
		return { account, id, scope: u.scope, created: now, name, ...proof };
	}

	private async putAnchor(u: ManifestUnlocker, key: Bytes): Promise<void> {
		const { account, identity, seq, floor } = this.m;
		const ids = { account, unlocker: u.id, identity, type: u.type };
		this.put(recordKey.anchor(u.id), await anchorSeal(key, { ...ids, scope: u.scope, floorSeq: seq, floor }));
	}

	private async grant(u: ManifestUnlocker, to: Bytes, area: number, version: number, key: Bytes): Promise<void> {
		const g = { account: this.m.account, unlocker: u.id, area, version };
		const at = recordKey.grant(u.id, area, version, grantTag(this.m, area, version));
		this.put(at, await grantSeal(to, this.keyring.identitySeed, g, key));
	}

	/** All that an unlocker's scope says: Root, or every version of its areas. */
	private async grantScope(u: ManifestUnlocker, to: Bytes): Promise<void> {
		if (u.scope.areas === SCOPE_ROOT)
			return this.grant(u, to, Area.none, this.m.rootVersion, this.root);
		for (const s of this.keyring.secrets)
			if (u.scope.areas & scopeArea(s.area)) await this.grant(u, to, s.area, s.version, s.key);
	}

	private async grantToAll(area: number, version: number, key: Bytes): Promise<void> {
		for (const u of this.m.unlockers)
			if (u.scope.areas & scopeArea(area)) await this.grant(u, this.publicOf(u), area, version, key);
	}

	private publicOf(u: ManifestUnlocker): Bytes {
		const publicKey = this.publics.get(u);
		if (!publicKey) throw new KeysError("state", "an unlocker without its public key");
		return publicKey;
	}

	/** The keyring of the next commit is sealed under the new Root; grants of the old one go. */
	private async rotateRoot(): Promise<void> {
		const { m } = this;
		for (const u of m.unlockers.filter((x) => x.scope.areas === SCOPE_ROOT))
			this.delete(recordKey.grant(u.id, Area.none, m.rootVersion, m.rootTag));
		m.rootVersion++;
		m.rootTag = random(TAG_LEN);
		this.root.set(random(KEY_LEN));
		await this.grantToAll(Area.none, m.rootVersion, this.root);
	}

	private remove(u: ManifestUnlocker): void {
		const { m } = this;
		this.delete(recordKey.verifier(u.id));
		this.delete(recordKey.anchor(u.id));
		this.delete(recordKey.unlock(u.id));
		if (u.scope.areas === SCOPE_ROOT)
			this.delete(recordKey.grant(u.id, Area.none, m.rootVersion, m.rootTag));
		for (const area of AREAS.filter((a) => u.scope.areas & scopeArea(a)))
			areaOf(m, area).sealHashes.forEach((_, i) => {
				this.delete(recordKey.grant(u.id, area, i + 1, grantTag(m, area, i + 1)));
			});
		m.unlockers = m.unlockers.filter((other) => other !== u);
		this.keyring.names = this.keyring.names.filter((n) => !equal(n.id, u.id));
		this.changed = true;
	}

	private removeType(type: UnlockType): void {
		for (const u of this.m.unlockers.filter((x) => x.type === type)) this.remove(u);
	}

	/** pk_U of every listed unlocker, against the manifest: new keys are granted to no other. */
	private async loadPublics(records: KeyRecords): Promise<void> {
		let gone = 0;
		for (const u of [...this.m.unlockers]) {
			const publicKey = records.get(recordKey.unlock(u.id));
			if (!publicKey && u.type === UnlockType.app) {
				gone |= u.scope.areas;
				this.remove(u);
				continue;
			}
			if (!publicKey) throw new KeysError("notfound", "an unlocker's key is missing");
			if (publicKey.length !== XWING_PUBLIC_LEN || !equal(sha256(publicKey), u.publicHash))
				throw new KeysError("auth", "an unlocker's key was exchanged");
			this.publics.set(u, publicKey);
		}
		// With all versions used up, the revocation counts without a rotation.
		const full = AREAS.some((a) => gone & scopeArea(a) && areaVersion(this.m, a) >= VERSIONS_MAX);
		if (gone && !full) await this.rotate(gone);
	}

	private async sealKeyring(): Promise<KeyChange> {
		const { m, keyring } = this;
		m.keyringRev++;
		keyring.floorSeq = m.seq;
		keyring.floor = m.floor;
		const value = await keyringSeal(keyring, this.root, m.account, m.rootVersion, m.keyringRev);
		m.keyringHash = sha256(value);
		return { kind: "put", key: recordKey.keyring(m.keyringHash), value };
	}
}
