// Letters behind a link and a password.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base64url, equal, random, unbase64url, utf8 } from "../../src/keys/bytes";
import { letterId, letterKeys, letterMake, letterOpen, letterPart, replyOpen, replySeal } from "../../src/keys/letter";
import { parseHeader } from "../../src/keys/record";
import { authHash } from "../../src/keys/unlock";

const NOW = 1800000000;
const input = {
	from: "alice@example.org",
	subject: "Für dich",
	expires: NOW + 100,
	parts: [
		{ name: "", type: "text/plain", content: utf8("Hello") },
		{ name: "a.bin", type: "application/octet-stream", content: new Uint8Array(100000).fill(7) },
	],
};

const made = await letterMake(input, "pass word");

test("link and password open it; the record and the server's hash say nothing", async () => {
	assert.equal(parseHeader(made.link).kind, "link");
	assert.equal(unbase64url(made.fragment).length, 49);
	assert.deepEqual(letterId(`#${made.fragment}`), made.id);
	const keys = await letterKeys(made.fragment, "pass\u00a0word");
	assert.ok(equal(authHash(keys.access), made.accessHash));
	const letter = await letterOpen(keys, made.link, NOW);
	assert.deepEqual([letter.from, letter.subject, letter.parts.length], [input.from, input.subject, 2]);
	for (const [i, p] of input.parts.entries())
		assert.deepEqual(await letterPart(letter, i, made.parts[i] ?? random(0)), p.content);
	await assert.rejects(letterPart(letter, 0, made.parts[1] ?? random(0)), { code: "auth" });
	await assert.rejects(letterOpen(keys, made.link, input.expires), { code: "denied" });
});

test("nothing else opens it", async () => {
	const wrong = await letterKeys(made.fragment, "password");
	assert.ok(!equal(authHash(wrong.access), made.accessHash));
	await assert.rejects(letterOpen(wrong, made.link, NOW), { code: "auth" });
	const bytes = unbase64url(made.fragment);
	bytes[48] = (bytes[48] as number) ^ 1;
	const other = await letterKeys(base64url(bytes), "pass word");
	await assert.rejects(letterOpen(other, made.link, NOW), { code: "auth" });
	await assert.rejects(letterKeys("AAAA", "x"), { code: "syntax" });
	await assert.rejects(letterKeys(made.fragment, ""), { code: "syntax" });
	const second = await letterMake(input, "pass word");
	await assert.rejects(letterOpen(await letterKeys(made.fragment, "pass word"), second.link, NOW), { code: "auth" });
});

test("a reply opens with the sender's seed, at its own place", async () => {
	const letter = await letterOpen(await letterKeys(made.fragment, "pass word"), made.link, NOW);
	const reply = await replySeal(letter, 3, utf8("Thank you"));
	assert.deepEqual(await replyOpen(made.replySeed, made.id, 3, reply), utf8("Thank you"));
	await assert.rejects(replyOpen(made.replySeed, made.id, 4, reply), { code: "auth" });
	await assert.rejects(replyOpen(made.replySeed, random(16), 3, reply), { code: "auth" });
	await assert.rejects(replyOpen(random(32), made.id, 3, reply), { code: "auth" });
});
