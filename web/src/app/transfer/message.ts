// What an importer must know of a message: when it was received, what programs have noted in it (Status,
// X-Mozilla-Status, X-Gmail-Labels), and its bytes without those notes and with the line ends of mail.
// RFC 5322 for the header, RFC 2047 for labels.
import { type Bytes, bytesOf, concat, latin1, textOf } from "./bytes.ts";

export interface Field { name: string; value: string; from: number; to: number }

const newline = 10;
const carriage = 13;
const longestHead = 1 << 20;
const mostFields = 2000;

/** Where the text begins, behind the empty line; the whole length where there is none. */
export function headEnd(raw: Uint8Array): number {
	let at = 0;
	while (at < raw.length) {
		const end = raw.indexOf(newline, at);
		if (end < 0)
			return raw.length;
		if (end === at || (end === at + 1 && raw[at] === carriage))
			return end + 1;
		at = end + 1;
	}
	return raw.length;
}

/** The fields of the header, unfolded, each with its place; lines that are none are left out. */
export function fieldsOf(raw: Uint8Array, end = headEnd(raw)): Field[] {
	const text = latin1(raw.subarray(0, Math.min(end, longestHead)));
	const out: Field[] = [];
	const line = /([!-9;-~]+)[ \t]*:((?:[^\n]|\n[ \t])*)(?:\n|$)|[^\n]*\n|[^\n]+$/gy;
	for (const m of text.matchAll(line)) {
		if (out.length >= mostFields)
			break;
		if (m[1] !== undefined)
			out.push({ name: m[1].toLowerCase(), value: (m[2] ?? "").replace(/\r?\n/g, "").trim(), from: m.index, to: m.index + m[0].length });
	}
	return out;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const zones: Record<string, number> = { EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420, CET: 60, CEST: 120 };

function zoneMinutes(text: string | undefined): number {
	const number = /([+-])(\d\d):?(\d\d)/.exec(text ?? "");
	if (!number)
		return zones[text?.trim().toUpperCase() ?? ""] ?? 0;
	const minutes = Number(number[2]) * 60 + Number(number[3]);
	return number[1] === "-" ? -minutes : minutes;
}

/** Mail is of no other time than these. */
const oldest = Date.UTC(1971, 0, 1);
const newest = () => Date.now() + 2 * 86_400_000;

function moment(year: number, month: number, day: number, clock: readonly [number, number, number], zone: number): number | null {
	const full = year < 50 ? 2000 + year : year < 100 ? 1900 + year : year;
	const at = Date.UTC(full, month, day, ...clock) - zone * 60_000;
	const there = new Date(Date.UTC(full, month, day));
	return month >= 0 && there.getUTCDate() === day && clock[0] < 24 && clock[1] < 60 && clock[2] <= 60 && at >= oldest && at <= newest() ? at : null;
}

/** "Mon, 1 Jan 2024 12:00:00 +0100", also with what old programs write (RFC 5322 section 4.3). */
export function parseDate(text: string): number | null {
	const plain = text.replace(/\([^()]*\)/g, " ");
	const m = /(\d{1,2})[ \t-]+([A-Za-z]{3})[a-z]*[ \t-]+(\d{4}|\d{2})[ \t]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?[ \t]*([+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?/.exec(plain);
	if (!m)
		return null;
	return moment(Number(m[3]), months.indexOf((m[2] ?? "").toLowerCase()), Number(m[1]), [Number(m[4]), Number(m[5]), Number(m[6] ?? 0)], zoneMinutes(m[7]));
}

/** The date of a separator line: asctime, in UTC where no zone is named (RFC 4155). */
export function parseFromLine(text: string): number | null {
	const m = /([A-Za-z]{3})[ \t]+(\d{1,2})[ \t]+(\d{1,2}):(\d{2})(?::(\d{2}))?[ \t]*([+-]\d{4}|[A-Z]{2,5})?[ \t]*(\d{4})[ \t]*([+-]\d{4})?/.exec(text);
	if (!m)
		return null;
	return moment(Number(m[7]), months.indexOf((m[1] ?? "").toLowerCase()), Number(m[2]), [Number(m[3]), Number(m[4]), Number(m[5] ?? 0)], zoneMinutes(m[6] ?? m[8]));
}

/** The newest Received field tells when the message came, else Date when it was written. */
export function headerDate(fields: readonly Field[]): number | null {
	const received = fields.find((f) => f.name === "received")?.value;
	const came = received === undefined ? null : parseDate(received.slice(received.lastIndexOf(";") + 1));
	if (came !== null)
		return came;
	const written = fields.find((f) => f.name === "date")?.value;
	return written === undefined ? null : parseDate(written);
}

// --- what mail programs write into messages that they keep ---

export interface Notes {
	keywords: string[];
	/** Nothing at all is noted. */
	none: boolean;
	/** Marked as deleted, and only there because the file was not compacted. */
	deleted: boolean;
	/** X-Gmail-Labels. */
	labels: string[] | null;
	/** What an export of ours says of the bytes that it could not keep. */
	original: Original | null;
}

export interface Original { size: number; sha: string }

/** Fields that belong to the file and not to the message. */
const storage = new Set(["status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "content-length", "x-mozilla-status", "x-mozilla-status2", "x-mozilla-keys", "x-gmail-labels", "x-gm-thrid", "x-letterlock-original"]);

export const isStorage = (field: Field): boolean => storage.has(field.name);

const letters: Record<string, string> = { R: "$seen", A: "$answered", F: "$flagged", T: "$draft" };
const keywordPattern = /^[!#$&'+,\-.\/0-9:;<=>?@A-Z^_`a-z|}~]{1,64}$/;

/** A keyword that JMAP takes (RFC 8621 section 4.1.1). */
export const isKeyword = (text: string): boolean => keywordPattern.test(text) && text !== "$deleted" && text !== "$recent";

const bits: ReadonlyArray<readonly [number, string]> = [[1, "$seen"], [2, "$answered"], [4, "$flagged"], [0x1000, "$forwarded"]];

export function notesOf(fields: readonly Field[]): Notes {
	const get = (name: string) => fields.find((f) => f.name === name)?.value;
	const found = new Set<string>();
	const status = `${get("status") ?? ""}${get("x-status") ?? ""}`;
	const mozilla = Number.parseInt(get("x-mozilla-status") ?? "", 16);
	for (const letter of status)
		found.add(letters[letter] ?? "");
	for (const [bit, keyword] of bits)
		if (mozilla & bit)
			found.add(keyword);
	for (const word of `${get("x-keywords") ?? ""} ${get("x-mozilla-keys") ?? ""}`.toLowerCase().split(/[\s,]+/))
		if (isKeyword(word))
			found.add(word);
	found.delete("");
	const labels = get("x-gmail-labels");
	return {
		keywords: [...found],
		none: !["status", "x-status", "x-mozilla-status", "x-gmail-labels"].some((n) => get(n) !== undefined),
		deleted: status.includes("D") || Boolean(mozilla & 8),
		labels: labels === undefined ? null : splitLabels(decodeWords(labels)),
		original: originalOf(get("x-letterlock-original") ?? ""),
	};
}

function originalOf(text: string): Original | null {
	const m = /^(\d{1,12}) ([A-Za-z0-9+/]{43}=)$/.exec(text);
	return m ? { size: Number(m[1]), sha: m[2] ?? "" } : null;
}

/** Labels are set off by commas; one that has a comma is in quotation marks. */
function splitLabels(text: string): string[] {
	return [...text.matchAll(/\s*(?:"((?:[^"\\]|\\.)*)"|([^,]+))\s*(?:,|$)/g)]
		.map((m) => (m[1] !== undefined ? m[1].replace(/\\(.)/g, "$1") : m[2] ?? "").trim())
		.filter(Boolean);
}

function wordBytes(kind: string, text: string): Bytes {
	const codes = kind.toLowerCase() === "b"
		? atob(text.replace(/[^A-Za-z0-9+/]/g, ""))
		: text.replace(/_/g, " ").replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	return Uint8Array.from(codes, (c) => c.charCodeAt(0));
}

function decodeOne(charset: string, bytes: Uint8Array): string {
	try {
		return new TextDecoder(charset).decode(bytes);
	} catch {
		return textOf(bytes);
	}
}

/** RFC 2047. Neighbours of one charset are joined before they are decoded: programs cut within a character. */
export function decodeWords(text: string): string {
	return utf8Raw(text).replace(/=\?[^?\s]+\?[bq]\?[^?]*\?=(?:\s+=\?[^?\s]+\?[bq]\?[^?]*\?=)*/gi, (all) => {
		const words = [...all.matchAll(/=\?([^?*\s]+)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi)];
		const parts: Array<{ charset: string; bytes: Uint8Array[] }> = [];
		for (const [, charset = "", kind = "", body = ""] of words) {
			const last = parts.at(-1);
			const bytes = safeWord(kind, body);
			if (last?.charset === charset.toLowerCase())
				last.bytes.push(bytes);
			else
				parts.push({ charset: charset.toLowerCase(), bytes: [bytes] });
		}
		return parts.map((p) => decodeOne(p.charset, concat(p.bytes))).join("");
	});
}

function safeWord(kind: string, text: string): Bytes {
	try {
		return wordBytes(kind, text);
	} catch {
		return bytesOf(text);
	}
}

/** Fields are read as latin1; what is UTF-8 in them becomes that. */
function utf8Raw(text: string): string {
	return /[\x80-\xff]/.test(text) ? textOf(Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff)) : text;
}

export function headText(fields: readonly Field[], name: string): string {
	return decodeWords(fields.find((f) => f.name === name)?.value ?? "").slice(0, 200);
}

/** Without the fields that programs keep for themselves. */
export function withoutStorage(raw: Bytes, fields: readonly Field[]): Bytes {
	const cuts = fields.filter(isStorage);
	if (cuts.length === 0)
		return raw;
	const parts: Uint8Array[] = [];
	let from = 0;
	for (const cut of cuts) {
		parts.push(raw.subarray(from, cut.from));
		from = cut.to;
	}
	return concat([...parts, raw.subarray(from)]);
}

/** Every line ends with CRLF; a CR that ends no line stays as it is. */
export function withCrlf(raw: Bytes): Bytes {
	let bare = 0;
	for (let at = raw.indexOf(newline); at >= 0; at = raw.indexOf(newline, at + 1))
		if (at === 0 || raw[at - 1] !== carriage)
			bare++;
	if (bare === 0)
		return raw;
	const out = new Uint8Array(raw.length + bare);
	let to = 0;
	let from = 0;
	for (let at = raw.indexOf(newline); at >= 0; at = raw.indexOf(newline, at + 1)) {
		if (at > 0 && raw[at - 1] === carriage)
			continue;
		out.set(raw.subarray(from, at), to);
		to += at - from;
		out[to++] = carriage;
		out[to++] = newline;
		from = at + 1;
	}
	out.set(raw.subarray(from), to);
	return out;
}

const telling = new Set(["from", "to", "subject", "date", "message-id", "received", "mime-version", "content-type", "return-path", "delivered-to", "sender", "x-mozilla-status"]);

/** Whether these bytes begin like a message. */
export function looksLikeMessage(head: Uint8Array): boolean {
	const fields = fieldsOf(head);
	return fields.length > 0 && fields[0]?.from === 0 && fields.some((f) => telling.has(f.name));
}
