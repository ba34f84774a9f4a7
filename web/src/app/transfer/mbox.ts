// Cuts mbox files into messages. Bytes go in as they are read, messages come out; memory holds one message
// and one piece of the file. Known forms: mboxrd and mboxo ("From " in the text is quoted by ">"), mboxcl and
// mboxcl2 (Content-Length says where a message ends). RFC 4155 has the format as far as there is one.
import { type Bytes, latin1 } from "./bytes.ts";

export interface MboxMessage {
	/** The separator line without "From ", as latin1. */
	from: string;
	/** Where the message began in the file: reading can begin there again. */
	start: number;
	/** Where the next one begins. */
	end: number;
	/** The message as in the file, quoting included; the first bytes only when it is too large. */
	raw: Bytes;
	tooLarge: boolean;
	/** ">From " stands for "From ". */
	quoted: boolean;
}

const newline = 10;
const carriage = 13;
const fromWord = [70, 114, 111, 109, 32]; // "From "
/** Separators longer than this are text. */
const longestSeparator = 400;
/** How much of what follows a separator is looked at. */
const lookAhead = 1024;
const keptOfTooLarge = 64 << 10;
const longestHead = 256 << 10;

const time = /\b\d{1,2}:\d{2}(:\d{2})?\b/;
const year = /\b(19|20)\d{2}\b/;

function isFrom(b: Uint8Array, at: number): boolean {
	return b[at] === fromWord[0] && b[at + 1] === fromWord[1] && b[at + 2] === fromWord[2] && b[at + 3] === fromWord[3] && b[at + 4] === fromWord[4];
}

/** "From bob@example.org Mon Jan  1 12:00:00 2024", and not a sentence that begins with this word. */
export function isSeparator(line: string): boolean {
	return line.length <= longestSeparator && line.startsWith("From ") && time.test(line) && year.test(line);
}

/** What follows a separator is a field, a second "From " line of old programs, or nothing at all. */
function beginsMessage(b: Uint8Array, from: number, to: number): boolean {
	const end = b.indexOf(newline, from);
	const line = latin1(b.subarray(from, end < 0 || end > to ? Math.min(to, from + lookAhead) : end));
	return /^(>From |[!-9;-~]+[ \t]*:|\r?$)/.test(line);
}

export class MboxSplitter {
	private buf: Bytes = new Uint8Array(1 << 20);
	private length = 0;
	/** Where in the file buf begins. */
	private base: number;
	/** Where in buf the search goes on: the begin of a line. */
	private at = 0;
	/** The message under way: where its separator begins, where its first line. -1: none yet. */
	private start = -1;
	private body = -1;
	private from = "";
	/** Separators that Content-Length says are text; the first one is where the message ends if it lies. */
	private doubted = -1;
	private declared = -1;
	private headEnd = -1;
	private dropped = 0;
	private kept: Bytes | null = null;
	private blankBefore = true;
	private out: MboxMessage[] = [];

	constructor(private readonly largest: number, offset = 0) {
		this.base = offset;
	}

	push(chunk: Uint8Array): MboxMessage[] {
		this.make(chunk.length);
		this.buf.set(chunk, this.length);
		this.length += chunk.length;
		return this.scan(false);
	}

	/** The file has ended. */
	end(): MboxMessage[] {
		const out = this.scan(true);
		if (this.start >= 0) {
			if (this.doubted >= 0 && !this.fits(this.length))
				out.push(...this.backToDoubted(), ...this.end());
			else
				this.finish(this.length);
		}
		return [...out, ...this.take()];
	}

	private take(): MboxMessage[] {
		const out = this.out;
		this.out = [];
		return out;
	}

	private make(more: number): void {
		const kept = this.start >= 0 ? Math.min(this.start, this.at) : this.at;
		if (kept > 0) {
			this.buf.copyWithin(0, kept, this.length);
			this.shift(kept);
		}
		if (this.length + more <= this.buf.length)
			return;
		const next = new Uint8Array(Math.max(this.buf.length * 2, this.length + more));
		next.set(this.buf.subarray(0, this.length));
		this.buf = next;
	}

	private shift(by: number): void {
		this.base += by;
		this.length -= by;
		this.at -= by;
		for (const key of ["start", "body", "doubted", "headEnd"] as const)
			if (this[key] >= 0)
				this[key] -= by;
	}

	private scan(last: boolean): MboxMessage[] {
		for (;;) {
			const end = this.buf.subarray(0, this.length).indexOf(newline, this.at);
			if (end < 0) {
				if (last && this.at < this.length)
					this.line(this.length, this.length, true);
				break;
			}
			// A separator is only judged when what follows it is there.
			if (this.isCandidate() && this.length - end < lookAhead && !last)
				break;
			this.line(end + 1, end, last);
		}
		this.limit();
		return this.take();
	}

	private isCandidate(): boolean {
		return this.blankBefore && isFrom(this.buf, this.at);
	}

	/** One line, from this.at to end; the next one begins at next. */
	private line(next: number, end: number, last: boolean): void {
		const length = end - this.at;
		if (this.isCandidate() && length <= longestSeparator + 1 && this.separates(end, next, last))
			return this.separator(end, next);
		const blank = length === 0 || (length === 1 && this.buf[this.at] === carriage);
		if (this.start >= 0 && blank && this.headEnd < 0)
			this.endHead(next);
		this.blankBefore = blank;
		this.at = next;
	}

	private separates(end: number, next: number, last: boolean): boolean {
		const line = latin1(this.buf.subarray(this.at, end)).replace(/\r$/, "");
		return isSeparator(line) && beginsMessage(this.buf, next, this.length) && (next < this.length || last);
	}

	private separator(end: number, next: number): void {
		if (this.start >= 0 && !this.fits(this.at)) {
			if (this.insideDeclared()) {
				if (this.doubted < 0)
					this.doubted = this.at;
				this.blankBefore = false;
				this.at = next;
				return;
			}
			// Past the end that was declared, and not at it: the length was wrong.
			if (this.doubted >= 0)
				return this.rewind();
		}
		if (this.start >= 0)
			this.finish(this.at);
		this.begin(end, next);
	}

	private begin(end: number, next: number): void {
		this.start = this.at;
		this.from = latin1(this.buf.subarray(this.at + 5, end)).trim();
		this.body = next;
		this.headEnd = this.declared = this.doubted = -1;
		this.dropped = 0;
		this.kept = null;
		this.blankBefore = false;
		this.at = next;
	}

	/** Content-Length counts from here. */
	private endHead(next: number): void {
		this.headEnd = next;
		if (next - this.body > longestHead || this.dropped)
			return;
		const found = /^content-length:[ \t]*(\d{1,12})[ \t]*\r?$/im.exec(latin1(this.buf.subarray(this.body, next)));
		const length = found ? Number(found[1]) : -1;
		this.declared = length <= this.largest ? length : -1;
	}

	private insideDeclared(): boolean {
		return this.declared >= 0 && this.headEnd >= 0 && this.at - this.headEnd < this.declared;
	}

	/** Whether the message, ended here, has the length that it declares; a blank line may lie between. */
	private fits(end: number): boolean {
		if (this.declared < 0 || this.headEnd < 0)
			return false;
		const over = end - this.headEnd - this.declared;
		return over >= 0 && over <= 2;
	}

	private rewind(): void {
		const to = this.doubted;
		this.declared = this.doubted = -1;
		this.at = to;
		this.blankBefore = true;
	}

	private backToDoubted(): MboxMessage[] {
		this.rewind();
		return this.scan(true);
	}

	/** What is larger than a message may be is not kept; the scan for the next one goes on. */
	private limit(): void {
		if (this.start < 0 || this.at - this.body + this.dropped <= this.largest) {
			// A line without an end is cut as well.
			if (this.length - this.at <= this.largest)
				return;
			if (this.start < 0) {
				this.at = this.length;
				this.blankBefore = false;
				return;
			}
		}
		this.kept ??= this.buf.slice(this.body, Math.min(this.length, this.body + keptOfTooLarge));
		const to = this.length - this.at > this.largest ? this.length : this.at;
		if (to !== this.at)
			this.blankBefore = false;
		this.dropped += to - this.body;
		const started = this.base + this.start;
		this.declared = this.doubted = -1;
		this.at = to;
		this.body = to;
		this.start = to;
		this.startedAt ??= started;
	}

	/** The true begin of a message of which parts were dropped. */
	private startedAt: number | null = null;

	private finish(end: number): void {
		const trusted = this.doubted >= 0;
		const raw = this.kept ?? this.buf.slice(this.body, this.withoutBlank(end));
		this.out.push({
			from: this.from,
			start: this.startedAt ?? this.base + this.start,
			end: this.base + end,
			raw,
			tooLarge: this.kept !== null || raw.length > this.largest,
			quoted: !trusted,
		});
		this.startedAt = null;
		this.start = -1;
	}

	/** The empty line before a separator belongs to it. */
	private withoutBlank(end: number): number {
		const b = this.buf;
		let to = end;
		if (to - 1 > this.body && b[to - 1] === newline) {
			const before = b[to - 2] === carriage ? to - 2 : to - 1;
			if (before - 1 >= this.body && b[before - 1] === newline)
				to = before;
		}
		return to;
	}
}

const greater = 62;

/** Takes one ">" from every line of ">From ", ">>From " and so on, below the header. */
export function unquoted(raw: Bytes, head: number): Bytes {
	const cuts: number[] = [];
	let at = raw.indexOf(greater, head);
	for (; at >= 0; at = raw.indexOf(greater, at + 1)) {
		if (at > 0 && raw[at - 1] !== newline)
			continue;
		let f = at;
		while (raw[f] === greater)
			f++;
		if (isFrom(raw, f))
			cuts.push(at);
		at = f - 1;
	}
	return cuts.length ? without(raw, cuts) : raw;
}

function without(raw: Bytes, cuts: readonly number[]): Bytes {
	const out = new Uint8Array(raw.length - cuts.length);
	let from = 0;
	cuts.forEach((cut, i) => {
		out.set(raw.subarray(from, cut), from - i);
		from = cut + 1;
	});
	out.set(raw.subarray(from), from - cuts.length);
	return out;
}
