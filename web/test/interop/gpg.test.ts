// Both directions with GnuPG, by its command, and messages in the form that Thunderbird writes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { concat, copy, utf8, type Bytes } from "../../src/keys/bytes";
import { parseEntity, parts } from "../../src/pgp/entity";
import { draft, emptyPerson, latin1, message, NOW, type Person, person } from "../pgp/people";

const home = mkdtempSync(join(tmpdir(), "gpg-"));
after(() => {
	spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
	rmSync(home, { recursive: true, force: true });
});

/** Output and messages of gpg; status 0 unless another one is expected. */
function gpg(args: string[], input: Uint8Array = new Uint8Array(0), status = 0): { out: Bytes; err: string } {
	const options = ["--homedir", home, "--batch", "--no-tty", "--quiet", "--trust-model", "always", "--status-fd", "2"];
	const r = spawnSync("gpg", [...options, ...args], { input, maxBuffer: 1 << 26 });
	const err = `${r.error?.message ?? ""}${r.stderr?.toString() ?? ""}`;
	assert.equal(r.status, status, err);
	return { out: copy(r.stdout), err };
}

const greta = "greta@example.net";
const noPassphrase = ["--passphrase", "", "--pinentry-mode", "loopback"];

let alice: Person;
let gretaPrint = "";

test("keys are read by either side", async () => {
	gpg([...noPassphrase, "--quick-gen-key", `Greta Gnu <${greta}>`, "default", "default", "0"]);
	alice = await person("alice@example.org", "Alice Ä");
	const { armored } = await alice.service.exportPublic({ fingerprint: alice.fingerprint });
	gpg(["--import"], utf8(armored));
	const listed = gpg(["--with-colons", "--list-keys", alice.address]).out;
	assert.match(latin1(listed), new RegExp(`fpr:+${alice.fingerprint.toUpperCase()}:`));
	const key = gpg(["--export", greta]).out;
	const [info] = await alice.service.learn({ address: greta, key, source: "wkd", at: NOW });
	assert.ok(info?.canEncrypt);
	gretaPrint = info.fingerprint;
});

test("GnuPG decrypts and verifies what is encrypted here", async () => {
	const d = draft(alice.address, [greta]);
	const [out] = await alice.service.write({ draft: d, protection: "encrypted", bcc: [], at: NOW });
	const armor = /-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/.exec(latin1(out?.message ?? utf8("")));
	const { out: plain, err } = gpg([...noPassphrase, "--decrypt"], utf8(armor?.[0] ?? ""));
	assert.match(err, /\[GNUPG:\] GOODSIG /);
	assert.match(err, new RegExp(`VALIDSIG ${alice.fingerprint.toUpperCase()}`));
	const text = latin1(plain);
	assert.match(text, /^From: [^]*\r\nHP-Outer: Subject: \[\.\.\.\]\r\n[^]*hp="cipher"\r\n/);
	assert.match(text, /\r\nEuro: =E2=82=AC/);
});

test("GnuPG verifies what is signed here, byte for byte", async () => {
	const d = draft(alice.address, [greta], { html: "<p>x</p>" });
	const [out] = await alice.service.write({ draft: d, protection: "signed", bcc: [], at: NOW });
	assert.ok(out);
	const found = parts(parseEntity(out.message));
	const [entity, signature] = found?.parts ?? [];
	assert.ok(entity && signature && found?.closed);
	const [file, sig] = [join(home, "entity"), join(home, "entity.asc")];
	writeFileSync(file, entity);
	writeFileSync(sig, parseEntity(signature).body);
	assert.match(gpg(["--verify", sig, file]).err, /GOODSIG/);
	writeFileSync(file, concat(entity, utf8(" ")));
	assert.match(gpg(["--verify", sig, file], undefined, 1).err, /BADSIG/);
	assert.match(latin1(out.message), /micalg="pgp-sha512"/);
});

/** A payload in Thunderbird's form: protected headers of the first version. */
const payload = message(
	[
		`Content-Type: multipart/mixed; boundary="------------abc";`,
		` protected-headers="v1"`,
		`From: Greta Gnu <${greta}>`,
		`To: alice@example.org`,
		`Message-ID: <1@example.net>`,
		`Subject: =?UTF-8?Q?Geheime_Gr=C3=BC=C3=9Fe?=`,
		``,
		`--------------abc`,
		`Content-Type: multipart/mixed; boundary="------------def"`,
		``,
		`--------------def`,
		`Content-Type: text/plain; charset=UTF-8; format=flowed`,
		`Content-Transfer-Encoding: base64`,
		``,
		`SGFsbG8gQWxpY2UK`,
		``,
		`--------------def--`,
		``,
		`--------------abc--`,
		``,
	].join("\n"),
);

const outer = (type: string, body: string): Bytes =>
	message(
		`Return-Path: <${greta}>\nMessage-ID: <1@example.net>\nMIME-Version: 1.0\nUser-Agent: Mozilla Thunderbird\n` +
			`To: alice@example.org\nFrom: Greta Gnu <${greta}>\nSubject: ...\nContent-Type: ${type}\n\n${body}`,
	);

function thunderbirdEncrypted(armor: Uint8Array): Bytes {
	return outer(
		`multipart/encrypted;\n protocol="application/pgp-encrypted";\n boundary="------------xyz"`,
		`This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n--------------xyz\nContent-Type: application/pgp-encrypted\n` +
			`Content-Description: PGP/MIME version identification\n\nVersion: 1\n\n--------------xyz\n` +
			`Content-Type: application/octet-stream; name="encrypted.asc"\nContent-Description: OpenPGP encrypted message\n` +
			`Content-Disposition: inline; filename="encrypted.asc"\n\n${latin1(armor)}\n--------------xyz--\n`,
	);
}

const read = (m: Bytes) => alice.service.read({ message: m, received: NOW, authentic: true });

test("an encrypted and signed message in Thunderbird's form is read", async () => {
	const args = ["--armor", "--encrypt", "--sign", "-r", alice.address, "-u", greta];
	const got = await read(thunderbirdEncrypted(gpg([...noPassphrase, ...args], payload).out));
	assert.deepEqual([got.form, got.encrypted, got.failure], ["mime", true, "none"]);
	assert.equal(got.signature.fingerprint, gretaPrint);
	// Encrypting to the key has pinned it.
	assert.equal(got.signature.verdict, "verified");
	assert.equal(got.headers?.subject, "Geheime Grüße");
	assert.deepEqual(got.headers?.hidden, ["Subject"]);
	assert.equal(got.content?.text?.trim(), "Hallo Alice");
});

test("encrypted without a signature, and a signature inside the encryption", async () => {
	const plain = await read(thunderbirdEncrypted(gpg(["--armor", "--encrypt", "-r", alice.address], payload).out));
	assert.deepEqual([plain.encrypted, plain.signature.verdict], [true, "none"]);
	const sig = gpg([...noPassphrase, "--armor", "--detach-sign", "-u", greta], payload).out;
	const inner = concat(
		message(`Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary="s"\n\n--s\n`),
		payload,
		message(`\n--s\nContent-Type: application/pgp-signature; name="signature.asc"\n\n${latin1(sig)}\n--s--\n`),
	);
	const got = await read(thunderbirdEncrypted(gpg(["--armor", "--encrypt", "-r", alice.address], inner).out));
	assert.deepEqual([got.encrypted, got.signature.verdict, got.headers?.subject], [true, "verified", "Geheime Grüße"]);
	const bad = copy(inner);
	bad[bad.indexOf(72, 200)] = 73;
	const altered = await read(thunderbirdEncrypted(gpg(["--armor", "--encrypt", "-r", alice.address], bad).out));
	assert.equal(altered.signature.verdict, "invalid");
});

test("a message that GnuPG has signed, in binary and in text form", async () => {
	for (const form of [[], ["--textmode"]]) {
		const sig = latin1(gpg([...noPassphrase, ...form, "--armor", "--detach-sign", "-u", greta], payload).out);
		const type = `multipart/signed; micalg=pgp-sha256;\n protocol="application/pgp-signature";\n boundary="------------xyz"`;
		const m = outer(
			type,
			`This is an OpenPGP/MIME signed message (RFC 4880 and 3156)\n--------------xyz\n${latin1(payload)}\n--------------xyz\n` +
				`Content-Type: application/pgp-signature; name="OpenPGP_signature.asc"\nContent-Disposition: attachment; filename="OpenPGP_signature.asc"\n\n${sig}\n--------------xyz--\n`,
		);
		const got = await read(m);
		assert.deepEqual([got.form, got.encrypted, got.signature.verdict], ["mime", false, "verified"]);
		assert.equal(got.content?.text?.trim(), "Hallo Alice");
	}
});

test("inline messages of GnuPG", async () => {
	const text = utf8("Grüße\n- dash\n");
	const head = `From: ${greta}\nContent-Type: text/plain; charset=utf-8\n\n`;
	const encrypted = gpg([...noPassphrase, "-a", "-e", "-s", "-r", alice.address, "-u", greta], text).out;
	const got = await read(message(head + latin1(encrypted)));
	assert.deepEqual([got.form, got.encrypted, got.signature.verdict], ["inline", true, "verified"]);
	assert.equal(got.content?.text, "Grüße\n- dash\n");
	const signed = new TextDecoder().decode(gpg([...noPassphrase, "--clearsign", "-u", greta], text).out);
	const clear = await read(message(head + signed));
	assert.deepEqual([clear.form, clear.signature.verdict], ["inline", "verified"]);
	assert.equal(clear.content?.text?.trimEnd(), "Grüße\n- dash");
	const around = await read(message(`${head}Not signed!\n${signed}`));
	assert.deepEqual([around.form, around.signature.verdict, around.content], ["partial", "none", undefined]);
});

test("a key of GnuPG under a passphrase is imported, one of ours is exported", async () => {
	const otto = emptyPerson("otto@example.net");
	const pass = ["--passphrase", "Straße 1", "--pinentry-mode", "loopback"];
	gpg([...pass, "--quick-gen-key", `Otto <${otto.address}>`, "rsa3072", "default", "2y"]);
	gpg([...pass, "--quick-add-key", fingerprintOf(otto.address), "rsa3072", "encr", "2y"]);
	const secret = gpg([...pass, "--armor", "--export-secret-keys", otto.address]).out;
	await assert.rejects(otto.service.importKey({ data: secret, passphrase: "wrong" }), { code: "passphrase" });
	const info = await otto.service.importKey({ data: secret, passphrase: "Straße 1" });
	assert.ok(info.canEncrypt && info.expires > NOW);
	assert.deepEqual(info.addresses, [otto.address]);
	const encrypted = gpg([...noPassphrase, "-a", "-e", "-r", otto.address], utf8("for Otto")).out;
	const got = await otto.service.read({
		message: message(`From: x@y.example\nContent-Type: text/plain\n\n${latin1(encrypted)}`),
		received: NOW,
		authentic: true,
	});
	assert.equal(got.content?.text, "for Otto");
	// Expiry, another address, revocation: GnuPG sees each.
	await otto.service.setExpiry({ fingerprint: info.fingerprint, expires: 0 });
	const more = await otto.service.addAddress({ fingerprint: info.fingerprint, owner: { name: "", address: "oo@example.net" } });
	assert.deepEqual([more.expires, more.addresses.length], [0, 2]);
	const certificate = await otto.service.revocationCertificate({ fingerprint: info.fingerprint });
	gpg(["--import"], utf8((await otto.service.exportPublic({ fingerprint: info.fingerprint })).armored));
	assert.match(latin1(gpg(["--with-colons", "--list-keys", "oo@example.net"]).out), /^pub:[^r]:/m);
	gpg(["--import"], utf8(certificate));
	assert.match(latin1(gpg(["--with-colons", "--list-keys", "oo@example.net"]).out), /^pub:r:/m);

	const exported = await alice.service.exportSecret({ fingerprint: alice.fingerprint, passphrase: "Käse" });
	gpg(["--passphrase", "Käse", "--pinentry-mode", "loopback", "--import"], utf8(exported));
	const signed = gpg(["--passphrase", "Käse", "--pinentry-mode", "loopback", "--clearsign", "-u", alice.address], utf8("x"));
	assert.match(latin1(signed.out), /BEGIN PGP SIGNATURE/);
});

function fingerprintOf(address: string): string {
	return /fpr:+([0-9A-F]{40}):/.exec(latin1(gpg(["--with-colons", "--list-keys", address]).out))?.[1] ?? "";
}

test("signatures of a key that was revoked", async () => {
	const ida = "ida@example.net";
	gpg([...noPassphrase, "--quick-gen-key", `Ida <${ida}>`, "ed25519", "sign", "0"]);
	const sig = latin1(gpg([...noPassphrase, "-u", ida, "--clearsign"], utf8("signed")).out);
	const m = message(`From: ${ida}\nContent-Type: text/plain\n\n${sig}`);
	assert.equal((await read(m)).signature.verdict, "unknownKey");
	await alice.service.learn({ address: ida, key: gpg(["--export", ida]).out, source: "wkd", at: NOW });
	assert.equal((await read(m)).signature.verdict, "unverified");
	const before = gpg(["--export", ida]).out;
	const file = join(home, "openpgp-revocs.d", `${fingerprintOf(ida)}.rev`);
	gpg(["--import"], utf8(readFileSync(file, "utf8").replace(/^:(-----BEGIN)/m, "$1")));
	await alice.service.learn({ address: ida, key: gpg(["--export", ida]).out, source: "wkd", at: NOW + 1 });
	assert.equal((await read(m)).signature.verdict, "revoked");
	// The key without its revocation, seen again later, does not undo it.
	await alice.service.learn({ address: ida, key: before, source: "directory", at: NOW + 2 });
	assert.equal((await read(m)).signature.verdict, "revoked");
});
