// Header fields of messages: encoded words both ways, folding, addresses.
import { base64, unbase64, utf8 } from "../keys/bytes";

const LINE_MAX = 76;

function ascii(text: string): boolean {
	return /^[\t\x20-\x7e]*$/.test(text);
}

/** RFC 2047 "B" words of at most 75 characters, broken between characters. */
function encodedWords(text: string): string {
	const words: string[] = [];
	let piece = "";
	const flush = () => {
		if (piece) words.push(`=?utf-8?B?${base64(utf8(piece))}?=`);
		piece = "";
	};
	for (const c of text) {
		if (utf8(piece + c).length > 36) flush();
		piece += c;
	}
	flush();
	return words.join(" ");
}

/** Line breaks in a value would start another field. */
function oneLine(text: string): string {
	return text.replace(/[\r\n\0]+/g, " ");
}

/** Unstructured text: as it is when it is ASCII and cannot be taken for an encoded word. */
export function encodeText(text: string): string {
	const line = oneLine(text);
	return ascii(line) && !line.includes("=?") ? line : encodedWords(line);
}

export interface Mailbox {
	name: string;
	address: string;
}

/** A local part that needs no quotes, "@", a domain. */
export function addressValid(address: string): boolean {
	return address.length <= 320 && /^[^\s\x00-\x20\x7f()<>[\]:;@\\,"]+@[^\s\x00-\x20\x7f()<>[\]:;@\\,"]+$/.test(address);
}

export function encodeMailbox(m: Mailbox): string {
	if (!addressValid(m.address)) throw new Error("not a mail address");
	const name = oneLine(m.name).trim();
	if (!name) return m.address;
	if (!ascii(name) || name.includes("=?")) return `${encodedWords(name)} <${m.address}>`;
	const phrase = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
	return `${phrase} <${m.address}>`;
}

export function encodeMailboxes(list: Mailbox[]): string {
	return list.map(encodeMailbox).join(", ");
}

/** "Name: value" folded at spaces, with its CRLF. */
export function foldField(name: string, value: string): string {
	const lines: string[] = [];
	let line = `${name}:`;
	for (const word of value.split(" ")) {
		if (line.length + 1 + word.length > LINE_MAX && line.trim() !== "" && line !== `${name}:`) {
			lines.push(line);
			line = "";
		}
		line += ` ${word}`;
	}
	return `${[...lines, line].join("\r\n")}\r\n`;
}

function decodeWord(charset: string, encoding: string, text: string): string {
	try {
		const bytes =
			encoding.toUpperCase() === "B"
				? unbase64(text.padEnd(Math.ceil(text.length / 4) * 4, "="))
				: Uint8Array.from(
						text
							.replace(/_/g, " ")
							.replace(/=([0-9A-Fa-f]{2})/g, (_, h: string) => String.fromCharCode(parseInt(h, 16))),
						(c) => c.charCodeAt(0) & 255,
					);
		return new TextDecoder(charset.replace(/\*.*/, "")).decode(bytes);
	} catch {
		return text;
	}
}

/** A field's text with its encoded words resolved and, where bytes stand in it, as UTF-8. */
export function decodeText(value: string): string {
	const bytes = /[\x80-\xff]/.test(value)
		? new TextDecoder().decode(Uint8Array.from(value, (c) => c.charCodeAt(0) & 255))
		: value;
	return bytes
		.replace(/(=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[BbQq]\?)/g, "$1")
		.replace(/=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=/g, (_, c: string, e: string, t: string) => decodeWord(c, e, t));
}

/** The address of a From field with exactly one mailbox, in lower case; undefined otherwise. */
export function singleAddress(value: string | undefined): string | undefined {
	if (value === undefined) return undefined;
	// Quoted strings and comments may hold anything: they go before addresses are looked for.
	const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, "").replace(/\((?:[^()\\]|\\.)*\)/g, "");
	const angle = [...bare.matchAll(/<([^<>]*)>/g)].map((m) => (m[1] ?? "").trim());
	const found = angle.length ? angle : [bare.trim()];
	if (found.length !== 1 || bare.replace(/<[^<>]*>/g, "").includes(",")) return undefined;
	const address = (found[0] ?? "").toLowerCase();
	return addressValid(address) ? address : undefined;
}
