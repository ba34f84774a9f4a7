// Letters: who gets an answer, what is quoted, what the server is given.
import { test } from "node:test";
import assert from "node:assert/strict";
import { parseAddresses, promisesAttachment, replyRecipients, replySubject, startLetter, textToHtml, toEmail, validAddress, type Attached, type Letter } from "../../src/app/mail/composer/letter.ts";
import type { FullEmail, Identity } from "../../src/jmap/types.ts";

const a = (email: string, name: string | null = null) => ({ name, email });
const identity: Identity = { id: "i", name: "Alice", email: "alice@x.test", replyTo: null, bcc: null, textSignature: "Alice M.", htmlSignature: "", mayDelete: false };
const email = {
	id: "e1", subject: "Roof", from: [a("bob@y.test", "Bob")], to: [a("alice@x.test"), a("carol@z.test")], cc: [a("dan@z.test")], replyTo: null,
	messageId: ["m1@y"], references: ["m0@y"], inReplyTo: null, receivedAt: "2026-03-01T10:00:00Z", sentAt: null,
	textBody: [{ partId: "1" }], htmlBody: [{ partId: "1", type: "text/plain" }], bodyValues: { 1: { value: "one\n> two\n" } }, attachments: [],
} as unknown as FullEmail;
const own = ["alice@x.test"];

test("an answer goes to whoever wrote, or to where they asked", () => {
	assert.deepEqual(replyRecipients(email, own, false), { to: email.from, cc: [] });
	assert.deepEqual(replyRecipients({ ...email, replyTo: [a("list@y.test")] }, own, false).to, [a("list@y.test")]);
});

test("an answer to all leaves oneself out and names nobody twice", () => {
	const both = { ...email, cc: [a("dan@z.test"), a("BOB@y.test"), a("Alice@x.test")] };
	assert.deepEqual(replyRecipients(both, own, true), { to: [email.from?.[0], a("carol@z.test")], cc: [a("dan@z.test")] });
});

test("an answer to one's own letter goes to its recipients", () => {
	assert.deepEqual(replyRecipients({ ...email, from: [a("alice@x.test")], to: [a("bob@y.test")] }, own, false).to, [a("bob@y.test")]);
});

test("subjects have one prefix, whatever stood there", () => {
	for (const s of ["Roof", "Re: Roof", "AW: Re: Roof", "RE[2]: Roof", "Sv: Fwd: Roof"])
		assert.equal(replySubject(s, "Re"), "Re: Roof");
	assert.equal(replySubject("Regarding: x", "Re"), "Re: Regarding: x");
});

test("addresses in all their forms", () => {
	assert.deepEqual(parseAddresses("Bob <bob@y.test>, \"Last, First\" <lf@y.test>; carol@z.test\n"),
		[a("bob@y.test", "Bob"), a("lf@y.test", "Last, First"), a("carol@z.test")]);
	assert.deepEqual(parseAddresses("  "), []);
	assert.deepEqual(parseAddresses("a@x.test b@y.test"), [a("a@x.test"), a("b@y.test")], "with blanks between them");
	assert.deepEqual(parseAddresses("Anna from work, c@z.test"), [a("Anna from work"), a("c@z.test")], "what is no address is not lost");
	for (const [address, good] of [["a@b.c", true], ["a@b", false], ["a b@c.d", false], ["@b.c", false], ["üñ@bücher.example", true]] as const)
		assert.equal(validAddress(address), good, address);
});

test("an answer quotes, threads and marks", () => {
	const l = startLetter({ mode: "reply", email }, [identity], "<p>one</p>", false);
	assert.equal(l.from, "alice@x.test");
	assert.equal(l.subject, "Re: Roof");
	assert.deepEqual(l.references, ["m0@y", "m1@y"]);
	assert.deepEqual(l.inReplyTo, ["m1@y"]);
	assert.deepEqual(l.answers, { id: "e1", keyword: "$answered" });
	assert.match(l.text, /Bob wrote:\n> one\n>> two$/);
	assert.match(l.html, /<blockquote><p>one<\/p><\/blockquote>$/);
});

test("a forwarded letter starts a thread of its own", () => {
	const l = startLetter({ mode: "forward", email }, [identity], "<p>one</p>", false);
	assert.deepEqual([l.to, l.references, l.answers?.keyword], [[], [], "$forwarded"]);
	assert.equal(l.subject, "Fwd: Roof");
});

test("mailto links fill the letter in and nothing else", () => {
	const l = startLetter({ mode: "mailto", href: "mailto:bob%40y.test?subject=Hi%20there&body=a%3Cb%3E&attach=/etc/passwd" }, [identity], "", false);
	assert.deepEqual([l.to, l.subject, l.html], [[a("bob@y.test")], "Hi there", "<div>a&lt;b&gt;</div>"]);
});

const letter: Letter = {
	from: "alice@x.test", to: [a("bob@y.test")], cc: [], bcc: [], subject: "S", html: "<p><img src=\"cid:c1\"></p>", text: "t", plain: false, inReplyTo: [], references: [], answers: null,
};
const file = (key: string, cid: string | null): Attached => ({ key, name: `${key}.png`, type: "image/png", size: 1, blobId: `b-${key}`, cid, progress: 1 });

test("the structure is what each part needs and no more", () => {
	const types = (l: Letter, files: Attached[]) => JSON.stringify(toEmail(l, files, identity, "d").bodyStructure, ["type", "subParts", "blobId", "disposition", "cid"]);
	assert.equal(types({ ...letter, plain: true }, []), "{\"type\":\"text/plain\"}");
	assert.equal(types(letter, []), "{\"type\":\"multipart/alternative\",\"subParts\":[{\"type\":\"text/plain\"},{\"type\":\"text/html\"}]}");
	const both = types(letter, [file("in", "c1"), file("out", null)]);
	assert.match(both, /^\{"type":"multipart\/mixed"/);
	assert.match(both, /"type":"multipart\/related","subParts":\[\{"type":"text\/html"\},\{"type":"image\/png","blobId":"b-in","disposition":"inline","cid":"c1"\}/);
	assert.match(both, /"blobId":"b-out","disposition":"attachment"/);
});

test("an inline image that was taken out of the text is not sent inline", () => {
	assert.doesNotMatch(JSON.stringify(toEmail({ ...letter, html: "<p></p>" }, [file("in", "c1")], identity, "d").bodyStructure), /related/);
});

test("forgotten attachments are noticed in three languages, not in quotations or signatures", () => {
	const says = (text: string) => promisesAttachment({ subject: "", text });
	for (const text of ["I have attached the plan", "Anbei der Plan", "Vous trouverez ci-joint le plan"])
		assert.ok(says(text), text);
	for (const text of ["> I attached it", "Thanks\n-- \nattached to nothing", "no such thing"])
		assert.ok(!says(text), text);
});

test("text becomes harmless HTML", () => assert.equal(textToHtml("a <b>\nc\n\nd & \"e\""), "<div>a &lt;b&gt;</div><div>c</div><div><br></div><div>d &amp; &quot;e&quot;</div>"));
