// Bodies of records, whole, cut and changed at random: both implementations take and refuse the
// same ones, and write what they took as the same bytes.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { anchorDecode, anchorEncode } from "../../src/keys/anchor";
import { type Bytes, copy, hex } from "../../src/keys/bytes";
import { keyringDecode, keyringEncode } from "../../src/keys/keyring";
import { manifestDecode, manifestEncode } from "../../src/keys/manifest";
import { NO_ID } from "../../src/keys/record";
import { verifierDecode, verifierEncode } from "../../src/keys/verifier";
import { Peer, peerOptions, peerPath } from "./peer";

const peer = peerPath ? new Peer() : (undefined as unknown as Peer);
after(() => peer?.close());

const again = {
	anchor: (b: Bytes) => anchorEncode(anchorDecode(b)),
	manifest: (b: Bytes) => manifestEncode(manifestDecode(b, NO_ID, 0n)),
	keyring: (b: Bytes) => keyringEncode(keyringDecode(b)),
	verifier: (b: Bytes) => verifierEncode(verifierDecode(b)),
};

/** The same numbers in every run. */
function* numbers(seed: number): Generator<number, never> {
	for (let x = seed; ; ) {
		x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
		yield x >>> 8;
	}
}

function* variants(body: Bytes, count: number): Generator<Bytes> {
	const n = numbers(body.length);
	const next = (below: number) => n.next().value % Math.max(1, below);
	yield body;
	for (let i = 0; i < count; i++) {
		const changed = copy(body);
		for (let k = next(3); k >= 0 && changed.length; k--) changed[next(changed.length)] = next(4) ? next(256) : next(2) * 255;
		yield changed;
		yield body.slice(0, next(body.length));
	}
}

for (const [name, encode] of Object.entries(again))
	test(`${name}: taken and refused alike`, peerOptions, async () => {
		const folder = join(TEST_ROOT, "../../tests/fuzz/corpus", name);
		let taken = 0;
		for (const file of readdirSync(folder))
			for (const body of variants(copy(readFileSync(join(folder, file))), 60)) {
				const theirs = await peer.call(name, body).then((r) => hex(r[0] ?? copy(body)), () => "refused");
				let mine: string;
				try {
					mine = hex(encode(body));
				} catch {
					mine = "refused";
				}
				// A password verifier's group element is checked by the server alone.
				if (name === "verifier" && body[1] === 1 && theirs === "refused") continue;
				assert.equal(mine, theirs, `${file}: ${hex(body).slice(0, 200)}`);
				if (mine !== "refused") taken++;
			}
		assert.ok(taken > 10);
	});
