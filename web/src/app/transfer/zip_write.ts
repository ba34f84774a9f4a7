// Writes a zip file while it goes on: nothing is held but one piece of one entry, and the list of entries.
// Every entry is deflated and may grow beyond 4 GB (zip64), as its length is only known behind it.
import { type Bytes, bytesOf, chunksOf, chunksOfStream, concat, Gathered } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

export type Sink = (bytes: Bytes) => Promise<void>;

interface Written { name: Bytes; modified: number; crc: number; packed: number; size: number; offset: number }

const large = 0xffffffff;
/** UTF-8 names, and lengths behind the data. */
const flags = 0x808;
const version = 45;

/** Little-endian numbers of so many bytes. */
function fields(...parts: ReadonlyArray<readonly [bytes: number, value: number]>): Bytes {
	const out = new Uint8Array(parts.reduce((n, [b]) => n + b, 0));
	let at = 0;
	for (const [bytes, value] of parts) {
		for (let i = 0, v = value; i < bytes; i++, v = Math.floor(v / 256))
			out[at++] = v % 256;
	}
	return out;
}

/** Two-second steps since 1980, of no zone; the exact time stands in an extra field. */
function dosTime(time: number): readonly [time: number, date: number] {
	const d = new Date(Math.max(time, Date.UTC(1980, 0, 1)));
	return [(d.getUTCHours() << 11) | (d.getUTCMinutes() << 5) | (d.getUTCSeconds() >> 1), ((d.getUTCFullYear() - 1980) << 9) | ((d.getUTCMonth() + 1) << 5) | d.getUTCDate()];
}

const unixTime = (e: Written): Bytes => fields([2, 0x5455], [2, 5], [1, 1], [4, Math.max(0, Math.min(0x7fffffff, Math.floor(e.modified / 1000)))]);

export class ZipWriter {
	/** The directory. */
	private readonly entries = new Gathered();
	private count = 0;
	private at = 0;

	constructor(private readonly sink: Sink) {}

	private async write(bytes: Bytes): Promise<void> {
		this.at += bytes.length;
		await this.sink(bytes);
	}

	/** One entry; its contents come in pieces. modified: Unix milliseconds. */
	async add(name: string, modified: number, chunks: AsyncIterable<Bytes> | Iterable<Bytes>): Promise<void> {
		const e: Written = { name: bytesOf(name), modified, crc: 0, packed: 0, size: 0, offset: this.at };
		const [time, date] = dosTime(modified);
		const extra = concat([fields([2, 1], [2, 16], [8, 0], [8, 0]), unixTime(e)]);
		await this.write(concat([
			fields([4, 0x04034b50], [2, version], [2, flags], [2, 8], [2, time], [2, date], [4, 0], [4, large], [4, large], [2, e.name.length], [2, extra.length]), e.name, extra,
		]));
		const counted = counting(chunks, e);
		for await (const packed of chunksOfStream(counted.pipeThrough(new CompressionStream("deflate-raw") as unknown as TransformStream<Bytes, Bytes>))) {
			e.packed += packed.length;
			await this.write(packed);
		}
		await this.write(fields([4, 0x08074b50], [4, e.crc], [8, e.packed], [8, e.size]));
		this.entries.put(central(e));
		this.count++;
	}

	/** The directory. Without it the file is worth nothing. */
	async end(): Promise<void> {
		const start = this.at;
		for await (const part of chunksOf(this.entries.blob()))
			await this.write(part);
		const size = this.at - start;
		const n = this.count;
		await this.write(concat([
			fields([4, 0x06064b50], [8, 44], [2, version], [2, version], [4, 0], [4, 0], [8, n], [8, n], [8, size], [8, start]),
			fields([4, 0x07064b50], [4, 0], [8, start + size], [4, 1]),
			fields([4, 0x06054b50], [2, 0], [2, 0], [2, Math.min(n, 0xffff)], [2, Math.min(n, 0xffff)], [4, Math.min(size, large)], [4, Math.min(start, large)], [2, 0]),
		]));
	}
}

function central(e: Written): Bytes {
	const [time, date] = dosTime(e.modified);
	const extra = concat([fields([2, 1], [2, 24], [8, e.size], [8, e.packed], [8, e.offset]), unixTime(e)]);
	return concat([
		fields([4, 0x02014b50], [2, 0x300 | version], [2, version], [2, flags], [2, 8], [2, time], [2, date], [4, e.crc], [4, large], [4, large], [2, e.name.length],
			[2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0o100600 * 65_536], [4, large]), e.name, extra,
	]);
}

/** A stream of the chunks that notes their length and check value. */
function counting(chunks: AsyncIterable<Bytes> | Iterable<Bytes>, e: Written): ReadableStream<Bytes> {
	const from = (async function* () { yield* chunks; })();
	return new ReadableStream<Bytes>({
		async pull(c) {
			const { done, value } = await from.next();
			if (done)
				return c.close();
			e.size += value.length;
			e.crc = crc32(value, e.crc);
			c.enqueue(value);
		},
		async cancel() {
			await from.return(undefined);
		},
	}, { highWaterMark: 0 });
}
