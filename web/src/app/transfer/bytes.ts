// Small things about bytes that the readers and writers of mail files share.

export type Bytes = Uint8Array<ArrayBuffer>;

/** A file that is not what it should be; the code is a text of the wizard. */
export class BadFile extends Error {
	override readonly name = "BadFile";
	constructor(readonly code: BadFileCode) {
		super(code);
	}
}
export type BadFileCode = "notMail" | "truncated" | "damaged" | "bomb" | "encryptedZip" | "unknownMethod" | "tooManyFiles" | "unreadable";

const windowsDecoder = new TextDecoder("windows-1252");
const utf8Decoder = new TextDecoder("utf-8", { fatal: true });
const utf8Encoder = new TextEncoder();

export const bytesOf = (text: string): Bytes => utf8Encoder.encode(text);

/** A character for each byte, of the same number. The decoder that is called latin1 is none: what it makes of 128 to 159 are others. */
export function latin1(bytes: Uint8Array): string {
	let text = "";
	for (let at = 0; at < bytes.length; at += 8192)
		text += String.fromCharCode(...bytes.subarray(at, at + 8192));
	return text;
}

/** As UTF-8 where it is that, else as most programs of old wrote. */
export function textOf(bytes: Uint8Array): string {
	try {
		return utf8Decoder.decode(bytes);
	} catch {
		return windowsDecoder.decode(bytes);
	}
}

export function concat(parts: readonly Uint8Array[]): Bytes {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return out;
}

const chunkSize = 4 << 20;

/** A blob in pieces; never more than one of them is in memory. */
export async function* chunksOf(blob: Blob, from = 0): AsyncGenerator<Bytes> {
	for (let at = from; at < blob.size; at += chunkSize)
		yield await readSlice(blob, at, Math.min(blob.size, at + chunkSize));
}

/** A file that was changed or taken away since it was chosen cannot be read. */
export async function readSlice(blob: Blob, from: number, to: number): Promise<Bytes> {
	try {
		return new Uint8Array(await blob.slice(from, to).arrayBuffer());
	} catch {
		throw new BadFile("unreadable");
	}
}

export async function* chunksOfStream(stream: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
	const reader = stream.getReader();
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done)
				return;
			yield value;
		}
	} finally {
		await reader.cancel().catch(() => undefined);
	}
}

export async function sha256(bytes: Bytes): Promise<string> {
	return base64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

const step = 0x8000;

export function base64(bytes: Uint8Array): string {
	const native = (bytes as { toBase64?: () => string }).toBase64;
	if (native)
		return native.call(bytes);
	let text = "";
	for (let i = 0; i < bytes.length; i += step)
		text += String.fromCharCode(...bytes.subarray(i, i + step));
	return btoa(text);
}

export function bytesOfBase64(text: string): Bytes {
	const native = (Uint8Array as { fromBase64?: (t: string) => Bytes }).fromBase64;
	return native ? native.call(Uint8Array, text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

const pieceSize = 1 << 20;

/** Many small pieces behind each other, where the browser may put them on its disk. */
export class Gathered {
	private readonly full: Blob[] = [];
	private piece: Bytes = new Uint8Array(0);
	private used = 0;

	put(bytes: Uint8Array): void {
		if (this.used + bytes.length > this.piece.length) {
			this.close();
			this.piece = new Uint8Array(Math.max(pieceSize, bytes.length));
		}
		this.piece.set(bytes, this.used);
		this.used += bytes.length;
	}

	private close(): void {
		if (this.used)
			this.full.push(new Blob([this.piece.subarray(0, this.used)]));
		this.used = 0;
	}

	/** Everything so far. */
	blob(): Blob {
		this.close();
		this.piece = new Uint8Array(0);
		return new Blob(this.full);
	}
}
