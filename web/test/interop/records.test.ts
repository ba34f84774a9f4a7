// Each record form, made here and opened by the C code, and the other way round.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { concat, copy, random, unhex, utf8, type Bytes } from "../../src/keys/bytes";
import { codeGroup, codeParse } from "../../src/keys/code";
import { ed25519Public, ed25519PublicValid, ed25519Sign, ed25519Verify } from "../../src/keys/ed25519";
import {
	HDR_LEN,
	header,
	type Header,
	kemOpen,
	kemSeal,
	type Kind,
	parseHeader,
	sigOpen,
	sigSeal,
	symOpen,
	symSeal,
} from "../../src/keys/record";
import { scramKeys } from "../../src/keys/scram";
import { UnlockType } from "../../src/keys/scope";
import { authHash, unlockKeys } from "../../src/keys/unlock";
import { xwingPublic } from "../../src/keys/xwing";
import { Peer, peerOptions, peerPath } from "./peer";

const peer = peerPath ? new Peer() : (undefined as unknown as Peer);
after(() => peer?.close());

const someHeader = (kind: Kind): Header =>
	header(kind, {
		area: 3,
		part: 7,
		keyver: 0x01020304,
		rev: 0x1122334455667788n,
		account: random(16),
		collection: random(16),
		object: random(16),
		author: random(16),
	});

const lengths = [0, 1, 16383, 16384, 16385, 40000];
const flipped = (bytes: Bytes, at: number): Bytes => {
	const out = copy(bytes);
	out[at] = (out[at] as number) ^ 1;
	return out;
};

/** Every byte of the header changed: neither implementation opens it, not even when the changed
 * header is the one asked for. */
async function flips(
	record: Bytes,
	here: (want: Header, record: Bytes) => unknown,
	there: (want: Bytes, record: Bytes) => Promise<unknown>,
): Promise<void> {
	const want = parseHeader(record);
	await here(want, record);
	await there(record.slice(0, HDR_LEN), record);
	for (let at = 0; at < HDR_LEN; at++) {
		const bad = flipped(record, at);
		await assert.rejects(async () => here(want, bad), `byte ${at}, here`);
		await assert.rejects(async () => here(parseHeader(bad), bad), `byte ${at}, here, asked for`);
		await assert.rejects(there(record.slice(0, HDR_LEN), bad), `byte ${at}, there`);
		await assert.rejects(there(bad.slice(0, HDR_LEN), bad), `byte ${at}, there, asked for`);
	}
}

test("SYM records open on the other side", peerOptions, async () => {
	const key = random(32);
	for (const n of lengths) {
		const [h, plain] = [someHeader("object"), random(n)];
		const mine = await symSeal(key, h, plain);
		const hdr = mine.slice(0, HDR_LEN);
		assert.deepEqual(await peer.one("sym-open", key, hdr, mine), plain);
		const theirs = await peer.one("sym-seal", key, hdr, plain);
		assert.deepEqual((await symOpen(key, h, theirs)).body, plain);
	}
});

test("KEM records open on the other side", peerOptions, async () => {
	const seed = random(32);
	for (const kind of ["share", "delivered"] as const)
		for (const n of lengths) {
			const [h, plain] = [someHeader(kind), random(n)];
			const mine = await kemSeal(xwingPublic(seed), h, plain);
			const hdr = mine.slice(0, HDR_LEN);
			assert.deepEqual(await peer.one("kem-open", seed, hdr, mine), plain);
			const theirs = await peer.one("kem-seal", xwingPublic(seed), hdr, plain);
			assert.deepEqual((await kemOpen(seed, h, theirs)).body, plain);
		}
});

test("SIG records verify on the other side, and are the same bytes", peerOptions, async () => {
	const seed = random(32);
	const [h, body] = [someHeader("device"), random(300)];
	const mine = sigSeal(seed, h, body);
	const hdr = mine.slice(0, HDR_LEN);
	assert.deepEqual(await peer.one("sig-open", ed25519Public(seed), hdr, mine), body);
	const theirs = await peer.one("sig-seal", seed, hdr, body);
	assert.deepEqual(theirs, mine);
	assert.deepEqual(sigOpen(ed25519Public(seed), h, theirs).body, body);
});

test("no changed header byte is accepted by either side", peerOptions, async () => {
	const [key, seed] = [random(32), random(32)];
	const sym = await symSeal(key, someHeader("index"), random(50));
	await flips(sym, (h, r) => symOpen(key, h, r), (h, r) => peer.call("sym-open", key, h, r));
	const kem = await kemSeal(xwingPublic(seed), someHeader("grant"), random(32));
	await flips(kem, (h, r) => kemOpen(seed, h, r), (h, r) => peer.call("kem-open", seed, h, r));
	const [sig, pk] = [sigSeal(seed, someHeader("manifest"), random(50)), ed25519Public(seed)];
	await flips(sig, (h, r) => sigOpen(pk, h, r), (h, r) => peer.call("sig-open", pk, h, r));
});

test("unlock secrets give the same keys", peerOptions, async () => {
	for (const type of Object.values(UnlockType)) {
		const [secret, account, id] = [random(type === 1 ? 64 : 32), random(16), random(16)];
		const keys = unlockKeys(type, secret, account, id);
		const mine = [keys.auth, keys.anchor, keys.kem, authHash(keys.auth)];
		assert.deepEqual(await peer.call("unlock-keys", type, secret, account, id), mine);
	}
});

test("SCRAM keys and codes are the same", peerOptions, async () => {
	const [password, salt] = [utf8("0123456789ABCDEFGHJKMNPQRS"), random(16)];
	const k = scramKeys(password, salt, 4096);
	assert.deepEqual(await peer.call("scram", password, salt, 4096), [k.client, k.stored, k.server]);
	for (const typed of ["oil23-45678-9abcd-efghj-kmnpqr", " 01234 56789abcdefghjkmnpqrs\t"]) {
		const [code, grouped] = await peer.call("code", utf8(typed));
		assert.deepEqual(code, utf8(codeParse(typed)));
		assert.deepEqual(grouped, utf8(codeGroup(codeParse(typed))));
	}
	for (const typed of ["", "U1234-56789-abcde-fghjk-mnpqrs", "01234-56789-abcde-fghjk-mnpqrst"]) {
		await assert.rejects(peer.call("code", utf8(typed)), /syntax/);
		assert.throws(() => codeParse(typed), { code: "syntax" });
	}
});

test("signatures are judged alike, the doubtful ones too", peerOptions, async () => {
	const seed = random(32);
	const [pk, message] = [ed25519Public(seed), random(40)];
	const sig = ed25519Sign(seed, message);
	const order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
	const malleable = copy(sig);
	for (let i = 32, carry = 0; i < 64; i++) {
		const sum = (sig[i] as number) + (order[i - 32] as number) + carry;
		malleable[i] = sum & 255;
		carry = sum >> 8;
	}
	const smallOrder = [
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // not canonical
	].map(unhex);
	const cases: [Bytes, Bytes][] = [[pk, sig], [pk, malleable], [pk, flipped(sig, 5)], [pk, flipped(sig, 40)]];
	for (const bad of smallOrder) cases.push([bad, sig], [bad, concat(bad, new Uint8Array(32))], [pk, concat(bad, sig.slice(32))]);
	for (const [key, s] of cases) {
		const theirs = await peer.call("verify", key, message, s).then(() => true, () => false);
		assert.equal(ed25519Verify(key, message, s), theirs);
		const valid = await peer.call("public-check", key).then(() => true, () => false);
		assert.equal(ed25519PublicValid(key), valid);
	}
	assert.equal(ed25519Verify(pk, message, sig), true);
});
