// Zip and tar files, whole and hostile.
import { test } from "node:test";
import assert from "node:assert/strict";
import { deflateRawSync, gzipSync } from "node:zlib";
import { BadFile, bytesOf, concat, latin1 } from "../../src/app/transfer/bytes.ts";
import { crc32 } from "../../src/app/transfer/crc32.ts";
import { looksLikeTar, walkTar } from "../../src/app/transfer/tar.ts";
import { cleanName, inflated, readZip, streamOf, unpack, zipLimits } from "../../src/app/transfer/zip.ts";
import { collect, tar, useInflate, zip, type Made } from "./make.ts";

useInflate();
const bad = (code: string) => (e: unknown) => e instanceof BadFile && e.code === code;
const data = bytesOf("hello ".repeat(2000));
const all = async (blob: Blob) => Promise.all((await readZip(blob)).map(async (e) => [e.name, latin1(concat(await collect(unpack(blob, e))))] as const));
const read = async (files: readonly Made[]) => all(zip(files));
async function* once(b: Uint8Array<ArrayBuffer>, step = 1 << 20) {
	for (let at = 0; at < b.length; at += step)
		yield b.slice(at, at + step);
}

test("the check value of zip files", () => {
	assert.equal(crc32(bytesOf("123456789")), 0xcbf43926);
	assert.equal(crc32(bytesOf("6789"), crc32(bytesOf("12345"))), 0xcbf43926);
});

test("stored and deflated entries, folders left out", async () => {
	assert.deepEqual(await read([{ name: "a.mbox", data }, { name: "d/", data: new Uint8Array(0), method: 0 }, { name: "d/ü.eml", data, method: 0 }]), [["a.mbox", latin1(data)], ["d/ü.eml", latin1(data)]]);
	assert.deepEqual(await read([]), []);
});

test("zip64", async () => {
	assert.deepEqual(await all(zip([{ name: "a", data }, { name: "b", data }], { zip64: true })), [["a", latin1(data)], ["b", latin1(data)]]);
});

test("a zip file that ends anywhere is refused, not read wrongly", async () => {
	const whole = zip([{ name: "a", data }, { name: "b", data }]);
	for (let n = 0; n < whole.size; n += 13)
		await assert.rejects(all(whole.slice(0, n)), (e) => e instanceof BadFile, `${n} bytes`);
});

test("a zip file with any bit turned does not hang or give other bytes unnoticed", async () => {
	const whole = new Uint8Array(await zip([{ name: "a", data }], {}).arrayBuffer());
	for (let i = 0; i < whole.length; i++) {
		const turned = whole.slice();
		turned[i] = (turned[i] ?? 0) ^ 16;
		const got = await all(new Blob([turned])).catch((e: unknown) => { assert.ok(e instanceof BadFile, String(e)); return []; });
		for (const [, text] of got)
			assert.equal(text, latin1(data));
	}
});

test("lengths and check values are counted, not believed", async () => {
	await assert.rejects(read([{ name: "a", data, size: data.length - 1 }]), bad("damaged"));
	await assert.rejects(read([{ name: "a", data, size: data.length + 1 }]), bad("damaged"));
	await assert.rejects(read([{ name: "a", data, crc: 1 }]), bad("damaged"));
	await assert.rejects(read([{ name: "a", data, packed: bytesOf("\u0007rubbish") }]), bad("damaged"));
	await assert.rejects(read([{ name: "a", data, flags: 0x801 }]), bad("encryptedZip"));
	await assert.rejects(read([{ name: "a", data, method: 12, packed: data }]), bad("unknownMethod"));
});

test("entries that share their bytes are a bomb", async () => {
	await assert.rejects(read([{ name: "a", data }, { name: "b", data, at: 0 }]), bad("bomb"));
});

test("what unpacks beyond all measure is a bomb", async () => {
	const before = { ...zipLimits };
	Object.assign(zipLimits, { freely: 1 << 20 });
	try {
		const zeros = new Uint8Array(8 << 20);
		await assert.rejects(read([{ name: "a", data: zeros, packed: new Uint8Array(deflateRawSync(zeros)) }]), bad("bomb"));
	} finally {
		Object.assign(zipLimits, before);
	}
});

test("too many entries are refused before they are read", async () => {
	const before = { ...zipLimits };
	Object.assign(zipLimits, { entries: 2 });
	try {
		await assert.rejects(read([{ name: "a", data }, { name: "b", data }, { name: "c", data }]), bad("tooManyFiles"));
	} finally {
		Object.assign(zipLimits, before);
	}
});

test("names do not climb", () => {
	assert.equal(cleanName("../../etc/passwd"), "etc/passwd");
	assert.equal(cleanName("/a/./b//c\\..\\d"), "a/b/c/d");
	assert.equal(cleanName("a\u0000b/\nc/"), "ab/c/");
});

test("tar: files, pax and GNU names, other kinds skipped", async () => {
	const long = `${"very/".repeat(30)}long.mbox`;
	const pax = `${String(long.length + 10)} path=${long}\n`;
	const bytes = tar([
		{ name: "a", data }, { name: "link", data: new Uint8Array(0), kind: "2" }, { name: "x", data: bytesOf(pax), kind: "x" }, { name: "short", data },
		{ name: "././@LongLink", data: bytesOf(`${long}\0`), kind: "L" }, { name: "short", data }, { name: "../e", data: new Uint8Array(0) },
	]);
	assert.ok(looksLikeTar(bytes));
	for (const step of [1 << 20, 1, 511, 513]) {
		const got: Array<[string, number]> = [];
		for await (const e of walkTar(once(bytes, step)))
			got.push([e.name, concat(await collect(e.chunks())).length]);
		assert.deepEqual(got, [["a", data.length], [long, data.length], [long, data.length], ["e", 0]]);
	}
});

test("tar: contents that are not read are skipped", async () => {
	const names: string[] = [];
	for await (const e of walkTar(once(tar([{ name: "a", data }, { name: "b", data }]), 700)))
		names.push(e.name);
	assert.deepEqual(names, ["a", "b"]);
});

test("tar: cut off or broken files are refused", async () => {
	const bytes = tar([{ name: "a", data }]);
	const walk = async (b: Uint8Array<ArrayBuffer>) => {
		for await (const e of walkTar(once(b)))
			await collect(e.chunks());
	};
	for (const n of [0, 100, 512, 600, data.length, bytes.length - 1024])
		await assert.rejects(walk(bytes.slice(0, n)), bad("truncated"), `${n} bytes`);
	const turned = bytes.slice();
	turned[3] = 99;
	await assert.rejects(walk(turned), bad("damaged"));
	await assert.rejects(walk(tar([{ name: "x", data: new Uint8Array(0), kind: "x", size: 2 << 20 }])), bad("damaged"));
	assert.ok(!looksLikeTar(turned) && !looksLikeTar(new Uint8Array(10)));
});

test("gzip that is cut off is refused", async () => {
	const packed = new Uint8Array(gzipSync(data));
	const read = (b: Uint8Array<ArrayBuffer>) => collect(inflated(streamOf(new Blob([b])), "gzip"));
	assert.deepEqual(concat(await read(packed)), data);
	await assert.rejects(read(packed.slice(0, packed.length - 9)), bad("damaged"));
});
