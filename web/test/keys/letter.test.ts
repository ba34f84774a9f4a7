// Letters behind a link and a password.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base64url, equal, random, unbase64url, utf8 } from "../../src/keys/bytes";
import { letterId, letterKeys, letterMake, letterOpen, letterPart } from "../../src/keys/letter";
import { header, parseHeader, symSeal } from "../../src/keys/record";
import { authHash } from "../../src/keys/unlock";

const input = {
	from: "alice@example.org",
	name: "Alice",
	subject: "Für dich",
	date: 1800000000,
	replyKey: new Uint8Array(300).fill(9),
	parts: [
		{ name: "", type: "text/plain", cid: "", content: utf8("Hello") },
		{ name: "a.bin", type: "application/octet-stream", cid: "x@y", content: new Uint8Array(100000).fill(7) },
	],
};

const made = await letterMake(input, "pass word");
const link = made.records[0] ?? random(0);

test("link and password open it; the record and the server's hash say nothing", async () => {
	assert.equal(parseHeader(link).kind, "link");
	assert.equal(made.records.length, 3);
	assert.equal(unbase64url(made.fragment).length, 49);
	assert.deepEqual(letterId(`#${made.fragment}`), made.id);
	const keys = await letterKeys(made.fragment, "pass\u00a0word");
	assert.ok(equal(authHash(keys.access), made.accessHash));
	const letter = await letterOpen(keys, link);
	assert.deepEqual([letter.from, letter.name, letter.subject, letter.date], [input.from, input.name, input.subject, input.date]);
	assert.deepEqual(letter.parts.map(({ name, type, cid }) => [name, type, cid]), [["", "text/plain", ""], ["a.bin", "application/octet-stream", "x@y"]]);
	assert.deepEqual(letter.replyKey, input.replyKey);
	for (const [i, p] of input.parts.entries())
		assert.deepEqual(await letterPart(letter, i, made.records[i + 1] ?? random(0)), p.content);
	await assert.rejects(letterPart(letter, 0, made.records[2] ?? random(0)), { code: "auth" });
	const text = Buffer.concat(made.records).toString("latin1");
	for (const word of ["Hello", "alice", "Alice", "a.bin"])
		assert.ok(!text.includes(word), word);
});

test("nothing else opens it", async () => {
	const wrong = await letterKeys(made.fragment, "password");
	assert.ok(!equal(authHash(wrong.access), made.accessHash));
	await assert.rejects(letterOpen(wrong, link), { code: "auth" });
	const bytes = unbase64url(made.fragment);
	bytes[48] = (bytes[48] as number) ^ 1;
	const other = await letterKeys(base64url(bytes), "pass word");
	await assert.rejects(letterOpen(other, link), { code: "auth" });
	await assert.rejects(letterKeys("AAAA", "x"), { code: "syntax" });
	await assert.rejects(letterKeys(made.fragment, ""), { code: "syntax" });
	const second = await letterMake(input, "pass word");
	await assert.rejects(letterOpen(await letterKeys(made.fragment, "pass word"), second.records[0] ?? random(0)), { code: "auth" });
});

test("what is sealed as a letter and is none is refused", async () => {
	const keys = await letterKeys(made.fragment, "pass word");
	const good = { from: "a", name: "", subject: "", date: 1, parts: [{ name: "", type: "", size: 0, cid: "" }], dataKey: Buffer.alloc(32).toString("base64"), replyKey: "" };
	const open = async (body: string) => letterOpen(keys, await symSeal(keys.key, header("link", { object: keys.id }), utf8(body)));
	assert.equal((await open(JSON.stringify(good))).replyKey.length, 0);
	const cases: [string, unknown][] = [
		["from", 1], ["from", "x".repeat(1001)], ["date", -1], ["date", "1"], ["parts", []], ["parts", {}], ["parts", new Array(101).fill(good.parts[0])],
		["parts", [{ ...good.parts[0], size: 1.5 }]], ["dataKey", Buffer.alloc(31).toString("base64")], ["dataKey", 5], ["replyKey", null], ["parts", [null]],
	];
	for (const [name, value] of cases)
		await assert.rejects(open(JSON.stringify({ ...good, [name]: value })), Error, `${name} ${JSON.stringify(value).slice(0, 40)}`);
	for (const body of ["", "null", "3", "{", "[]"])
		await assert.rejects(open(body), Error, body);
});
