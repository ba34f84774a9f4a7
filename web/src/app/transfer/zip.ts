// Reads zip files of any size by their central directory: entries as they are stored or deflated, zip64, names
// in UTF-8. What an entry says of itself is not believed: lengths and check values are counted, and what grows
// like a bomb is refused. APPNOTE.TXT of PKWARE is the format.
import { BadFile, type Bytes, chunksOf, chunksOfStream, latin1, readSlice, textOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

export interface ZipEntry {
	name: string;
	method: number;
	flags: number;
	crc: number;
	packed: number;
	size: number;
	offset: number;
	/** Unix milliseconds, where a field has them. */
	modified: number | null;
}

export const zipLimits = {
	entries: 1_000_000,
	directory: 256 << 20,
	name: 4096,
	/** Above this an entry must not be deflated better than ratio: no mail is. */
	freely: 64 << 20,
	ratio: 250,
};

const signature = { end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50, central: 0x02014b50, local: 0x04034b50 };
const view = (b: Uint8Array) => new DataView(b.buffer, b.byteOffset, b.byteLength);

function u64(v: DataView, at: number): number {
	const n = v.getBigUint64(at, true);
	if (n > BigInt(Number.MAX_SAFE_INTEGER))
		throw new BadFile("damaged");
	return Number(n);
}

interface Directory { at: number; size: number; count: number }

async function findDirectory(blob: Blob): Promise<Directory> {
	const from = Math.max(0, blob.size - 65_557);
	const tail = await readSlice(blob, from, blob.size);
	const v = view(tail);
	for (let i = tail.length - 22; i >= 0; i--) {
		if (v.getUint32(i, true) !== signature.end || i + 22 + v.getUint16(i + 20, true) > tail.length)
			continue;
		const found = { count: v.getUint16(i + 10, true), size: v.getUint32(i + 12, true), at: v.getUint32(i + 16, true) };
		const large = found.count === 0xffff || found.size === 0xffffffff || found.at === 0xffffffff;
		return large ? await findDirectory64(blob, tail, i) : found;
	}
	throw new BadFile("truncated");
}

async function findDirectory64(blob: Blob, tail: Uint8Array, end: number): Promise<Directory> {
	const locator = end - 20;
	if (locator < 0 || view(tail).getUint32(locator, true) !== signature.locator64)
		throw new BadFile("damaged");
	const at = u64(view(tail), locator + 8);
	if (at + 56 > blob.size)
		throw new BadFile("damaged");
	const v = view(await readSlice(blob, at, at + 56));
	if (v.getUint32(0, true) !== signature.end64)
		throw new BadFile("damaged");
	return { count: u64(v, 32), size: u64(v, 40), at: u64(v, 48) };
}

/** The fields that zip64 has taken out of the fixed part, and the exact time. */
function readExtra(e: ZipEntry, extra: Uint8Array): void {
	const v = view(extra);
	for (let at = 0; at + 4 <= extra.length;) {
		const id = v.getUint16(at, true);
		const end = at + 4 + v.getUint16(at + 2, true);
		if (end > extra.length)
			return;
		let p = at + 4;
		if (id === 1)
			for (const key of ["size", "packed", "offset"] as const) {
				if (e[key] !== 0xffffffff)
					continue;
				if (p + 8 > end)
					throw new BadFile("damaged");
				e[key] = u64(v, p);
				p += 8;
			}
		else if (id === 0x5455 && p + 5 <= end && (extra[p] ?? 0) & 1)
			e.modified = v.getInt32(p + 1, true) * 1000;
		at = end;
	}
}

/** Everything in the directory, folders left out, in the order of the file. */
export async function readZip(blob: Blob): Promise<ZipEntry[]> {
	const d = await findDirectory(blob);
	if (d.count > zipLimits.entries || d.size > zipLimits.directory)
		throw new BadFile("tooManyFiles");
	if (d.at + d.size > blob.size)
		throw new BadFile("damaged");
	const bytes = await readSlice(blob, d.at, d.at + d.size);
	const out: ZipEntry[] = [];
	let at = 0;
	for (let i = 0; i < d.count; i++) {
		const { entry, next } = readEntry(bytes, at);
		if (!entry.name.endsWith("/"))
			out.push(entry);
		at = next;
	}
	checkOverlap(out, d.at);
	return out;
}

function readEntry(bytes: Bytes, at: number): { entry: ZipEntry; next: number } {
	const v = view(bytes);
	if (at + 46 > bytes.length || v.getUint32(at, true) !== signature.central)
		throw new BadFile("damaged");
	const nameEnd = at + 46 + v.getUint16(at + 28, true);
	const extraEnd = nameEnd + v.getUint16(at + 30, true);
	const next = extraEnd + v.getUint16(at + 32, true);
	if (next > bytes.length || nameEnd - at - 46 > zipLimits.name)
		throw new BadFile("damaged");
	const flags = v.getUint16(at + 8, true);
	const name = bytes.subarray(at + 46, nameEnd);
	const entry: ZipEntry = {
		name: cleanName(flags & 0x800 ? textOf(name) : byteName(name)), flags, method: v.getUint16(at + 10, true), crc: v.getUint32(at + 16, true),
		packed: v.getUint32(at + 20, true), size: v.getUint32(at + 24, true), offset: v.getUint32(at + 42, true), modified: null,
	};
	readExtra(entry, bytes.subarray(nameEnd, extraEnd));
	return { entry, next };
}

/** Many programs write UTF-8 without saying so. */
const byteName = (name: Uint8Array): string => (name.some((c) => c > 127) ? textOf(name) : latin1(name));

/** Names only become mailboxes' names, never paths; still nothing in them climbs. */
export function cleanName(name: string): string {
	const folder = /[/\\]$/.test(name);
	const parts = name.replace(/\\/g, "/").split("/").filter((p) => p !== "" && p !== "." && p !== "..");
	return parts.map((p) => p.replace(/[\u0000-\u001f\u007f]/g, "")).join("/") + (folder ? "/" : "");
}

/** Entries that share their bytes are how small files unpack to very large ones. */
function checkOverlap(entries: readonly ZipEntry[], directory: number): void {
	const sorted = [...entries].sort((a, b) => a.offset - b.offset);
	sorted.forEach((e, i) => {
		const end = sorted[i + 1]?.offset ?? directory;
		if (e.offset + 30 + e.packed > end)
			throw new BadFile(end === directory && e.offset > directory ? "damaged" : "bomb");
	});
}

const window = 4 << 20;

/** A file read in large pieces: small entries lie behind each other, and each reading asks another process. */
export class Ahead {
	private from = 0;
	private bytes: Bytes = new Uint8Array(0);

	constructor(readonly blob: Blob) {}

	async read(from: number, to: number): Promise<Bytes> {
		if (from < this.from || to > this.from + this.bytes.length) {
			this.bytes = await readSlice(this.blob, from, Math.min(this.blob.size, Math.max(to, from + window)));
			this.from = from;
		}
		return this.bytes.slice(from - this.from, to - this.from);
	}
}

/** Small ones at once. */
async function dataOf(ahead: Ahead, e: ZipEntry): Promise<Blob | Bytes> {
	const { blob } = ahead;
	if (e.offset + 30 > blob.size)
		throw new BadFile("damaged");
	const v = view(await ahead.read(e.offset, e.offset + 30));
	if (v.getUint32(0, true) !== signature.local)
		throw new BadFile("damaged");
	const from = e.offset + 30 + v.getUint16(26, true) + v.getUint16(28, true);
	if (from + e.packed > blob.size)
		throw new BadFile("truncated");
	return e.packed <= window / 4 ? await ahead.read(from, from + e.packed) : blob.slice(from, from + e.packed);
}

async function* piecesOf(data: Blob | Bytes): AsyncGenerator<Bytes> {
	if (data instanceof Blob)
		yield* chunksOf(data);
	else if (data.length)
		yield data;
}

/** A stream that reads as fast as its other end, in pieces of its own size. */
export function streamOf(data: Blob | Bytes, saw: (n: number) => void = () => undefined): ReadableStream<Bytes> {
	const chunks = piecesOf(data);
	return new ReadableStream<Bytes>({
		async pull(c) {
			const { done, value } = await chunks.next();
			if (done)
				return c.close();
			saw(value.length);
			c.enqueue(value);
		},
		cancel: () => void chunks.return(undefined),
	}, { highWaterMark: 0 });
}

/** What an entry holds, unpacked and counted; fails at its end when it is not what the directory says. */
export async function* unpack(file: Blob | Ahead, e: ZipEntry): AsyncGenerator<Bytes> {
	if (e.flags & 1)
		throw new BadFile("encryptedZip");
	if (e.method !== 0 && e.method !== 8)
		throw new BadFile("unknownMethod");
	const data = await dataOf(file instanceof Blob ? new Ahead(file) : file, e);
	const chunks = e.method === 0 ? piecesOf(data) : inflated(streamOf(data), "deflate-raw");
	let size = 0;
	let crc = 0;
	for await (const chunk of chunks) {
		size += chunk.length;
		crc = crc32(chunk, crc);
		if (size > e.size)
			throw new BadFile("damaged");
		if (size > zipLimits.freely && size > e.packed * zipLimits.ratio)
			throw new BadFile("bomb");
		yield chunk;
	}
	if (size !== e.size || crc !== e.crc)
		throw new BadFile("damaged");
}

/** Decompressed; what does not decompress is damaged. */
export async function* inflated(stream: ReadableStream<Bytes>, form: "deflate-raw" | "gzip"): AsyncGenerator<Bytes> {
	const out = stream.pipeThrough(new DecompressionStream(form as CompressionFormat) as unknown as TransformStream<Bytes, Bytes>);
	const chunks = chunksOfStream(out);
	for (;;) {
		let next: IteratorResult<Bytes>;
		try {
			next = await chunks.next();
		} catch (e) {
			throw e instanceof BadFile ? e : new BadFile("damaged");
		}
		if (next.done)
			return;
		yield next.value;
	}
}
