// Walks a tar file from its begin to its end, as Takeout makes them: ustar, with the long names and sizes of
// pax (POSIX.1-2001) and of GNU. Only files are told of; their contents come in pieces.
import { BadFile, type Bytes, concat, latin1, textOf } from "./bytes.ts";
import { cleanName } from "./zip.ts";

interface TarEntry {
	name: string;
	size: number;
	modified: number | null;
	/** Must be read to its end, or left alone, before the next entry is asked for. */
	chunks(): AsyncGenerator<Bytes>;
}

const block = 512;
const longestExtension = 1 << 20;
const mostEntries = 1_000_000;

/** Takes bytes from a stream of chunks in the amounts that are wanted. */
class Feed {
	private rest: Bytes = new Uint8Array(0);

	constructor(private readonly source: AsyncIterator<Bytes>) {}

	/** Up to n bytes; none at the end. */
	async some(n: number): Promise<Bytes> {
		while (this.rest.length === 0) {
			const { done, value } = await this.source.next();
			if (done)
				return this.rest;
			this.rest = value;
		}
		const out = this.rest.subarray(0, n);
		this.rest = this.rest.subarray(out.length);
		return out;
	}

	async exactly(n: number): Promise<Bytes> {
		const parts: Bytes[] = [];
		for (let left = n; left > 0;) {
			const part = await this.some(left);
			if (part.length === 0)
				throw new BadFile("truncated");
			parts.push(part);
			left -= part.length;
		}
		return parts.length === 1 ? parts[0] as Bytes : concat(parts);
	}

	async skip(n: number): Promise<void> {
		for (let left = n; left > 0;) {
			const part = await this.some(left);
			if (part.length === 0)
				throw new BadFile("truncated");
			left -= part.length;
		}
	}
}

const textField = (b: Uint8Array, at: number, n: number): string => {
	const field = b.subarray(at, at + n);
	const end = field.indexOf(0);
	return textOf(end < 0 ? field : field.subarray(0, end));
};

function numberField(b: Uint8Array, at: number, n: number): number {
	if ((b[at] ?? 0) & 0x80) {
		let value = (b[at] ?? 0) & 0x7f;
		for (let i = 1; i < n; i++)
			value = value * 256 + (b[at + i] ?? 0);
		return value;
	}
	const text = latin1(b.subarray(at, at + n)).replace(/[\0 ]+/g, "");
	return text === "" ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function checksumFits(b: Uint8Array): boolean {
	let sum = 0;
	for (let i = 0; i < block; i++)
		sum += i >= 148 && i < 156 ? 32 : b[i] ?? 0;
	return sum === numberField(b, 148, 8);
}

/** Whether these bytes begin a tar file. */
export const looksLikeTar = (b: Uint8Array): boolean => b.length >= block && latin1(b.subarray(257, 262)) === "ustar" && checksumFits(b);

/** Records "27 path=Mail/All mail.mbox\n". */
function paxValues(text: string, bytes: Uint8Array): Map<string, string> {
	const out = new Map<string, string>();
	for (let at = 0; at < bytes.length;) {
		const length = Number(/^\d{1,7}(?= )/.exec(text.slice(at, at + 8))?.[0] ?? 0);
		if (length < 5 || at + length > bytes.length)
			break;
		const record = textOf(bytes.subarray(at, at + length - 1));
		const space = record.indexOf(" ");
		const equals = record.indexOf("=");
		out.set(record.slice(space + 1, equals), record.slice(equals + 1));
		at += length;
	}
	return out;
}

interface Header { name: string; size: number; kind: string; modified: number | null }

function header(b: Uint8Array): Header {
	const size = numberField(b, 124, 12);
	if (!checksumFits(b) || !Number.isSafeInteger(size) || size < 0)
		throw new BadFile("damaged");
	const prefix = latin1(b.subarray(257, 263)) === "ustar\0" ? textField(b, 345, 155) : "";
	const seconds = numberField(b, 136, 12);
	return {
		name: prefix ? `${prefix}/${textField(b, 0, 100)}` : textField(b, 0, 100), size,
		kind: String.fromCharCode(b[156] ?? 0), modified: Number.isSafeInteger(seconds) && seconds > 0 ? seconds * 1000 : null,
	};
}

const padded = (n: number) => Math.ceil(n / block) * block;

async function extension(feed: Feed, size: number): Promise<Bytes> {
	if (size > longestExtension)
		throw new BadFile("damaged");
	return (await feed.exactly(padded(size))).subarray(0, size);
}

export async function* walkTar(source: AsyncGenerator<Bytes>): AsyncGenerator<TarEntry> {
	const feed = new Feed(source);
	let more = new Map<string, string>();
	let longName = "";
	for (let n = 0; ; n++) {
		const b = await feed.exactly(block);
		if (b.every((c) => c === 0))
			return;
		if (n > mostEntries)
			throw new BadFile("tooManyFiles");
		const h = header(b);
		if (h.kind === "x") {
			const bytes = await extension(feed, h.size);
			more = paxValues(latin1(bytes), bytes);
			continue;
		}
		if (h.kind === "L") {
			longName = textField(await extension(feed, h.size), 0, longestExtension);
			continue;
		}
		const size = Number(more.get("size") ?? h.size);
		if (!Number.isSafeInteger(size) || size < 0)
			throw new BadFile("damaged");
		let left = size;
		if (h.kind === "0" || h.kind === "\0" || h.kind === "7")
			yield {
				name: cleanName(more.get("path") ?? (longName || h.name)), size, modified: h.modified,
				async *chunks() {
					while (left > 0) {
						const part = await feed.some(left);
						if (part.length === 0)
							throw new BadFile("truncated");
						left -= part.length;
						yield part;
					}
				},
			};
		await feed.skip(left + padded(size) - size);
		more = new Map();
		longName = "";
	}
}
