// What the key worker does, from sign-up to sign-out, against the server's OPAQUE.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { base64url, random, unbase64url } from "../../src/keys/bytes";
import { codeMatches } from "../../src/keys/code";
import { KeyService } from "../../src/keys/service";
import { Protocol, scopeArea } from "../../src/keys/scope";
import { Peer, peerOptions, peerPath } from "./peer";
import { MemoryDevice, Server } from "./server";

const peer = peerPath ? new Peer() : (undefined as unknown as Peer);
after(() => peer?.close());

const address = "alice@example.org";
const options = { remember: false, device: "test" };

interface World {
	server: Server;
	device: MemoryDevice;
	service: KeyService;
	code: string;
	openpgp: number[];
}

/** Somebody signed up with the password "first". */
async function signedUp(): Promise<World> {
	await peer.call("opaque-server", random(64), random(32));
	const [server, device, openpgp] = [new Server(peer), new MemoryDevice(), [] as number[]];
	const service = new KeyService(server, device, async (keys) => void openpgp.push(keys.length));
	const code = await service.signupBegin({ address, password: "first", invitation: "inv" });
	await service.editOpenpgp({ fingerprint: random(20), key: random(600), place: "first" });
	await assert.rejects(service.signupFinish({ code: code.replace(/.$/, "0") + "0", ...options }), { code: "auth" });
	assert.equal(server.pin, undefined, "nothing is stored before the code was typed back");
	const status = await service.signupFinish({ code: code.toLowerCase(), ...options });
	assert.equal(status.state, "open");
	assert.equal(openpgp.at(-1), 1);
	return { server, device, service, code, openpgp };
}

const fresh = (w: World) => new KeyService(w.server, w.device, async (keys) => void w.openpgp.push(keys.length));

test("sign up, open the session, sign out, sign in with a second factor", peerOptions, async () => {
	const w = await signedUp();
	await w.service.unlockSession();
	assert.deepEqual(w.server.session?.map((s) => [s.area, s.version]), [[1, 1]]);
	await w.service.signOut();
	assert.equal(w.openpgp.at(-1), 0);
	assert.equal((await fresh(w).resume()).state, "out");

	w.server.factor = true;
	const again = fresh(w);
	await assert.rejects(again.signInPassword({ address, password: "wrong", ...options }), { code: "auth" });
	const state = await again.signInPassword({ address, password: "first", ...options });
	assert.deepEqual([state.next, state.totp, state.recovery], ["factor", true, true]);
	await assert.rejects(again.signInTotp({ code: "000000" }), { type: "refused" });
	assert.equal((await again.signInTotp({ code: "123456" })).next, "done");
	assert.equal(again.status().address, address);
	assert.equal(w.openpgp.at(-1), 1);
});

test("the recovery code signs in, and stands in for a second factor", peerOptions, async () => {
	const w = await signedUp();
	const service = fresh(w);
	assert.equal((await service.signInRecovery({ address, code: w.code, ...options })).next, "done");
	w.server.factor = true;
	const other = fresh(w);
	await other.signInPassword({ address, password: "first", ...options });
	assert.equal((await other.signInRecoveryFactor({ code: w.code })).next, "done");
	await assert.rejects(fresh(w).signInRecovery({ address, code: "nonsense", ...options }), { code: "syntax" });
});

test("a new password opens, the old one does not; what stays in the browser follows", peerOptions, async () => {
	const w = await signedUp();
	await w.service.stay({ on: true });
	w.server.fresh = false;
	await assert.rejects(w.service.changePassword({ password: "second", rotate: true }), { type: "confirm" });
	await w.service.confirm({ password: "first" });
	await w.service.changePassword({ password: "second", rotate: true });
	assert.equal((await fresh(w).resume()).state, "open");
	await assert.rejects(fresh(w).signInPassword({ address, password: "first", ...options }), { code: "auth" });
	const service = fresh(w);
	await service.signInPassword({ address, password: "second", ...options });
	await service.unlockSession();
	assert.deepEqual(w.server.session?.map((s) => s.version), [1, 2]);
	await service.stay({ on: false });
	const locked = fresh(w);
	assert.equal((await locked.resume()).state, "locked");
	await assert.rejects(locked.unlock({ password: "first", remember: false }), { code: "auth" });
	assert.equal((await locked.unlock({ password: "second", remember: true })).state, "open");
	assert.equal((await fresh(w).resume()).state, "open");
});

test("a new recovery code counts once it was typed back", peerOptions, async () => {
	const w = await signedUp();
	const code = w.service.recoveryBegin();
	await assert.rejects(w.service.recoveryFinish({ code: w.code }), { code: "auth" });
	await fresh(w).signInRecovery({ address, code: w.code, ...options });
	await w.service.recoveryFinish({ code });
	await assert.rejects(fresh(w).signInRecovery({ address, code: w.code, ...options }), { type: "refused" });
	await fresh(w).signInRecovery({ address, code, ...options });
});

test("app passwords, passkeys, revocation and rotation", peerOptions, async () => {
	const w = await signedUp();
	const scope = { areas: scopeArea(1), protocols: Protocol.imap, expires: 0 };
	const made = await w.service.addAppPassword({ scope, name: "Telefon" });
	assert.ok(codeMatches(made.password, made.password));
	const passkey = await w.service.addPasskeyUnlocker({ prf: "A".repeat(43), name: "Schlüssel" });
	assert.equal(unbase64url(passkey).length, 16);
	assert.equal(w.server.verifiers.length, 4);
	await w.service.revoke({ id: made.id, rotate: true });
	await w.service.revoke({ id: passkey, rotate: false });
	assert.equal(w.server.verifiers.length, 2);
	await w.service.rotate({ areas: scopeArea(1) });
	const all = await w.service.exportKeys();
	assert.deepEqual(all.areas.filter((a) => a.area === 1).map((a) => a.version), [1, 2, 3]);
	assert.equal(all.openpgp.length, 1);
	assert.equal(unbase64url(all.identitySeed).length, 32);
});

test("a change meets another client's change and is made again", peerOptions, async () => {
	const w = await signedUp();
	const other = fresh(w);
	await other.signInPassword({ address, password: "first", ...options });
	w.server.race = () => other.rotate({ areas: scopeArea(2) });
	await w.service.rotate({ areas: scopeArea(1) });
	const all = await w.service.exportKeys();
	assert.deepEqual(all.areas.map((a) => [a.area, a.version]), [[1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [4, 1], [5, 1]]);
});

test("OpenPGP keys that two clients make at once are both kept", peerOptions, async () => {
	const w = await signedUp();
	const other = fresh(w);
	await other.signInPassword({ address, password: "first", ...options });
	const [one, two, mine, theirs] = [random(300), random(400), random(20), random(20)];
	w.server.race = () => other.editOpenpgp({ fingerprint: theirs, key: two, place: "first" });
	await w.service.editOpenpgp({ fingerprint: mine, key: one, place: "first" });
	const keys = async () => (await w.service.exportKeys()).openpgp.slice(0, 2);
	assert.deepEqual(await keys(), [one, two].map(base64url));
	w.server.race = () => other.editOpenpgp({ fingerprint: mine, place: "gone" });
	await assert.rejects(w.service.editOpenpgp({ fingerprint: mine, key: random(500), place: "same" }), { code: "state" });
	await w.service.editOpenpgp({ fingerprint: theirs, key: one, place: "same" });
	assert.equal((await keys())[0], base64url(one));
});

test("a server that shows an older account is noticed", peerOptions, async () => {
	const w = await signedUp();
	const [records, pin] = [w.server.records.clone(), w.server.pin];
	await w.service.rotate({ areas: scopeArea(1) });
	for (const [key] of w.server.records.entries()) w.server.records.delete(Uint8Array.from(key.match(/../g) ?? [], (h) => parseInt(h, 16)));
	for (const [key, value] of records.entries()) w.server.records.put(Uint8Array.from(key.match(/../g) ?? [], (h) => parseInt(h, 16)), value);
	w.server.pin = pin;
	await assert.rejects(fresh(w).signInPassword({ address, password: "first", ...options }), {
		code: "auth",
		message: "the account was rolled back",
	});
});

test("a passkey with PRF signs in without a password", peerOptions, async () => {
	const w = await signedUp();
	const prf = "B".repeat(42) + "A";
	await w.service.addPasskeyUnlocker({ prf, name: "Schlüssel" });
	const service = fresh(w);
	const { rpId } = await service.passkeyStart(options);
	assert.equal(rpId, "example.org");
	const assertion = { credential: "c", userHandle: "u", clientData: "d", authenticatorData: "a", signature: "sig" };
	await assert.rejects(service.passkeyFinish({ ...assertion, prf: "A".repeat(43) }), { type: "refused" });
	await service.passkeyStart(options);
	assert.equal((await service.passkeyFinish({ ...assertion, prf })).next, "done");
	assert.equal(service.status().state, "open");
	await service.unlockSession();
	assert.equal(w.server.session?.length, 1);
});

test("without the network what this browser keeps opens the keys, and what is sealed here opens again", peerOptions, async () => {
	const w = await signedUp();
	assert.equal(await w.service.trusted(), false, "nobody said that this browser may keep anything");
	w.server.away = true;
	await assert.rejects(fresh(w).resume(), { type: "unavailable" });
	w.server.away = false;
	await w.service.stay({ on: true });
	assert.equal(await w.service.trusted(), true);
	const body = new TextEncoder().encode("kept here");
	const [record] = await w.service.sealHere({ items: [["mail/a", body]] });
	assert.ok(record);
	w.server.away = true;
	const offline = fresh(w);
	assert.deepEqual(await offline.resume(), w.service.status());
	assert.equal(w.openpgp.at(-1), 1, "the OpenPGP keys are open, too");
	assert.deepEqual(await offline.openHere({ items: [["mail/a", record], ["mail/b", record]] }), [body, null]);
	await assert.rejects(offline.unlockSession(), { type: "unavailable" });
	w.server.away = false;
	await offline.unlockSession();
	assert.equal(w.server.session?.length, 1);
});

test("what is kept for the time without the network follows a change of keys, and ends with the sign-in", peerOptions, async () => {
	const w = await signedUp();
	await w.service.stay({ on: true });
	await w.service.trusted();
	const [before] = await w.service.sealHere({ items: [["x", random(100)]] });
	await w.service.rotate({ areas: scopeArea(1) });
	const [after] = await w.service.sealHere({ items: [["x", random(100)]] });
	w.server.away = true;
	const offline = fresh(w);
	assert.equal((await offline.resume()).state, "open");
	const opened = await offline.openHere({ items: [["x", before as Uint8Array<ArrayBuffer>], ["x", after as Uint8Array<ArrayBuffer>]] });
	assert.deepEqual(opened.map((b) => b?.length), [100, 100], "the older version of the key is still there");
	w.server.away = false;
	w.server.signedIn = false;
	assert.equal((await fresh(w).resume()).state, "out");
	w.server.away = true;
	await assert.rejects(fresh(w).resume(), { type: "unavailable" }, "nothing is left to open");
});
