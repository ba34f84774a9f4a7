// The proof of work for open registration.
import assert from "node:assert/strict";
import { test } from "node:test";
import { argon2id } from "hash-wasm";
import { concat, random } from "../../src/keys/bytes";
import { sha256 } from "../../src/keys/kdf";
import { proofOfWork } from "../../src/keys/signup";

test("the nonce gives as many zero bits as asked for", async () => {
	const challenge = random(33);
	const nonce = await proofOfWork({ challenge, bits: 6, memory: 64, passes: 1 });
	assert.equal(nonce.length, 8);
	const salt = sha256(challenge).slice(0, 16);
	const cost = { iterations: 1, parallelism: 1, memorySize: 64, hashLength: 32 };
	const hash = await argon2id({ password: concat(challenge, nonce), salt, ...cost, outputType: "binary" });
	assert.ok((hash[0] as number) < 4);
	await assert.rejects(proofOfWork({ challenge, bits: 60, memory: 64, passes: 1 }), { code: "limit" });
	await assert.rejects(proofOfWork({ challenge, bits: 1, memory: 1 << 24, passes: 1 }), { code: "limit" });
});
