// What is kept in the browser: it opens in its place and nowhere else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, utf8 } from "../../src/keys/bytes";
import { deviceKeys, deviceOpen, deviceSeal } from "../../src/keys/device_store";
import { Area } from "../../src/keys/record";

const account = random(16);
const secrets = [
	{ area: Area.mail, version: 1, key: random(32) },
	{ area: Area.contacts, version: 7, key: random(32) },
	{ area: Area.mail, version: 2, key: random(32) },
];

test("a record opens under its name, its account and its key only", async () => {
	const keys = deviceKeys(secrets);
	assert.deepEqual(keys.map((k) => k.version), [1, 2]);
	const record = await deviceSeal(account, keys, "mail/M1", utf8("a letter"));
	assert.equal(Buffer.from(await deviceOpen(account, keys, "mail/M1", record)).toString(), "a letter");
	await assert.rejects(deviceOpen(account, keys, "mail/M2", record), { name: "KeysError" });
	await assert.rejects(deviceOpen(random(16), keys, "mail/M1", record), { name: "KeysError" });
	await assert.rejects(deviceOpen(account, keys.slice(0, 1), "mail/M1", record), { code: "notfound" });
	const others = keys.map((k) => ({ ...k, key: random(32) }));
	await assert.rejects(deviceOpen(account, others, "mail/M1", record), { name: "KeysError" });
	for (let i = 0; i < record.length; i += 7) {
		const bent = record.slice();
		bent[i] = (bent[i] ?? 0) ^ 1;
		await assert.rejects(deviceOpen(account, keys, "mail/M1", bent), { name: "KeysError" }, `byte ${i}`);
	}
});

test("the text is not in the record, and the same text twice is not the same record", async () => {
	const keys = deviceKeys(secrets);
	const body = utf8("a text that can be found again");
	const [one, two] = [await deviceSeal(account, keys, "x", body), await deviceSeal(account, keys, "x", body)];
	assert.equal(Buffer.from(one).includes(Buffer.from(body)), false);
	assert.notDeepEqual(one, two);
});

test("without a key of the mail area nothing is sealed", () => {
	assert.throws(() => deviceSeal(account, deviceKeys([]), "x", utf8("y")), { code: "state" });
});
