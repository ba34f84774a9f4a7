// Keys and messages as GnuPG makes them elsewhere: every kind of key, several user IDs and subkeys, what is weak, over or revoked.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { concat, copy, utf8, type Bytes } from "../../src/keys/bytes";
import type { PublicKey } from "openpgp";
import { openpgp } from "../../src/pgp/openpgp";
import { draft, emptyPerson, latin1, message, NOW, person, type Person } from "../pgp/people";

const home = mkdtempSync(join(tmpdir(), "gpg-"));
after(() => {
	spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
	rmSync(home, { recursive: true, force: true });
});

function gpg(args: string[], input: Uint8Array = new Uint8Array(0), status = 0): { out: Bytes; err: string } {
	const options = ["--homedir", home, "--batch", "--no-tty", "--quiet", "--trust-model", "always", "--status-fd", "2",
		"--passphrase", "", "--pinentry-mode", "loopback"];
	const r = spawnSync("gpg", [...options, ...args], { input, maxBuffer: 1 << 26 });
	const err = `${r.error?.message ?? ""}${r.stderr?.toString() ?? ""}`;
	assert.equal(r.status, status, err);
	return { out: copy(r.stdout), err };
}

const printOf = (address: string): string =>
	/fpr:+([0-9A-F]{40}):/.exec(latin1(gpg(["--with-colons", "--list-keys", address]).out))?.[1] ?? "";

let alice: Person;
const learn = (address: string) => alice.service.learn({ address, key: gpg(["--export", printOf(address)]).out, source: "wkd", at: NOW });
const read = (m: Bytes) => alice.service.read({ message: m, received: NOW, authentic: true });
const inline = (from: string, text: Uint8Array) => message(`From: ${from}\nContent-Type: text/plain; charset=utf-8\n\n${latin1(text)}`);

/** Encrypted here, opened by GnuPG; its status lines. */
async function sent(to: string): Promise<string> {
	const [out] = await alice.service.write({ draft: draft(alice.address, [to]), protection: "encrypted", bcc: [], at: NOW });
	const armor = /-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/.exec(latin1(out?.message ?? utf8("")));
	return gpg(["--decrypt"], utf8(armor?.[0] ?? "")).err;
}

/** The encrypted data packet of LibrePGP (tag 20, OCB), which newer GnuPGs send to keys that say that they read it. */
async function ocb(recipient: PublicKey, text: string): Promise<Bytes> {
	const key = new Uint8Array(randomBytes(32)), iv = randomBytes(15), head = Buffer.from([0xd4, 1, 9, 2, 0]);
	const sessionKey = { data: key, algorithm: "aes256" as const };
	const first = await openpgp.encryptSessionKey({ ...sessionKey, encryptionKeys: recipient, format: "binary" });
	const literal = Buffer.concat([Buffer.from([0xcb, text.length + 6, 0x62, 0, 0, 0, 0, 0]), Buffer.from(text)]);
	const chunks: Buffer[] = [];
	const seal = (plain: Buffer, index: number, more: Buffer) => {
		const nonce = Buffer.from(iv), at = Buffer.alloc(8);
		at.writeUInt32BE(index, 4);
		for (let i = 0; i < 8; i++) nonce[7 + i]! ^= at[i]!;
		const c = createCipheriv("aes-256-ocb", key, nonce, { authTagLength: 16 });
		c.setAAD(Buffer.concat([head, at, more]));
		chunks.push(c.update(plain), c.final(), c.getAuthTag());
	};
	const size = 64; // of a chunk: 2 to the power of 6
	let n = 0;
	for (; n * size < literal.length; n++) seal(literal.subarray(n * size, (n + 1) * size), n, Buffer.alloc(0));
	const total = Buffer.alloc(8);
	total.writeUInt32BE(literal.length, 4);
	seal(Buffer.alloc(0), n, total);
	const body = Buffer.concat([Buffer.from([1, 9, 2, 0]), iv, ...chunks]);
	return concat(new Uint8Array(first), new Uint8Array([0xd4, 0xff, 0, 0, body.length >> 8, body.length & 255]), new Uint8Array(body));
}

test("every kind of key that GnuPG makes: both directions", async () => {
	alice = await person("alice@example.org", "Alice");
	gpg(["--import"], alice.publicKey);
	const kinds = [["rsa2048", "rsa2048"], ["rsa4096", "rsa4096"], ["nistp256", "nistp256"], ["nistp384", "nistp384"], ["nistp521", "nistp521"],
		["ed25519", "cv25519"], ["rsa3072", "cv25519"]] as const;
	for (const [sign, encrypt] of kinds) {
		const address = `${sign}.${encrypt}@example.net`.toLowerCase();
		gpg(["--quick-gen-key", `Kind <${address}>`, sign, "default", "0"]);
		gpg(["--quick-add-key", printOf(address), encrypt, "encr", "0"]);
		const [info] = await learn(address);
		assert.ok(info?.canEncrypt, `${sign}/${encrypt}`);
		assert.match(await sent(address), /GOODSIG/, `${sign}/${encrypt}`);
		const got = await read(inline(address, gpg(["-a", "-e", "-s", "-r", alice.address, "-u", address], utf8("text")).out));
		assert.deepEqual([got.failure, got.signature.verdict, got.content?.text], ["none", "verified", "text"], `${sign}/${encrypt}`);
	}
});

test("several user IDs and subkeys: what counts is what is in force", async () => {
	const [one, two, gone] = ["uma@example.net", "uma@work.example", "uma@old.example"] as const;
	gpg(["--quick-gen-key", `Uma <${one}>`, "ed25519", "cert", "0"]);
	const print = printOf(one);
	gpg(["--quick-add-uid", print, `Uma at work <${two}>`]);
	gpg(["--quick-add-uid", print, `Uma <${gone}>`]);
	gpg(["--quick-revoke-uid", print, `Uma <${gone}>`]);
	gpg(["--quick-add-key", print, "ed25519", "sign", "0"]);
	gpg(["--quick-add-key", print, "cv25519", "encr", "seconds=1"]);
	await new Promise((done) => setTimeout(done, 1100));
	gpg(["--quick-add-key", print, "cv25519", "encr", "0"]);
	const [info] = await learn(two);
	assert.deepEqual([info?.addresses.sort(), info?.canEncrypt], [[one, two], true]);
	assert.match(await sent(two), /GOODSIG/);
	await alice.service.learn({ address: gone, key: gpg(["--export", print]).out, source: "wkd", at: NOW });
	const plan = await alice.service.plan({ addresses: [gone], wish: "auto", threadEncrypted: false });
	assert.deepEqual(plan.recipients.map((r) => r.because), ["noKey"], "a user ID that was taken back");
	// A signing subkey: its verdict is its primary key's.
	const got = await read(inline(two, gpg(["-a", "--clearsign", "-u", print], utf8("text\n")).out));
	assert.deepEqual([got.signature.verdict, got.signature.fingerprint], ["verified", print.toLowerCase()]);
});

const clear = async (who: string, options: string[] = [], text = "text\n") =>
	read(inline(who, gpg([...options, "-a", "--clearsign", "-u", who], utf8(text)).out));

test("what is weak proves nothing, and is not called altered", async () => {
	for (const kind of ["rsa1024", "dsa2048"]) {
		const address = `${kind}@weak.example`;
		gpg(["--quick-gen-key", `Weak <${address}>`, kind, "default", "0"]);
		const [info] = await learn(address);
		assert.equal(info?.canEncrypt, false, kind);
		const got = await clear(address);
		assert.deepEqual([got.signature.verdict, got.content?.text], ["weak", "text"], kind);
	}
	const good = "rsa2048.rsa2048@example.net";
	assert.equal((await clear(good, ["--digest-algo", "SHA1", "--allow-weak-digest-algos"])).signature.verdict, "weak");
	assert.equal((await clear(good, ["--digest-algo", "SHA512"])).signature.verdict, "verified");
});

test("signatures with something in them that must be understood, or from a time to come", async () => {
	const who = "ed25519.cv25519@example.net";
	assert.equal((await clear(who, ["--sig-notation", "x@example.org=1"])).signature.verdict, "verified");
	assert.equal((await clear(who, ["--sig-notation", "!x@example.org=1"])).signature.verdict, "invalid");
	assert.equal((await clear(who, ["--faked-system-time", "20400101T000000!"])).signature.verdict, "invalid");
	const spaces = await clear(who, [], "- a  \nFrom x \t\n\n-----BEGIN x\n  \nend\n");
	assert.deepEqual([spaces.signature.verdict, spaces.content?.text], ["verified", "- a\nFrom x\n\n-----BEGIN x\n\nend"]);
	const both = await read(inline(who, gpg(["-a", "-s", "-e", "-r", alice.address, "-u", who, "-u", "rsa2048.rsa2048@example.net"], utf8("text")).out));
	assert.equal(both.signature.verdict, "unknownKey", "of two signers one is not the sender");
});

test("recipients that are not named, passwords, compression", async () => {
	const who = "ed25519.cv25519@example.net";
	const open = async (...args: string[]) => {
		const got = await read(inline(who, gpg(["-a", ...args], utf8("text")).out));
		return [got.encrypted, got.failure, got.content?.text];
	};
	const good = [true, "none", "text"];
	assert.deepEqual(await open("-e", "-R", alice.address), good);
	assert.deepEqual(await open("--throw-keyids", "-e", "-r", who, "-r", "rsa2048.rsa2048@example.net", "-r", alice.address), good);
	assert.deepEqual(await open("--passphrase", "x", "-c", "-e", "-r", alice.address), good);
	assert.deepEqual(await open("--passphrase", "x", "-c"), [true, "password", undefined]);
	assert.deepEqual(await open("-e", "-r", who), [true, "noKey", undefined]);
	for (const how of ["zip", "zlib", "bzip2", "none"])
		assert.deepEqual(await open("--compress-algo", how, "-e", "-r", alice.address), good, how);
});

test("a signature beside text in eight bits with spaces at line ends, also when the line ends were changed on the way", async () => {
	const who = "ed25519.cv25519@example.net";
	const text = concat(utf8("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr"),
		new Uint8Array([0xfc, 0xdf, 0x65]), utf8("  \r\n-- \r\nFrom me \t\r\n.\r\n"));
	for (const form of [[], ["--textmode"]]) {
		const sig = gpg([...form, "-a", "-b", "-u", who], text).out;
		const type = `multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="x"`;
		const m = concat(message(`From: ${who}\nContent-Type: ${type}\n\n--x\n`), text,
			message(`\n--x\nContent-Type: application/pgp-signature\n\n${latin1(sig)}\n--x--\n`));
		for (const way of [m, copy(m.filter((c) => c !== 13))]) {
			const got = await read(way);
			assert.deepEqual([got.signature.verdict, got.content?.text], ["verified", "Grüße  \n-- \nFrom me \t\n.\n"]);
		}
		const bad = copy(m);
		bad[bad.indexOf(0xfc)] = 0xdc;
		assert.equal((await read(bad)).signature.verdict, "invalid");
	}
});

test("the form that newer GnuPGs encrypt in (OCB): GnuPG opens it, and so is it opened here", async () => {
	const who = "ed25519.cv25519@example.net", text = "Longer than one chunk of it. ".repeat(4);
	assert.equal(latin1(gpg(["--decrypt"], await ocb(await openpgp.readKey({ binaryKey: gpg(["--export", who]).out }), text)).out), text);
	const mine = await ocb(await openpgp.readKey({ binaryKey: alice.publicKey }), text);
	const armored = (m: Bytes) => utf8(openpgp.armor(openpgp.enums.armor.message, m) as unknown as string);
	assert.equal((await read(inline(who, armored(mine)))).content?.text, text);
	const bad = copy(mine);
	bad[bad.length - 40]! ^= 1;
	const got = await read(inline(who, armored(bad)));
	assert.deepEqual([got.failure, got.content], ["damaged", undefined]);
});

test("keys of version 6: theirs, and one of one's own", async () => {
	const address = "v6@example.net";
	const { privateKey } = await openpgp.generateKey({ type: "curve25519", userIDs: [{ email: address }], format: "object", config: { v6Keys: true, aeadProtect: true } });
	const [info] = await alice.service.learn({ address, key: new Uint8Array(privateKey.toPublic().write()), source: "wkd", at: NOW });
	assert.deepEqual([info?.fingerprint.length, info?.canEncrypt], [64, true]);
	const [out] = await alice.service.write({ draft: draft(alice.address, [address]), protection: "encrypted", bcc: [], at: NOW });
	assert.ok(out);
	const own = emptyPerson(address);
	const locked = await openpgp.encryptKey({ privateKey, passphrase: "p", config: { aeadProtect: true } });
	await assert.rejects(own.service.importKey({ data: utf8(locked.armor()), passphrase: "q" }), { code: "passphrase" });
	const imported = await own.service.importKey({ data: utf8(locked.armor()), passphrase: "p" });
	assert.equal(imported.fingerprint, info?.fingerprint);
	await own.service.learn({ address: alice.address, key: alice.publicKey, source: "wkd", at: NOW });
	const got = await own.service.read({ message: out.message, received: NOW, authentic: true });
	assert.deepEqual([got.failure, got.signature.verdict, got.headers?.subject], ["none", "unverified", "Grüße & the secret plan"]);
	const [back] = await own.service.write({ draft: draft(address, [alice.address]), protection: "encrypted", bcc: [], at: NOW });
	assert.equal((await read(back?.message ?? utf8(""))).signature.verdict, "verified");
});
