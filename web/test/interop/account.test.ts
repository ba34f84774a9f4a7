// A whole account, made and changed by either implementation and opened by the other.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Bytes, concat, equal, hex, random, unhex, utf8 } from "../../src/keys/bytes";
import { codeBytes } from "../../src/keys/code";
import { ed25519Public } from "../../src/keys/ed25519";
import { keyringDecode, keyringEncode } from "../../src/keys/keyring";
import { manifestOpen } from "../../src/keys/manifest";
import { type OpenRequest, type Pin, unlockAreas } from "../../src/keys/open";
import { type Committed, Owner } from "../../src/keys/owner";
import { KeyRecords } from "../../src/keys/records";
import { Protocol, UnlockType, scopeArea, SCOPE_AREAS_ALL, SCOPE_ROOT } from "../../src/keys/scope";
import { scramKeys } from "../../src/keys/scram";
import { type Verifier, verifierDecode, verifierEncode } from "../../src/keys/verifier";
import { type Arg, Peer, peerOptions, peerPath } from "./peer";

const peer = peerPath ? new Peer() : (undefined as unknown as Peer);
after(() => peer?.close());

const NOW = 1800000000;
const MAIL = scopeArea(1);

/** What both sides know of one account. */
class World {
	readonly account = random(16);
	readonly exportKey = random(64);
	readonly records = new KeyRecords();
	pin: Pin | undefined;

	apply({ changes, pin }: Committed): void {
		for (const c of changes) {
			if (c.kind === "put-new") assert.ok(!this.records.has(c.key), "another client was faster");
			if (c.kind === "delete") this.records.delete(c.key);
			else this.records.put(c.key, c.value);
		}
		this.pin = pin;
	}

	request(v: Verifier, secret: Bytes): OpenRequest {
		const pins = this.pin ? [this.pin] : [];
		const { account, records } = this;
		return { account, unlocker: v.id, type: v.type, secret, records, pins, now: NOW };
	}

	/** The arguments that the peer's opening commands take; its records are replaced. */
	async peerRequest(v: Verifier, secret: Bytes): Promise<Arg[]> {
		await peer.words("records-clear");
		for (const [key, value] of this.records.entries()) await peer.words("record-put", unhex(key), value);
		const pin = this.pin ? [this.pin.identity, this.pin.seq, this.pin.hash] : [];
		return [this.account, v.id, v.type, secret, NOW, ...pin];
	}

	async applyPeer(): Promise<void> {
		const words = await peer.words("owner-commit", NOW);
		const kinds = ["put", "put-new", "delete"] as const;
		const [identity = "", seq = "", hash = ""] = words;
		const changes: Committed["changes"] = [];
		for (let i = 3; i < words.length; i += 3)
			changes.push({
				kind: kinds[Number(words[i])] ?? "put",
				key: unhex(words[i + 1] ?? ""),
				value: unhex((words[i + 2] ?? "").replace("-", "")),
			});
		this.apply({ changes, pin: { identity: unhex(identity), seq: BigInt(seq), hash: unhex(hash) } });
	}
}

type Secrets = [area: number, version: number, key: string][];

async function peerUnlocks(w: World, v: Verifier, secret: Bytes): Promise<Secrets> {
	const words = await peer.words("unlock", ...(await w.peerRequest(v, secret)));
	const out: Secrets = [];
	for (let i = 0; i < words.length; i += 3) out.push([Number(words[i]), Number(words[i + 1]), words[i + 2] ?? ""]);
	return out;
}

async function unlocks(w: World, v: Verifier, secret: Bytes): Promise<Secrets> {
	const { secrets } = await unlockAreas(w.request(v, secret));
	return secrets.map((s) => [s.area, s.version, hex(s.key)]);
}

/** Both sides open it, and to the same keys. */
async function bothUnlock(w: World, v: Verifier, secret: Bytes): Promise<Secrets> {
	const mine = await unlocks(w, v, secret);
	assert.deepEqual(await peerUnlocks(w, v, secret), mine);
	return mine;
}

async function bothFail(w: World, v: Verifier, secret: Bytes, code: string): Promise<void> {
	await assert.rejects(unlocks(w, v, secret), { code });
	await assert.rejects(peerUnlocks(w, v, secret), { message: code });
}

/** A registration record whose public key is a group element. */
const opaqueRecord = concat(
	unhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"),
	new Uint8Array(160).fill(7),
);

const appScope = { areas: MAIL, protocols: Protocol.imap | Protocol.smtp, expires: 0 };
const appSecret = (v: Verifier, password: string): Bytes =>
	v.type === UnlockType.app ? scramKeys(utf8(password), v.salt, v.iterations).client : new Uint8Array(0);

test("an account made here opens in C", peerOptions, async () => {
	const w = new World();
	const owner = Owner.create(w.account, NOW);
	const password = await owner.addPassword(opaqueRecord, w.exportKey, false, NOW);
	const recovery = await owner.addRecovery(NOW);
	const passkey = await owner.addWebauthn(w.exportKey.slice(0, 32), "Schlüssel", NOW);
	const app = await owner.addApp(appScope, "Telefon", NOW);
	const send = await owner.addApp({ areas: 0, protocols: Protocol.smtp, expires: 0 }, "", NOW);
	const late = await owner.addApp({ ...appScope, expires: NOW }, "", NOW);
	for (const n of [9000, 700]) owner.editOpenpgp({ fingerprint: random(20), key: random(n), place: "first" });
	w.apply(await owner.commit(NOW));

	assert.equal((await bothUnlock(w, password, w.exportKey)).length, 5);
	assert.equal((await bothUnlock(w, recovery.verifier, codeBytes(recovery.code))).length, 5);
	assert.equal((await bothUnlock(w, passkey, w.exportKey.slice(0, 32))).length, 5);
	assert.equal((await bothUnlock(w, app.verifier, appSecret(app.verifier, app.password))).length, 1);
	assert.equal((await bothUnlock(w, send.verifier, appSecret(send.verifier, send.password))).length, 0);
	await bothFail(w, late.verifier, appSecret(late.verifier, late.password), "denied");
	await bothFail(w, password, random(64), "auth");
	for (const v of [password, recovery.verifier, passkey, app.verifier])
		assert.deepEqual(await peer.one("verifier", verifierEncode(v)), verifierEncode(v));

	// The C client opens the owner's side, keeps the OpenPGP keys, and changes something.
	await peer.words("owner-open", ...(await w.peerRequest(password, w.exportKey)));
	const keyring = keyringDecode(await peer.one("owner-keyring"));
	assert.deepEqual(keyring.openpgp, owner.openpgp);
	await peer.words("owner-revoke", app.verifier.id, 1);
	await w.applyPeer();
	assert.equal((await bothUnlock(w, password, w.exportKey)).length, 6);
	await bothFail(w, app.verifier, appSecret(app.verifier, app.password), "notfound");

	// And back again.
	const again = await Owner.open(w.request(password, w.exportKey));
	assert.deepEqual(again.openpgp, owner.openpgp);
	assert.equal(again.nameOf(passkey.id), "Schlüssel");
	assert.equal(again.manifest.fingerprints.length, 2);
	assert.ok(equal(ed25519Public(again.identitySeed), again.manifest.identity));
});

test("an account made in C opens here, and either changes it in turn", peerOptions, async () => {
	const w = new World();
	await peer.words("owner-new", w.account, NOW);
	const password = verifierDecode(await peer.one("owner-password", opaqueRecord, w.exportKey, 0, NOW));
	const [recoveryBytes = random(0), code = random(0)] = await peer.call("owner-recovery", NOW);
	const recovery = verifierDecode(recoveryBytes);
	const [appBytes = random(0), appText = random(0)] = await peer.call("owner-app", MAIL, 5, 0, utf8("desk"), NOW);
	const app = verifierDecode(appBytes);
	await peer.words("owner-openpgp", random(12000), random(20));
	await w.applyPeer();
	await bothUnlock(w, password, w.exportKey);
	await bothUnlock(w, recovery, code);
	await bothUnlock(w, app, appSecret(app, String.fromCharCode(...appText)));

	const owner = await Owner.open(w.request(recovery, code));
	assert.equal(owner.nameOf(app.id), "desk");
	const changed = await owner.addPassword(opaqueRecord, random(64).fill(1), true, NOW);
	await owner.rotate(MAIL);
	w.apply(await owner.commit(NOW));
	const secrets = await bothUnlock(w, changed, new Uint8Array(64).fill(1));
	assert.equal(secrets.length, 11);
	assert.equal((await bothUnlock(w, app, appSecret(app, String.fromCharCode(...appText)))).length, 3);
	await bothFail(w, password, w.exportKey, "notfound");

	await peer.words("owner-open", ...(await w.peerRequest(changed, new Uint8Array(64).fill(1))));
	await peer.words("owner-rotate", SCOPE_ROOT | SCOPE_AREAS_ALL);
	await w.applyPeer();
	assert.equal((await bothUnlock(w, recovery, code)).length, 16);
});

test("nothing that was altered, exchanged or rolled back opens", peerOptions, async () => {
	const w = new World();
	const owner = Owner.create(w.account, NOW);
	const password = await owner.addPassword(opaqueRecord, w.exportKey, false, NOW);
	const { verifier: app, password: text } = await owner.addApp(appScope, "", NOW);
	w.apply(await owner.commit(NOW));
	const old = w.records.clone();
	const oldPin = w.pin;
	await owner.rotate(MAIL);
	w.apply(await owner.commit(NOW));
	const secret = appSecret(app, text);
	await bothUnlock(w, app, secret);

	for (const [key, value] of w.records.entries()) {
		const at = value.length >> 1;
		const bad = value.slice();
		bad[at] = (bad[at] as number) ^ 4;
		w.records.put(unhex(key), bad);
		const mine = await unlocks(w, password, w.exportKey).then(() => "ok", (e: { code: string }) => e.code);
		const theirs = await peerUnlocks(w, password, w.exportKey).then(() => "ok", (e: Error) => e.message);
		assert.equal(mine, theirs, key);
		w.records.put(unhex(key), value);
	}

	// An older state of the store against the newer pin; and a fork of the chain.
	const rolled = new World();
	Object.assign(rolled, { account: w.account, records: old, pin: w.pin });
	await bothFail(rolled, app, secret, "auth");
	rolled.pin = oldPin;
	await bothUnlock(rolled, app, secret);
	const pin = w.pin as Pin;
	w.pin = { ...pin, seq: 0n, hash: random(32) };
	await bothFail(w, app, secret, "auth");
	w.pin = { ...pin, identity: ed25519Public(random(32)) };
	await bothFail(w, app, secret, "auth");
	w.pin = oldPin;
	await bothUnlock(w, app, secret);
});

test("keyrings without OpenPGP keys are read, and written in the new form", () => {
	const owner = Owner.create(random(16), NOW);
	const k = { identitySeed: owner.identitySeed, floorSeq: 1n, floor: { sym: 1, kem: 3, sig: 16 } };
	const whole = keyringEncode({ ...k, secrets: [...owner.secrets], names: [], openpgp: [] });
	const first = whole.slice(0, -1);
	first[0] = 1;
	assert.deepEqual(keyringDecode(first), keyringDecode(whole));
	assert.throws(() => keyringDecode(whole.slice(0, -1)), { code: "syntax" });
	assert.throws(() => keyringDecode(concat(first, random(1))), { code: "syntax" });
});

test("a manifest of another account is none of this one", async () => {
	const owner = Owner.create(random(16), NOW);
	await owner.addRecovery(NOW);
	const { changes, pin } = await owner.commit(NOW);
	const record = changes.find((c) => c.kind === "put-new")?.value ?? random(0);
	assert.equal(manifestOpen(owner.manifest.account, pin.identity, record).seq, 0n);
	assert.throws(() => manifestOpen(random(16), pin.identity, record), { code: "auth" });
	assert.throws(() => manifestOpen(owner.manifest.account, ed25519Public(random(32)), record), { code: "auth" });
});
