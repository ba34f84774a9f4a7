// What is taken for an OpenPGP key, and what is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { copy, random, utf8 } from "../../src/keys/bytes";
import { armorPublic, exportSecret, generate, importSecret, infoOf, publicFor, readPublic, readSecret } from "../../src/pgp/keys";
import { draft, NOW, person } from "./people";

const secret = await generate({ name: "Alice (work) <x>", address: "Alice@Example.org" });

test("a key of one's own: what it says, in all its forms", async () => {
	const info = await infoOf((await readSecret(secret)).toPublic());
	assert.deepEqual(info.addresses, ["alice@example.org"]);
	assert.deepEqual([info.expires, info.revoked, info.canEncrypt, info.fingerprint.length], [0, false, true, 40]);
	const binary = await publicFor(secret, "ALICE@example.org");
	assert.ok(binary.length < 600, "small enough for a header");
	assert.equal((await readPublic(binary)).length, 1);
	assert.equal((await readPublic(utf8(await armorPublic(binary)))).length, 1);
	await assert.rejects(publicFor(secret, "bob@example.org"), { code: "address" });
	const armored = await exportSecret(secret, "päss");
	assert.deepEqual(await importSecret(utf8(armored), "päss"), secret);
	await assert.rejects(importSecret(utf8(armored), "pass"), { code: "passphrase" });
});

test("no secret parts where public ones are expected, and the other way round", async () => {
	const [key] = await readPublic(secret);
	assert.equal(key?.isPrivate(), false);
	await assert.rejects(importSecret(await publicFor(secret), ""), { code: "notKey" });
	await assert.rejects(importSecret(random(200), ""), { code: "notKey" });
	await assert.rejects(importSecret(new Uint8Array(300 * 1024), ""), { code: "tooLarge" });
	assert.deepEqual(await readPublic(random(300)), []);
	await assert.rejects(generate({ name: "", address: "no address" }), { code: "address" });
});

test("a secret key that does not fit its public half is not taken", async () => {
	const { fingerprint } = await infoOf((await readSecret(secret)).toPublic());
	for (let at = 3; at < secret.length; at += 5) {
		const bad = copy(secret);
		bad[at] = (bad[at] as number) ^ 16;
		const taken = await importSecret(bad, "").catch(() => undefined);
		if (!taken) continue;
		// Only what is not covered by any signature may differ: the key itself is the same.
		const key = await readSecret(taken);
		assert.equal(key.getFingerprint(), fingerprint, `byte ${at}`);
		assert.deepEqual((await infoOf(key.toPublic())).addresses, ["alice@example.org"]);
	}
});

test("the key in use, older ones, and a removed one", async () => {
	const p = await person("carla@example.org");
	const first = p.fingerprint;
	const second = await p.service.generate({ name: "", address: p.address });
	assert.deepEqual((await p.service.ownKeys()).map((k) => k.fingerprint), [second.fingerprint, first]);
	assert.equal(p.kept.fingerprints.length, 2);
	await p.service.use({ fingerprint: first });
	const revoked = await p.service.revoke({ fingerprint: second.fingerprint, reason: "superseded" });
	assert.deepEqual([revoked.revoked, revoked.canEncrypt], [true, false]);
	// It still opens old messages, and may be published once more, as revoked.
	assert.deepEqual([p.kept.fingerprints.length, p.kept.keys.length], [2, 2]);
	const { binary } = await p.service.exportPublic({ fingerprint: second.fingerprint, address: p.address });
	assert.equal(await (await readPublic(binary))[0]?.isRevoked(), true);
	await p.service.use({ fingerprint: second.fingerprint });
	const about = { draft: draft(p.address, [p.address]), bcc: [], at: NOW };
	assert.equal((await p.service.write({ ...about, protection: "signed" })).length, 1, "with the older one");
	await p.service.remove({ fingerprint: second.fingerprint });
	assert.equal(p.kept.keys.length, 1);
	await p.service.revoke({ fingerprint: first, reason: "compromised" });
	await assert.rejects(p.service.write({ ...about, protection: "signed" }), { code: "notKey" });
	assert.equal((await p.service.write({ ...about, protection: "plain" })).length, 1);
	await assert.rejects(p.service.use({ fingerprint: second.fingerprint }), { code: "notKey" });
});
