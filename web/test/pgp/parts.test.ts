// The small parts: names, header fields, entities, the key store and what it decides.
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, utf8 } from "../../src/keys/bytes";
import { quotedPrintable } from "../../src/pgp/build";
import { daneName } from "../../src/pgp/dane";
import { decodedText, parseContentType, parseEntity, parts, toCrlf } from "../../src/pgp/entity";
import { decodeText, encodeMailbox, encodeText, foldField, singleAddress } from "../../src/pgp/header";
import { plan, type Recipient } from "../../src/pgp/policy";
import { type Kept, storeOpen, storeSeal } from "../../src/pgp/sealed";
import { KeyStore, type Source } from "../../src/pgp/store";
import { wkdName, zbase32 } from "../../src/pgp/wkd";
import { latin1, message } from "./people";

test("WKD and DANE names are those of their documents", () => {
	const joe = wkdName("Joe.Doe@Example.ORG");
	assert.equal(joe.hash, "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
	assert.equal(joe.direct, "https://example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe");
	assert.match(joe.advanced, /^https:\/\/openpgpkey\.example\.org\/\.well-known\/openpgpkey\/example\.org\/hu\//);
	assert.equal(zbase32(Uint8Array.of(0xf0, 0xbf, 0xc7)), "6n9hq");
	assert.equal(
		daneName("hugh@example.com"),
		"c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._openpgpkey.example.com.",
	);
});

test("header text goes out and comes back", () => {
	for (const text of ["plain", "Grüße", "=?x?=", "日本語".repeat(20), "🙂 and a\r\nBcc: x@y", ""]) {
		const field = foldField("Subject", encodeText(text));
		assert.match(field, /^Subject:[\x20-\x7e]*(\r\n [\x20-\x7e]+)*\r\n$/);
		assert.ok(field.split("\r\n").every((l) => l.length <= 78));
		const value = field.slice(8).replace(/\r\n(?= )/g, "").trim();
		assert.equal(decodeText(value), text.replace(/[\r\n]+/g, " "));
	}
	assert.equal(encodeMailbox({ name: 'Say "hi", you', address: "a@b.example" }), '"Say \\"hi\\", you" <a@b.example>');
	assert.throws(() => encodeMailbox({ name: "", address: "a@b>, <c@d" }));
	assert.throws(() => encodeMailbox({ name: "", address: "a@b.example\r\nBcc: c@d" }));
});

test("the one address in From, or none", () => {
	const cases: [string, string | undefined][] = [
		["Alice@Example.org", "alice@example.org"],
		['"Bob <bob@x.example>" <eve@y.example>', "eve@y.example"],
		["a@b.example, c@d.example", undefined],
		["<a@b.example> <c@d.example>", undefined],
		["Alice (not <x@y.example>) <a@b.example>", "a@b.example"],
		["", undefined],
	];
	for (const [value, want] of cases) assert.equal(singleAddress(value), want, value);
});

test("quoted-printable keeps what relays change", () => {
	const text = "From me\n. dot\ntrailing \n=\nlong ".concat("ä".repeat(60), "\tend\t");
	const encoded = quotedPrintable(text);
	assert.ok(encoded.split("\r\n").every((l) => l.length <= 76 && !/[ \t]$/.test(l) && !/^(From |\.)/.test(l)));
	const e = parseEntity(utf8(`Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${encoded}`));
	assert.equal(decodedText(e), text.replace(/\n/g, "\r\n"));
});

test("parts of a multipart are cut at its lines and nowhere else", () => {
	const text = 'Content-Type: multipart/x; boundary="b"\n\npre\n--b\n\none\n--bc\nstill\n--b \n\ntwo\n\n--b--\npost';
	const found = parts(parseEntity(message(text)));
	assert.deepEqual(found?.parts.map((p) => latin1(p)), ["\r\none\r\n--bc\r\nstill", "\r\ntwo\r\n"]);
	assert.equal(found?.closed, true);
	assert.equal(parts(parseEntity(message(text.replace("--b--", "--b")))) ?.closed, false);
	assert.equal(parts(parseEntity(message("Content-Type: multipart/x\n\n--\n"))), undefined);
	assert.deepEqual([...parseContentType('a/B; x="1\\"2"; X=3;y=z').params], [["x", '1"2'], ["y", "z"]]);
	assert.equal(latin1(toCrlf(utf8("a\nb\r\nc\r"))), "a\r\nb\r\nc\r");
});

const candidate = (fingerprint: string, source: Source, mutual = false) => ({ fingerprint, key: random(8), source, mutual });

test("the key store: order of sources, pins that stay, no flooding", () => {
	const s = new KeyStore();
	s.seen("A@x", candidate("k1", "autocrypt"), 100);
	s.seen("a@X", candidate("k2", "wkd"), 50);
	s.seen("a@x", candidate("k3", "keyserver"), 200);
	const order = () => s.ordered("a@x").map((c) => c.fingerprint);
	assert.deepEqual(order(), ["k2", "k1", "k3"]);
	assert.ok(s.pin("a@x", "k3", true, 300));
	assert.deepEqual(order(), ["k3", "k2", "k1"]);
	assert.equal(s.pin("a@x", "k2", false, 400), false);
	assert.equal(s.pin("a@x", "unknown", true, 400), false);
	assert.ok(s.pin("a@x", "k3", false, 400));
	assert.equal(s.contact("a@x").pin?.verified, true);
	s.seen("a@x", candidate("k1", "wkd", true), 90);
	assert.deepEqual(s.contact("a@x").candidates.find((c) => c.fingerprint === "k1")?.mutual, false, "older than what is known");
	for (let i = 0; i < 30; i++) s.seen("a@x", candidate(`f${i}`, "autocrypt"), 1000 + i);
	assert.equal(s.contact("a@x").candidates.length, 10);
	assert.equal(order()[0], "k3");
	s.forget("a@x", "k3");
	assert.equal(s.contact("a@x").pin, undefined);
});

test("the key store at rest opens with its keys, and no older one does", async () => {
	const account = random(16);
	const keys = [1, 2].map((version) => ({ account, area: 5, version, key: random(32) }));
	const kept: Kept = { device: "d", seen: { rev: 3, clocks: { d: 1 } }, items: [["pin/a@x", { clock: 1, device: "d", value: { fingerprint: "k1" } }]] };
	const first = await storeSeal(kept, keys.slice(0, 1), 7n);
	assert.deepEqual(await storeOpen(first, keys, 3n), { kept, rev: 7n });
	await assert.rejects(storeOpen(first, keys, 8n), { code: "auth" });
	await assert.rejects(storeOpen(first, keys.slice(1), 0n), { code: "notfound" });
	await assert.rejects(storeOpen(await storeSeal(kept, keys, 9n), [{ account: random(16), area: 5, version: 2, key: random(32) }], 0n), { code: "auth" });
});

const none: Recipient = {
	address: "a@x",
	source: undefined,
	pinned: false,
	verified: false,
	mutual: false,
	changed: false,
	unusable: false,
};
const withKey = { ...none, source: "wkd" as const };
const seen = { ...none, source: "autocrypt" as const };

test("what happens to a message: nothing is downgraded silently", () => {
	const cases: [Recipient[], "auto" | "encrypt" | "plain", boolean, boolean, string, boolean, string[]][] = [
		// recipients, wish, thread encrypted, confirmed; action, downgrade, reasons
		[[withKey], "auto", false, false, "encrypt", false, ["publishedKey"]],
		[[none], "auto", false, false, "plain", false, ["noKey"]],
		[[withKey, none], "auto", false, false, "plain", false, ["othersWithoutKey", "noKey"]],
		[[withKey, none], "auto", true, false, "ask", true, ["othersWithoutKey", "noKey"]],
		[[withKey, none], "auto", true, true, "plain", true, ["othersWithoutKey", "noKey"]],
		[[withKey, none], "encrypt", false, false, "ask", false, ["othersWithoutKey", "noKey"]],
		[[seen], "auto", false, false, "plain", false, ["seenKey"]],
		[[{ ...seen, mutual: true }], "auto", false, false, "encrypt", false, ["seenKey"]],
		[[seen], "auto", true, false, "encrypt", false, ["seenKey"]],
		[[seen], "encrypt", false, false, "encrypt", false, ["seenKey"]],
		[[{ ...withKey, changed: true }], "auto", false, false, "ask", false, ["changedKey"]],
		[[{ ...withKey, changed: true }], "encrypt", false, false, "ask", false, ["changedKey"]],
		[[{ ...none, unusable: true }], "auto", true, false, "ask", true, ["unusableKey"]],
		[[withKey], "plain", false, false, "plain", false, ["notWanted"]],
		[[withKey], "plain", true, false, "ask", true, ["notWanted"]],
		[[withKey], "plain", true, true, "plain", true, ["notWanted"]],
		[[{ ...withKey, pinned: true }, { ...withKey, pinned: true, verified: true }], "auto", false, false, "encrypt", false, ["pinnedKey", "verifiedKey"]],
		[[], "auto", false, false, "plain", false, []],
	];
	cases.forEach(([who, wish, thread, confirmed, action, downgrade, because], i) => {
		const p = plan(who, wish, thread, confirmed);
		assert.deepEqual([p.action, p.downgrade, p.recipients.map((r) => r.because)], [action, downgrade, because], `case ${i}`);
	});
});
