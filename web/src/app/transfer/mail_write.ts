// Messages in the forms that mail programs read: an entry of an mbox file, a name in a Maildir.
import type { Email } from "../../jmap/types.ts";
import { type Bytes, bytesOf, concat, sha256 } from "./bytes.ts";
import { fieldsOf, headEnd, isStorage } from "./message.ts";

export type Exported = Pick<Email, "id" | "blobId" | "keywords" | "receivedAt" | "from" | "subject" | "size">;

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n: number) => String(n).padStart(2, "0");

/** asctime in UTC (RFC 4155). */
export function asctime(time: number): string {
	const d = new Date(time);
	return `${days[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} ${d.getUTCFullYear()}`;
}

const sender = (e: Exported): string => (e.from?.[0]?.email ?? "").replace(/[^!-~]/g, "") || "MAILER-DAEMON";
const statusLetters: ReadonlyArray<readonly [string, string]> = [["$answered", "A"], ["$flagged", "F"], ["$draft", "T"]];
const flagLetters: ReadonlyArray<readonly [string, string]> = [["$draft", "D"], ["$flagged", "F"], ["$forwarded", "P"], ["$answered", "R"], ["$seen", "S"]];

/** Flags as mutt, Dovecot and others keep them in mbox files. */
function statusFields(e: Exported): string {
	const x = statusLetters.filter(([k]) => e.keywords[k]).map(([, l]) => l).join("");
	const others = Object.keys(e.keywords).filter((k) => k !== "$seen" && !statusLetters.some(([s]) => s === k));
	return `Status: ${e.keywords.$seen ? "RO" : "O"}\n${x ? `X-Status: ${x}\n` : ""}${others.length ? `X-Keywords: ${others.join(" ")}\n` : ""}`;
}

const newline = 10;
const carriage = 13;

/** CRLF becomes LF; a CR elsewhere stays. */
function withLf(b: Bytes): Bytes {
	const out = new Uint8Array(b.length);
	let to = 0;
	let from = 0;
	for (let at = b.indexOf(carriage); at >= 0; at = b.indexOf(carriage, at + 1)) {
		if (b[at + 1] !== newline)
			continue;
		out.set(b.subarray(from, at), to);
		to += at - from;
		from = at + 1;
	}
	out.set(b.subarray(from), to);
	return out.subarray(0, to + b.length - from);
}

const greater = 62;
const fromWord = bytesOf("From ");

/** Puts ">" before each line of the text that is ">*From " (mboxrd). */
export function quoted(b: Bytes, head: number): Bytes {
	const marks: number[] = [];
	for (let at = head; at >= 0 && at < b.length;) {
		let f = at;
		while (b[f] === greater)
			f++;
		if (fromWord.every((c, i) => b[f + i] === c))
			marks.push(at);
		const end = b.indexOf(newline, f);
		at = end < 0 ? -1 : end + 1;
	}
	if (marks.length === 0)
		return b;
	const parts: Uint8Array[] = [];
	let from = 0;
	for (const mark of marks) {
		parts.push(b.subarray(from, mark), Uint8Array.of(greater));
		from = mark;
	}
	return concat([...parts, b.subarray(from)]);
}

/** Whether an mbox file gives these bytes back: it keeps lines, and has fields of its own. */
function survives(raw: Bytes): boolean {
	for (let at = raw.indexOf(newline); at >= 0; at = raw.indexOf(newline, at + 1))
		if (raw[at - 1] !== carriage)
			return false;
	return raw.at(-1) === newline && !fieldsOf(raw).some(isStorage);
}

/** A field by which an import knows the message again where its bytes have changed. */
export const originalNote = async (raw: Bytes): Promise<string> => (survives(raw) ? "" : `X-Letterlock-Original: ${raw.length} ${await sha256(raw)}\n`);

/** The message with its separator, and the empty line behind it. */
export function mboxEntry(e: Exported, raw: Bytes, note = ""): Bytes {
	const lines = withLf(raw);
	const text = quoted(lines, headEnd(lines));
	const end = text.at(-1) === newline ? "\n" : "\n\n";
	return concat([bytesOf(`From ${sender(e)} ${asctime(Date.parse(e.receivedAt))}\n${statusFields(e)}${note}`), text, bytesOf(end)]);
}

/** Letters for keywords that have no flag, as Dovecot keeps them beside the messages. */
export class KeywordLetters {
	private readonly letters = new Map<string, string>();

	of(keywords: Record<string, boolean>): string {
		const named = new Set(flagLetters.map(([k]) => k));
		const out = Object.keys(keywords).filter((k) => !named.has(k)).map((k) => this.letter(k));
		return out.sort().join("");
	}

	private letter(keyword: string): string {
		if (!this.letters.has(keyword) && this.letters.size < 26)
			this.letters.set(keyword, String.fromCharCode(97 + this.letters.size));
		return this.letters.get(keyword) ?? "";
	}

	get file(): string {
		return [...this.letters.keys()].map((k, i) => `${i} ${k}\n`).join("");
	}
}

export function maildirName(e: Exported, letters: KeywordLetters): string {
	const flags = flagLetters.filter(([k]) => e.keywords[k]).map(([, l]) => l).join("");
	return `${Math.floor(Date.parse(e.receivedAt) / 1000)}.${e.id}.letterlock:2,${flags}${letters.of(e.keywords)}`;
}

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name that every file system takes. */
export function fileName(text: string): string {
	const plain = text.normalize("NFC").replace(/[\u0000-\u001f\u007f-\u009f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "_").trim().replace(/^\.+|[. ]+$/g, "").slice(0, 80);
	return !plain || reserved.test(plain) ? `_${plain}` : plain;
}

/** "2024-01-31 Subject.eml", with a number where that is taken. */
export function emlName(e: Exported, taken: Set<string>): string {
	const base = `${e.receivedAt.slice(0, 10)} ${fileName(e.subject ?? "").slice(0, 60)}`.trim();
	let name = base;
	for (let n = 2; taken.has(name.toLowerCase()); n++)
		name = `${base} ${n}`;
	taken.add(name.toLowerCase());
	return `${name}.eml`;
}
