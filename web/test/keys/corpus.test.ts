// The corpus that the C code and this client share: tests/corpus/keys. Every record opens, and none
// with a header byte changed, nor when the changed header is what was asked for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Bytes, hex, unhex } from "../../src/keys/bytes";
import { type OpenRequest, unlockAreas } from "../../src/keys/open";
import { HDR_LEN, type Header, kemOpen, parseHeader, sigOpen, symOpen } from "../../src/keys/record";
import { KeyRecords } from "../../src/keys/records";
import { unlockType } from "../../src/keys/scope";

interface Corpus {
	records: { kind: string; form: "sym" | "kem" | "sig"; secret: string; public: string; plain: string; record: string }[];
	account: {
		account: string;
		unlocker: string;
		type: number;
		secret: string;
		now: number;
		identity: string;
		seq: number;
		hash: string;
		records: { key: string; value: string }[];
		areas: { area: number; version: number; key: string }[];
	};
}

const openers = {
	sym: (r: Corpus["records"][0], want: Header, record: Bytes) => symOpen(unhex(r.secret), want, record),
	kem: (r: Corpus["records"][0], want: Header, record: Bytes) => kemOpen(unhex(r.secret), want, record),
	sig: async (r: Corpus["records"][0], want: Header, record: Bytes) => sigOpen(unhex(r.public), want, record),
};

function requestOf(a: Corpus["account"]): OpenRequest {
	const records = new KeyRecords();
	for (const r of a.records) records.put(unhex(r.key), unhex(r.value));
	const pin = { identity: unhex(a.identity), seq: BigInt(a.seq), hash: unhex(a.hash) };
	const [account, unlocker, secret] = [unhex(a.account), unhex(a.unlocker), unhex(a.secret)];
	return { account, unlocker, type: unlockType(a.type), secret, records, pins: [pin], now: a.now };
}

for (const name of ["c", "typescript"]) {
	const file = join(TEST_ROOT, "../../tests/corpus/keys", `${name}.json`);
	const corpus = JSON.parse(readFileSync(file, "utf8")) as Corpus;
	for (const r of corpus.records)
		test(`corpus ${name}: ${r.kind}`, async () => {
			const record = unhex(r.record);
			const want = parseHeader(record);
			assert.equal(want.kind, r.kind);
			assert.equal(hex((await openers[r.form](r, want, record)).body), r.plain);
			for (let at = 0; at < HDR_LEN; at++) {
				const bad = record.slice();
				bad[at] = (bad[at] as number) ^ 1;
				await assert.rejects(openers[r.form](r, want, bad), `byte ${at}`);
				await assert.rejects(async () => openers[r.form](r, parseHeader(bad), bad), `byte ${at}, asked for`);
			}
		});
	test(`corpus ${name}: the account`, async () => {
		const { secrets } = await unlockAreas(requestOf(corpus.account));
		assert.deepEqual(secrets.map((s) => ({ ...s, key: hex(s.key) })), corpus.account.areas);
	});
}
