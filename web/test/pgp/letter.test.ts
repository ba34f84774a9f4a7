// Letters under a password, with the worker's keys: answers, and what the author keeps of a letter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base64, random, utf8 } from "../../src/keys/bytes";
import { letterKeys, letterOpen } from "../../src/keys/letter";
import { Area } from "../../src/keys/record";
import { sealReply } from "../../src/letter/seal_reply";
import { languageOf } from "../../src/letter/texts";
import { noteOpen, noteSeal } from "../../src/pgp/letter_note";
import { NOW, person } from "./people";

const [alice, eve] = await Promise.all([person("alice@example.org", "Alice Ä."), person("eve@example.org")]);
const parts = [{ name: "", type: "text/plain", cid: "", content: utf8("Hello") }];
const made = await alice.service.letterMake({ letter: { from: alice.address, name: "", subject: "S", date: 1, parts }, password: "pass word" });
const letter = await letterOpen(await letterKeys(made.fragment, "pass word"), made.records[0] ?? random(0));

/** As the server wraps an answer (src/roles/letter_reply.c). */
function delivered(message: Uint8Array): Uint8Array<ArrayBuffer> {
	const armor = base64(message).replace(/.{64}(?=.)/g, "$&\r\n");
	return utf8([
		'From: "anna (protected letter)" <postmaster@mail.example.org>', "To: alice@example.org", "Subject: [...]", "X-Letterlock-Letter: reply", "MIME-Version: 1.0",
		'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";', ' boundary="letter-reply"', "",
		"--letter-reply", "Content-Type: application/pgp-encrypted", "", "Version: 1", "",
		"--letter-reply", 'Content-Type: application/octet-stream; name="encrypted.asc"', "", "-----BEGIN PGP MESSAGE-----", "", armor,
		"-----END PGP MESSAGE-----", "", "--letter-reply--", "",
	].join("\r\n"));
}

test("an answer is read like any encrypted mail, by nobody else, and proves nobody", async () => {
	const content = random(3000);
	const sealed = await sealReply(letter.replyKey, { subject: "Re: Grüße", text: "Merci €\n", attachments: [{ name: "ä.bin", type: "application/x-test", content }] });
	assert.ok((sealed[0] ?? 0) & 0x80 && !Buffer.from(sealed).includes("Merci"));
	const got = await alice.service.read({ message: delivered(sealed), received: NOW, authentic: true });
	assert.deepEqual([got.form, got.encrypted, got.failure, got.signature.verdict, got.fromDiffers], ["mime", true, "none", "none", false]);
	assert.deepEqual([got.headers?.subject, got.sender], ["Re: Grüße", "postmaster@mail.example.org"]);
	assert.equal(got.content?.text?.trim(), "Merci €");
	assert.deepEqual(got.content?.attachments.map((a) => [a.name, Buffer.compare(a.content, content)]), [["ä.bin", 0]]);
	assert.equal((await eve.service.read({ message: delivered(sealed), received: NOW, authentic: true })).failure, "noKey");
});

test("a letter under another of one's addresses has the key all the same", async () => {
	const other = await alice.service.letterMake({ letter: { from: "alias@example.org", name: "", subject: "", date: 1, parts }, password: "x y z" });
	const opened = await letterOpen(await letterKeys(other.fragment, "x y z"), other.records[0] ?? random(0));
	assert.ok(opened.replyKey.length > 100);
});

test("what the author keeps opens with any version of the author's key, in its own place", async () => {
	const account = random(16);
	const [old, fresh] = [1, 2].map((version) => ({ account, area: Area.archive, version, key: random(32) }));
	assert.ok(old && fresh);
	const note = { subject: "Für dich", to: "anna@example.net", link: "https://mail.example.org/letter#x" };
	const record = await noteSeal(made.id, note, [old]);
	assert.ok(!Buffer.from(record).includes("anna"));
	assert.deepEqual(await noteOpen(made.id, record, [old, fresh]), note);
	assert.equal((await noteSeal(made.id, { ...note, subject: "X" }, [old])).length, record.length, "its length says nothing");
	await assert.rejects(noteOpen(random(16), record, [old]), { code: "auth" });
	await assert.rejects(noteOpen(made.id, record, [fresh]), { code: "notfound" });
	await assert.rejects(noteOpen(made.id, record, [{ ...old, area: Area.contacts }]), { code: "notfound" });
	await assert.rejects(noteOpen(made.id, record, [{ ...old, key: random(32) }]), { code: "auth" });
	await assert.rejects(noteSeal(made.id, note, []), { code: "state" });
});

test("the page speaks the reader's language, else English", () => {
	assert.equal(languageOf(["pt-BR", "fr-CA", "de"]), "fr");
	assert.equal(languageOf(["DE-at"]), "de");
	assert.equal(languageOf(["ja"]), "en");
	assert.equal(languageOf([]), "en");
});
