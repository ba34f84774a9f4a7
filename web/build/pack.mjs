// The packed client: a magic line, a count, then each entry with its headers, its bytes, and the same
// bytes compressed. All numbers are big endian. src/faces reads this.
//
// Compression is done by a library with a fixed version, because the zlib of one node differs from the
// zlib of the next, and the file must not.
import { gzipSync } from "fflate";

const magic = "LLWEB1\n";
const compressible = /^(text\/|application\/(json|manifest\+json|javascript)|image\/svg)/;

export const classes = { page: 0, asset: 1, wasmWorker: 2, mailFrame: 3, serviceWorker: 4, other: 5, letter: 6 };

export function gzip(body) {
	return Buffer.from(gzipSync(body, { level: 9, mtime: 0 }));
}

function shortText(text) {
	const bytes = Buffer.from(text, "utf8");
	const head = Buffer.alloc(2);
	head.writeUInt16BE(bytes.length);
	return Buffer.concat([head, bytes]);
}

function packEntry({ path, type, class: kind, csp, body }) {
	const small = compressible.test(type) ? gzip(body) : Buffer.alloc(0);
	const gzipped = small.length < body.length ? small : Buffer.alloc(0);
	const lengths = Buffer.alloc(8);

	lengths.writeUInt32BE(body.length, 0);
	lengths.writeUInt32BE(gzipped.length, 4);
	return Buffer.concat([
		shortText(path), shortText(type), Buffer.from([kind]), shortText(csp ?? ""), lengths, body, gzipped,
	]);
}

export function pack(entries) {
	const count = Buffer.alloc(4);
	const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));

	count.writeUInt32BE(sorted.length);
	return Buffer.concat([Buffer.from(magic), count, ...sorted.map(packEntry)]);
}
