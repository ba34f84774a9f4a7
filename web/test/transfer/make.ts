// Files for the tests of import and export: zip and tar made byte by byte, so that they can be wrong on purpose.
import { createInflateRaw, deflateRawSync } from "node:zlib";
import { Duplex } from "node:stream";
import { crc32 } from "../../src/app/transfer/crc32.ts";
import { bytesOf, concat, type Bytes } from "../../src/app/transfer/bytes.ts";

/** Browsers inflate raw deflate; node 18 does not under that name. */
export function useInflate(): void {
	const native = globalThis.DecompressionStream;
	globalThis.DecompressionStream = function (form: string) {
		return form === "deflate-raw" ? (Duplex as unknown as { toWeb(d: Duplex): unknown }).toWeb(createInflateRaw()) : new native(form as CompressionFormat);
	} as unknown as typeof DecompressionStream;
}

export interface Made { name: string; data: Bytes; method?: number; flags?: number; size?: number; crc?: number; packed?: Bytes; at?: number; zip64?: boolean }

function fields(parts: ReadonlyArray<readonly [bytes: number, value: number]>): Bytes {
	const out = new Uint8Array(parts.reduce((n, [b]) => n + b, 0));
	let at = 0;
	for (const [bytes, value] of parts) {
		for (let i = 0, v = value; i < bytes; i++, v = Math.floor(v / 256))
			out[at + i] = v % 256;
		at += bytes;
	}
	return out;
}

export function zip(files: readonly Made[], { zip64 = false } = {}): Blob {
	const out: Bytes[] = [];
	const central: Bytes[] = [];
	let offset = 0;
	for (const f of files) {
		const method = f.method ?? 8;
		const packed = f.packed ?? (method === 8 ? new Uint8Array(deflateRawSync(f.data)) : f.data);
		const name = bytesOf(f.name);
		const [size, crc, flags] = [f.size ?? f.data.length, f.crc ?? crc32(f.data), f.flags ?? 0x800];
		const local = concat([fields([[4, 0x04034b50], [2, 20], [2, flags], [2, method], [4, 0], [4, crc], [4, packed.length], [4, size], [2, name.length], [2, 0]]), name]);
		const at = f.at ?? offset;
		const extra = zip64 ? fields([[2, 1], [2, 24], [8, size], [8, packed.length], [8, at]]) : new Uint8Array(0);
		const big = (n: number) => (zip64 ? 0xffffffff : n);
		central.push(fields([[4, 0x02014b50], [2, 45], [2, 20], [2, flags], [2, method], [4, 0], [4, crc], [4, big(packed.length)], [4, big(size)],
			[2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, big(at)]]), name, extra);
		out.push(local, packed);
		offset += local.length + packed.length;
	}
	const size = central.reduce((n, c) => n + c.length, 0);
	const n = files.length;
	const end64 = zip64
		? [fields([[4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, n], [8, n], [8, size], [8, offset]]), fields([[4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]])]
		: [];
	const large = (v: number, max: number) => (zip64 ? max : v);
	const end = fields([[4, 0x06054b50], [2, 0], [2, 0], [2, large(n, 0xffff)], [2, large(n, 0xffff)], [4, large(size, 0xffffffff)], [4, large(offset, 0xffffffff)], [2, 0]]);
	return new Blob([...out, ...central, ...end64, end]);
}

export interface TarFile { name: string; data: Bytes; kind?: string; size?: number }

function tarHeader(name: string, size: number, kind: string): Bytes {
	const b = new Uint8Array(512);
	const put = (at: number, text: string) => b.set(bytesOf(text), at);
	put(0, name.slice(0, 100));
	put(100, "0000644\0");
	put(124, `${size.toString(8).padStart(11, "0")}\0`);
	put(136, `${(1_700_000_000).toString(8)}\0`);
	put(148, "        ");
	put(156, kind);
	put(257, "ustar\u000000");
	put(148, `${b.reduce((n, c) => n + c, 0).toString(8).padStart(6, "0")}\0 `);
	return b;
}

export function tar(files: readonly TarFile[]): Bytes {
	const parts = files.flatMap((f) => [tarHeader(f.name, f.size ?? f.data.length, f.kind ?? "0"), f.data, new Uint8Array((512 - (f.data.length % 512)) % 512)]);
	return concat([...parts, new Uint8Array(1024)]);
}

export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
	const out: T[] = [];
	for await (const t of from)
		out.push(t);
	return out;
}
