// The packed client is what its description says, and the same every time.
import { test } from "node:test";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
// @ts-expect-error: a script without types
import { classes, pack } from "../../build/pack.mjs";

interface Entry { path: string; type: string; class: number; csp: string; body: Buffer; gzip: Buffer }

function unpack(file: Buffer): Entry[] {
	let at = 7;
	const take = (n: number) => file.subarray(at, at += n);
	const text = () => take(take(2).readUInt16BE()).toString();
	assert.equal(file.subarray(0, 7).toString(), "LLWEB1\n");
	const count = take(4).readUInt32BE();
	const entries = Array.from({ length: count }, () => {
		const path = text(), type = text(), kind = take(1)[0] ?? -1, csp = text();
		const [identity, gzip] = [take(4).readUInt32BE(), take(4).readUInt32BE()];
		return { path, type, class: kind, csp, body: take(identity), gzip: take(gzip) };
	});
	assert.equal(at, file.length);
	return entries;
}

const sample = [
	{ path: "/index.html", type: "text/html", class: classes.page, csp: "default-src 'none'", body: Buffer.from("<p>".repeat(500)) },
	{ path: "/assets/a.woff2", type: "font/woff2", class: classes.asset, body: Buffer.from([1, 2, 3]) },
];

test("entries come back, sorted by path", () => {
	const got = unpack(pack(sample));
	assert.deepEqual(got.map((e) => e.path), ["/assets/a.woff2", "/index.html"]);
	assert.equal(got[1]?.csp, "default-src 'none'");
	assert.equal(got[1]?.class, 0);
	assert.deepEqual(gunzipSync(got[1]?.gzip ?? Buffer.alloc(0)), sample[0]?.body);
	assert.equal(got[0]?.gzip.length, 0);
});

test("the same entries in another order give the same bytes", () => {
	assert.deepEqual(pack(sample), pack([...sample].reverse()));
});
