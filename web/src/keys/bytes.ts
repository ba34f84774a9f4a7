// Byte strings: joining, comparing, text encodings, and the big-endian writer and reader that every
// record body goes through.
import { KeysError } from "./error";

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Bytes {
	return encoder.encode(text);
}

/** Strict: what is no UTF-8 is a syntax error. */
export function utf8Decode(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch {
		throw new KeysError("syntax", "text is not UTF-8");
	}
}

export function concat(...parts: Uint8Array[]): Bytes {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

/** A copy with a buffer of its own. */
export function copy(bytes: Uint8Array): Bytes {
	return new Uint8Array(bytes);
}

/** Constant time for equal lengths; lengths are never secret here. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	let diff = 0;
	for (let i = 0; i < a.length; i++) diff |= (a[i] as number) ^ (b[i] as number);
	return diff === 0;
}

/** Order of bytes, as memcmp. Only for what is public. */
export function compare(a: Uint8Array, b: Uint8Array): number {
	const n = Math.min(a.length, b.length);
	for (let i = 0; i < n; i++) {
		const diff = (a[i] as number) - (b[i] as number);
		if (diff) return diff;
	}
	return a.length - b.length;
}

export function wipe(...secrets: (Uint8Array | undefined)[]): void {
	for (const s of secrets) s?.fill(0);
}

export function random(n: number): Bytes {
	return crypto.getRandomValues(new Uint8Array(n));
}

export function hex(bytes: Uint8Array): string {
	let out = "";
	for (const b of bytes) out += b.toString(16).padStart(2, "0");
	return out;
}

export function unhex(text: string): Bytes {
	if (text.length % 2 || !/^[0-9a-fA-F]*$/.test(text))
		throw new KeysError("syntax", "not hexadecimal");
	const out = new Uint8Array(text.length / 2);
	for (let i = 0; i < out.length; i++) out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
	return out;
}

export function base64(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i += 0x8000)
		text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
	return btoa(text);
}

/** Standard alphabet with padding, no white space, no stray bits. */
export function unbase64(text: string): Bytes {
	let binary: string;
	try {
		binary = atob(text);
	} catch {
		throw new KeysError("syntax", "not base64");
	}
	const out = Uint8Array.from(binary, (c) => c.charCodeAt(0));
	if (base64(out) !== text) throw new KeysError("syntax", "base64 is not canonical");
	return out;
}

/** URL alphabet without padding: the form of bytes in JSON and addresses. */
export function base64url(bytes: Uint8Array): string {
	return base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function unbase64url(text: string): Bytes {
	if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new KeysError("syntax", "not base64url");
	const standard = text.replace(/-/g, "+").replace(/_/g, "/");
	return unbase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
}

/** Appends fields; take() gives what was written and wipes the working copy. */
export class Writer {
	private buf = new Uint8Array(256);
	private len = 0;

	private room(n: number): number {
		const at = this.len;
		if (at + n > this.buf.length) {
			const old = this.buf;
			this.buf = new Uint8Array(Math.max(2 * old.length, at + n));
			this.buf.set(old.subarray(0, at));
			wipe(old);
		}
		this.len += n;
		return at;
	}

	bytes(b: Uint8Array): this {
		const at = this.room(b.length);
		this.buf.set(b, at);
		return this;
	}

	/** Big-endian in n bytes; the value must fit. */
	uint(value: number, n: number): this {
		if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * n))
			throw new KeysError("range", "number does not fit");
		const at = this.room(n);
		for (let i = n - 1; i >= 0; i--, value = Math.floor(value / 256)) this.buf[at + i] = value % 256;
		return this;
	}

	u8(value: number): this {
		return this.uint(value, 1);
	}

	u16(value: number): this {
		return this.uint(value, 2);
	}

	u32(value: number): this {
		return this.uint(value, 4);
	}

	u64(value: bigint): this {
		if (value < 0n || value >= 1n << 64n) throw new KeysError("range", "number does not fit");
		const at = this.room(8);
		new DataView(this.buf.buffer).setBigUint64(at, value);
		return this;
	}

	take(): Bytes {
		const out = this.buf.slice(0, this.len);
		wipe(this.buf);
		this.len = 0;
		return out;
	}
}

/** Takes fields off; too few bytes are a syntax error, and end() refuses what is left over. */
export class Reader {
	private at = 0;

	constructor(private readonly input: Uint8Array) {}

	bytes(n: number): Bytes {
		if (n > this.input.length - this.at) throw new KeysError("syntax", "input is cut off");
		this.at += n;
		return copy(this.input.subarray(this.at - n, this.at));
	}

	uint(n: number): number {
		let value = 0;
		for (const b of this.bytes(n)) value = value * 256 + b;
		return value;
	}

	u8(): number {
		return this.uint(1);
	}

	u16(): number {
		return this.uint(2);
	}

	u32(): number {
		return this.uint(4);
	}

	u64(): bigint {
		return new DataView(this.bytes(8).buffer).getBigUint64(0);
	}

	rest(): Bytes {
		return this.bytes(this.input.length - this.at);
	}

	end(): void {
		if (this.at !== this.input.length) throw new KeysError("syntax", "bytes are left over");
	}
}
