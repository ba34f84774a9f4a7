// Builds messages: the entity that is shown, with its protected header fields (RFC 9788), and around
// it PGP/MIME (RFC 3156) or nothing. Lines end with CRLF, byte for byte as they are sent.
import { base64, type Bytes, concat, hex, random, utf8 } from "../keys/bytes";
import { encodeMailboxes, encodeText, foldField, type Mailbox } from "./header";

export interface Attachment {
	name: string;
	type: string;
	content: Bytes;
	/** Named by the HTML as cid:...: shown in the text rather than listed. */
	contentId?: string | undefined;
}

export interface Draft {
	from: Mailbox;
	to: Mailbox[];
	cc: Mailbox[];
	replyTo?: Mailbox[] | undefined;
	subject: string;
	date: Date;
	messageId: string; // without angle brackets
	inReplyTo?: string | undefined;
	references?: string[] | undefined;
	text: string;
	html?: string | undefined;
	attachments: Attachment[];
	/** Further fields of the outer header, such as Autocrypt. */
	extra?: { name: string; value: string }[] | undefined;
}

/** What stands outside instead of an encrypted subject (RFC 9788 section 3.2.1). */
const HIDDEN_SUBJECT = "[...]";
const CRLF = "\r\n";

interface HeaderField {
	name: string;
	value: string;
}

function dateText(d: Date): string {
	return d.toUTCString().replace("GMT", "+0000");
}

function messageIds(ids: string[]): string {
	return ids.map((id) => `<${id.replace(/[<>\s]/g, "")}>`).join(" ");
}

/** The message's own fields, encoded, in the order in which they are written. */
function headerFields(d: Draft): HeaderField[] {
	const fields: (HeaderField | undefined)[] = [
		{ name: "From", value: encodeMailboxes([d.from]) },
		d.to.length ? { name: "To", value: encodeMailboxes(d.to) } : undefined,
		d.cc.length ? { name: "Cc", value: encodeMailboxes(d.cc) } : undefined,
		d.replyTo?.length ? { name: "Reply-To", value: encodeMailboxes(d.replyTo) } : undefined,
		{ name: "Subject", value: encodeText(d.subject) },
		{ name: "Date", value: dateText(d.date) },
		{ name: "Message-ID", value: messageIds([d.messageId]) },
		d.inReplyTo ? { name: "In-Reply-To", value: messageIds([d.inReplyTo]) } : undefined,
		d.references?.length ? { name: "References", value: messageIds(d.references) } : undefined,
	];
	return fields.filter((f) => f !== undefined);
}

function fold(fields: HeaderField[]): string {
	return fields.map((f) => foldField(f.name, f.value)).join("");
}

function boundary(): string {
	return `=_${hex(random(16))}`;
}

/** Quoted-printable of UTF-8 text, lines of at most 76 characters. Spaces at line ends and "From "
 * are encoded too, so that no relay changes what was signed. */
export function quotedPrintable(text: string): string {
	return text
		.replace(/\r\n|\r|\n/g, "\n")
		.split("\n")
		.map(quotedLine)
		.join(CRLF);
}

function quotedLine(line: string): string {
	const units: string[] = [];
	const bytes = utf8(line);
	bytes.forEach((b, i) => {
		const space = b === 32 || b === 9;
		const safe = (b > 32 && b < 127 && b !== 61) || (space && i < bytes.length - 1);
		const first = i === 0 && (b === 46 || line.startsWith("From "));
		units.push(safe && !first ? String.fromCharCode(b) : `=${b.toString(16).toUpperCase().padStart(2, "0")}`);
	});
	const lines: string[] = [""];
	for (const u of units) {
		if ((lines.at(-1) as string).length + u.length > 75) {
			lines[lines.length - 1] += "=";
			lines.push("");
		}
		lines[lines.length - 1] += u;
	}
	return lines.join(CRLF);
}

function base64Lines(bytes: Bytes): string {
	return base64(bytes).replace(/.{76}(?=.)/g, `$&${CRLF}`);
}

/** RFC 2231 for names that are not ASCII, quotes otherwise. */
function parameter(name: string, value: string): string {
	const clean = value.replace(/[\r\n\0]/g, " ");
	if (/^[\x20-\x7e]*$/.test(clean)) return `${name}="${clean.replace(/["\\]/g, "\\$&")}"`;
	const encoded = encodeURIComponent(clean).replace(/['()*!~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
	return `${name}*=utf-8''${encoded}`;
}

/** One part: its Content-Type with parameters, further fields, and an encoded body. */
interface Part {
	type: string;
	fields: string[];
	body: string;
}

function textPart(type: "text/plain" | "text/html", text: string): Part {
	return {
		type: `${type}; charset="utf-8"`,
		fields: ["Content-Transfer-Encoding: quoted-printable"],
		body: quotedPrintable(text),
	};
}

function attachmentPart(a: Attachment): Part {
	const type = /^[\w.+-]+\/[\w.+-]+$/.test(a.type) ? a.type : "application/octet-stream";
	const fields = ["Content-Transfer-Encoding: base64"];
	fields.push(`Content-Disposition: ${a.contentId ? "inline" : "attachment"};${CRLF}\t${parameter("filename", a.name)}`);
	if (a.contentId) fields.push(`Content-ID: <${a.contentId.replace(/[<>\s]/g, "")}>`);
	return { type, fields, body: base64Lines(a.content) };
}

function multipart(subtype: string, children: Part[]): Part {
	const mark = boundary();
	const body = children.map((c) => `--${mark}${CRLF}${partText(c)}${CRLF}`).join("");
	return { type: `multipart/${subtype}; boundary="${mark}"`, fields: [], body: `${body}--${mark}--${CRLF}` };
}

function partText(p: Part, extra = ""): string {
	return `${extra}Content-Type: ${p.type}${CRLF}${p.fields.map((f) => f + CRLF).join("")}${CRLF}${p.body}`;
}

function content(d: Pick<Draft, "text" | "html" | "attachments">): Part {
	const text = textPart("text/plain", d.text);
	const inline = d.attachments.filter((a) => a.contentId && d.html).map(attachmentPart);
	const listed = d.attachments.filter((a) => !(a.contentId && d.html)).map(attachmentPart);
	let body = text;
	if (d.html !== undefined) {
		const html = textPart("text/html", d.html);
		const related = inline.length ? multipart("related", [html, ...inline]) : html;
		body = multipart("alternative", [text, related]);
	}
	return listed.length ? multipart("mixed", [body, ...listed]) : body;
}

/** A whole message without cryptography. */
export function plainMessage(d: Draft): Bytes {
	return utf8(`${fold([...headerFields(d), ...(d.extra ?? [])])}MIME-Version: 1.0${CRLF}${partText(content(d))}`);
}

/** The outer header's fields of an encrypted message: hcp_baseline of RFC 9788, which hides the
 * subject and nothing that mail systems need. */
function outerFields(d: Draft, encrypted: boolean): HeaderField[] {
	if (!encrypted) return headerFields(d);
	return headerFields(d).map((f) => (f.name === "Subject" ? { name: f.name, value: HIDDEN_SUBJECT } : f));
}

/** The entity that is signed or encrypted. hp says how (RFC 9788 section 2.1); protected-headers is
 * for programs that know only its forerunner. */
export function payload(d: Draft, encrypted: boolean): Bytes {
	const part = content(d);
	const hp = encrypted ? "cipher" : "clear";
	const type = `${part.type};${CRLF}\tprotected-headers="v1"; hp="${hp}"`;
	const outer = encrypted ? outerFields(d, true).map((f) => foldField("HP-Outer", `${f.name}: ${f.value}`)) : [];
	return utf8(partText({ ...part, type }, fold(headerFields(d)) + outer.join("")));
}

/** What the reader of a letter under a password answers. It names nobody, since nothing proves who that is. */
export function replyPayload(d: Pick<Draft, "subject" | "text" | "attachments">): Bytes {
	const part = content(d);
	const type = `${part.type};${CRLF}\tprotected-headers="v1"; hp="cipher"`;
	return utf8(partText({ ...part, type }, fold([{ name: "Subject", value: encodeText(d.subject) }])));
}

function armoredLines(armored: string): string {
	return armored.replace(/\r?\n/g, CRLF);
}

/** multipart/encrypted around an armored OpenPGP message. */
export function encryptedMessage(d: Draft, armored: string): Bytes {
	const version: Part = {
		type: "application/pgp-encrypted",
		fields: ["Content-Description: PGP/MIME version identification"],
		body: `Version: 1${CRLF}`,
	};
	const data: Part = {
		type: 'application/octet-stream; name="encrypted.asc"',
		fields: ["Content-Description: OpenPGP encrypted message", 'Content-Disposition: inline; filename="encrypted.asc"'],
		body: armoredLines(armored),
	};
	const whole = multipart(`encrypted; protocol="application/pgp-encrypted"`, [version, data]);
	const head = fold([...outerFields(d, true), ...(d.extra ?? [])]);
	return utf8(`${head}MIME-Version: 1.0${CRLF}${partText(whole)}`);
}

/** multipart/signed around an entity and its detached signature. */
export function signedMessage(d: Draft, entity: Bytes, armored: string, micalg: string): Bytes {
	const mark = boundary();
	const type = `multipart/signed; micalg="pgp-${micalg}";${CRLF}\tprotocol="application/pgp-signature"; boundary="${mark}"`;
	const head = fold([...outerFields(d, false), ...(d.extra ?? [])]);
	const signature = [
		`${CRLF}--${mark}`,
		'Content-Type: application/pgp-signature; name="signature.asc"',
		"Content-Description: OpenPGP digital signature",
		'Content-Disposition: attachment; filename="signature.asc"',
		"",
		armoredLines(armored),
		`--${mark}--`,
		"",
	].join(CRLF);
	return concat(
		utf8(`${head}MIME-Version: 1.0${CRLF}Content-Type: ${type}${CRLF}${CRLF}--${mark}${CRLF}`),
		entity,
		utf8(signature),
	);
}
