// MIME entities as byte ranges: a signature covers bytes, so nothing here decodes and encodes again.
// Strict about what decides on trust (one Content-Type, a proper boundary), lenient elsewhere.
import { type Bytes, utf8 } from "../keys/bytes";

const HEADER_MAX = 256 * 1024;
const FIELDS_MAX = 1000;
const PARTS_MAX = 200;

export interface Field {
	name: string; // as it stands
	value: string; // unfolded, without the line end; latin-1 characters stand for bytes
}

export interface Entity {
	bytes: Bytes; // the whole
	fields: Field[];
	body: Bytes;
}

interface ContentType {
	type: string; // "text/plain", lower case
	params: Map<string, string>; // names in lower case
}

const CR = 13;
const LF = 10;

function latin1(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i += 0x8000)
		text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
	return text;
}

/** Where the body begins, and where the header ends. */
function split(bytes: Bytes): { head: number; body: number } {
	let start = 0;
	while (start < bytes.length) {
		let end = bytes.indexOf(LF, start);
		if (end < 0) end = bytes.length;
		const len = end - start - (bytes[end - 1] === CR && end > start ? 1 : 0);
		if (len === 0) return { head: start, body: Math.min(end + 1, bytes.length) };
		start = end + 1;
	}
	return { head: bytes.length, body: bytes.length };
}

function fieldsOf(head: string): Field[] {
	const fields: Field[] = [];
	for (const line of head.split(/\r?\n/)) {
		const last = fields.at(-1);
		if (/^[ \t]/.test(line) && last) {
			last.value += line;
			continue;
		}
		const m = /^([!-9;-~]+)[ \t]*:(.*)$/.exec(line);
		if (m && fields.length < FIELDS_MAX) fields.push({ name: m[1] ?? "", value: m[2] ?? "" });
	}
	for (const f of fields) f.value = f.value.trim();
	return fields;
}

export function parseEntity(bytes: Bytes): Entity {
	const { head, body } = split(bytes);
	const fields = head > HEADER_MAX ? [] : fieldsOf(latin1(bytes.subarray(0, head)));
	return { bytes, fields, body: bytes.slice(body) };
}

/** All values of a field. */
export function fieldValues(e: { fields: Field[] }, name: string): string[] {
	const wanted = name.toLowerCase();
	return e.fields.filter((f) => f.name.toLowerCase() === wanted).map((f) => f.value);
}

/** The only value of a field; undefined when it is missing or stands there twice. */
export function fieldValue(e: { fields: Field[] }, name: string): string | undefined {
	const values = fieldValues(e, name);
	return values.length === 1 ? values[0] : undefined;
}

/** RFC 2045 section 5.1: type and parameters; comments are not known here. */
export function parseContentType(value: string | undefined): ContentType {
	const text = value ?? "text/plain";
	const m = /^\s*([^\s;/]+\/[^\s;]+)\s*/.exec(text);
	const params = new Map<string, string>();
	if (!m) return { type: "application/octet-stream", params };
	const rest = text.slice(m[0].length);
	const one = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*/gy;
	for (let p = one.exec(rest); p; p = one.exec(rest)) {
		const name = (p[1] ?? "").toLowerCase();
		// A parameter given twice means two things to two readers: the first one counts for all.
		if (!params.has(name)) params.set(name, (p[2] ?? p[3] ?? "").replace(/\\(.)/g, "$1"));
	}
	return { type: (m[1] ?? "").toLowerCase(), params };
}

export function contentType(e: Entity): ContentType {
	const values = fieldValues(e, "content-type");
	if (values.length > 1) return { type: "application/octet-stream", params: new Map() };
	return parseContentType(values[0]);
}

/** The next line that is the boundary, from `from` on: where it starts, where the line after it
 * starts, and whether it closes. */
function nextBoundary(
	body: Bytes,
	mark: Bytes,
	from: number,
): { at: number; after: number; closes: boolean } | undefined {
	for (let start = from; start < body.length; ) {
		let end = body.indexOf(LF, start);
		if (end < 0) end = body.length;
		if (mark.every((b, i) => body[start + i] === b)) {
			const rest = latin1(body.subarray(start + mark.length, end)).replace(/[ \t\r]+$/, "");
			if (rest === "" || rest === "--")
				return { at: start, after: Math.min(end + 1, body.length), closes: rest === "--" };
		}
		start = end + 1;
	}
	return undefined;
}

/** The line end before a boundary belongs to the boundary. */
function withoutLineEnd(body: Bytes, from: number, to: number): Bytes {
	let end = to;
	if (end > from && body[end - 1] === LF) end--;
	if (end > from && body[end - 1] === CR) end--;
	return body.slice(from, end);
}

interface Multipart {
	parts: Bytes[];
	closed: boolean; // the closing boundary was there
}

/** The parts of a multipart, byte for byte. undefined when it is none. */
export function parts(e: Entity): Multipart | undefined {
	const { type, params } = contentType(e);
	const boundary = params.get("boundary") ?? "";
	if (!type.startsWith("multipart/") || boundary === "" || boundary.length > 200) return undefined;
	const mark = utf8(`--${boundary}`);
	const found: Bytes[] = [];
	let open = nextBoundary(e.body, mark, 0);
	while (open && !open.closes && found.length < PARTS_MAX) {
		const next = nextBoundary(e.body, mark, open.after);
		found.push(withoutLineEnd(e.body, open.after, next?.at ?? e.body.length));
		open = next;
	}
	return { parts: found, closed: open?.closes ?? false };
}

/** Line ends as they are sent: CRLF. */
export function toCrlf(bytes: Bytes): Bytes {
	let bare = 0;
	for (let i = 0; i < bytes.length; i++)
		if (bytes[i] === LF && (i === 0 || bytes[i - 1] !== CR)) bare++;
	if (bare === 0) return bytes;
	const out = new Uint8Array(bytes.length + bare);
	let at = 0;
	for (let i = 0; i < bytes.length; i++) {
		if (bytes[i] === LF && (i === 0 || bytes[i - 1] !== CR)) out[at++] = CR;
		out[at++] = bytes[i] as number;
	}
	return out;
}

function decodeQ(bytes: Bytes): Bytes {
	const text = latin1(bytes).replace(/[ \t]+(?=\r?\n|$)/g, "").replace(/=\r?\n/g, "");
	const plain = text.replace(/=([0-9A-Fa-f]{2})/g, (_, h: string) => String.fromCharCode(parseInt(h, 16)));
	return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** The body without its transfer encoding. */
export function decodedBody(e: Entity): Bytes {
	const encoding = (fieldValue(e, "content-transfer-encoding") ?? "7bit").trim().toLowerCase();
	if (encoding === "quoted-printable") return decodeQ(e.body);
	if (encoding !== "base64") return e.body;
	const text = latin1(e.body).replace(/[^A-Za-z0-9+/]/g, "");
	const whole = text.slice(0, text.length - (text.length % 4 === 1 ? 1 : 0));
	return Uint8Array.from(atob(whole.padEnd(Math.ceil(whole.length / 4) * 4, "=")), (c) => c.charCodeAt(0));
}

/** The text of a text part; what the charset cannot tell becomes U+FFFD. */
export function decodedText(e: Entity): string {
	const charset = contentType(e).params.get("charset") ?? "utf-8";
	let decoder: TextDecoder;
	try {
		decoder = new TextDecoder(charset === "us-ascii" ? "utf-8" : charset);
	} catch {
		decoder = new TextDecoder("windows-1252");
	}
	return decoder.decode(decodedBody(e));
}
