// The table of countries: what it is made of, and what real addresses give.
import { test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
// @ts-expect-error: a script without types
import { encode, placesFile, starts } from "../../build/places.mjs";

test("neighbours of a country become one, gaps stay", () => {
	assert.deepEqual(starts("0,15,DE\n16,31,DE\n64,79,FR\n", 32, 32), [
		{ start: 0n, country: "DE" }, { start: 32n, country: "" }, { start: 64n, country: "FR" }, { start: 80n, country: "" },
	]);
	assert.deepEqual(starts("4294967040,4294967295,JP\n", 32, 32), [{ start: 4294967040n, country: "JP" }]);
});

test("ranges finer than what counts of an address give way to the later one", () => {
	const all = starts("0,7,DE\n8,31,FR\n", 8, 4);
	assert.deepEqual(all, [{ start: 0n, country: "FR" }, { start: 2n, country: "" }]);
});

test("a country that is none is refused", () => {
	assert.throws(() => starts("0,1,<>\n", 32, 32));
});

test("the bytes are those of the format", () => {
	const file = encode([{ start: 0x0a000000n, country: "DE" }], [{ start: 0x20010db800000000n, country: "" }]);
	assert.equal(file.toString("hex"), `${Buffer.from("LLPLACE1").toString("hex")}00000001000000010a000000444520010db8000000000000`);
});

// The operators of root name servers and of registries do not move.
test("known addresses lie where they are known to be", () => {
	const file = placesFile(join(TEST_ROOT, ".."));
	const n4 = file.readUInt32BE(8), n6 = file.readUInt32BE(12);
	const find = (at: number, n: number, step: number, start: Buffer) => {
		let country = "";
		for (let i = 0, before = -1n; i < n; i++) {
			const o = at + i * step;
			const value = BigInt(`0x${file.toString("hex", o, o + step - 2)}`);
			assert.ok(value > before);
			before = value;
			if (Buffer.compare(file.subarray(o, o + step - 2), start) <= 0)
				country = file.toString("latin1", o + step - 2, o + step);
		}
		return country;
	};
	assert.equal(find(16, n4, 6, Buffer.from([193, 0, 6, 139])), "NL");
	assert.equal(find(16, n4, 6, Buffer.from([10, 0, 0, 1])), "\0\0");
	assert.equal(find(16 + n4 * 6, n6, 10, Buffer.from("200105030c270000", "hex")).length, 2);
	assert.equal(find(16 + n4 * 6, n6, 10, Buffer.from("fd00000000000000", "hex")), "\0\0");
	assert.equal(file.length, 16 + n4 * 6 + n6 * 10);
});
