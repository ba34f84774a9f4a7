// Ciphers and keys of the past, by gpg: what can be read is read, what cannot is called by its name, and nothing without
// protection against alteration is shown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/keys/bytes";
import { bytesOf, openpgp } from "../../src/pgp/openpgp";
import { read } from "../../src/pgp/read";
import { entity, messages, secretKey, signers } from "./gpg_methods";
import { emptyPerson, NOW } from "./people";

const bytes = (base64: string) => bytesOf(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
const own = [await openpgp.readPrivateKey({ binaryKey: bytes(secretKey) })];
const keys = { own, of: async () => [] };

function mail(base64: string) {
	const lines = ["From: bob@example.org", 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="o"', "", "--o",
		"Content-Type: application/pgp-encrypted", "", "Version: 1", "--o", "Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64", "",
		...(base64.match(/.{1,76}/g) ?? []), "--o--", ""];
	return utf8(lines.join("\r\n"));
}

const unprotected = "AES256 without MDC";
const old = new Set(["IDEA", "CAMELLIA128", "CAMELLIA192", "CAMELLIA256"]);

for (const [name, message] of Object.entries(messages))
	test(`a message by ${name}`, async () => {
		const got = await read(mail(message), keys);
		const failure = old.has(name) ? "method" : name === unprotected ? "unprotected" : "none";
		assert.deepEqual([got.form, got.encrypted, got.failure], ["mime", true, failure]);
		assert.equal(got.entity && new TextDecoder().decode(got.entity), failure === "none" ? entity : undefined);
	});

test("what is only altered is damaged, whatever its cipher", async () => {
	for (const name of ["AES192", "TWOFISH", "AES256"] as const) {
		const altered = bytes(messages[name]);
		const at = altered.length - 30;
		altered[at] = (altered[at] ?? 0) ^ 1;
		const got = await read(mail(btoa(String.fromCharCode(...altered))), keys);
		assert.deepEqual([got.failure, got.entity], ["damaged", undefined]);
	}
	assert.equal((await read(mail("AAAA"), keys)).failure, "damaged");
});

test("reading changes nothing in the key", async () => {
	assert.deepEqual(bytesOf(own[0]?.write()), bytesOf((await openpgp.readPrivateKey({ binaryKey: bytes(secretKey) })).write()));
	const { privateKey } = await openpgp.generateKey({ type: "ecc", curve: "curve25519Legacy", userIDs: [{ email: "a@example.org" }], format: "object" });
	const sent = await openpgp.encrypt({ message: await openpgp.createMessage({ text: "x" }), encryptionKeys: [...own, privateKey], format: "object" });
	const [session] = await openpgp.decryptSessionKeys({ message: sent, decryptionKeys: own });
	assert.equal(session?.algorithm, "aes256", "and it is written to as before");
});

test("a signature by a DSA key is weak, though it fits", async () => {
	const { address, key, signature } = signers.dsa;
	const bob = emptyPerson("bob@example.org");
	const raw = [`From: ${address}`, 'Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary="o"', "", `--o\r\n${entity}`,
		"--o", "Content-Type: application/pgp-signature", "", signature.replace(/\r?\n/g, "\r\n"), "--o--", ""].join("\r\n");
	const dora = await openpgp.readKey({ binaryKey: bytes(key) });
	const got = await read(utf8(raw), { own: [], of: async () => [{ key: dora, trusted: true }] });
	assert.deepEqual([got.form, got.signature.verdict], ["mime", "weak"]);
	await bob.service.learn({ address, key: bytes(key), source: "wkd", at: NOW }).catch(() => undefined);
	const seen = await bob.service.read({ message: utf8(raw), received: NOW, authentic: true });
	assert.equal(seen.signature.verdict, "weak");
});
