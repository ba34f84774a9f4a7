// Letters to people who have no key: a link whose secret stands in the fragment, which browsers do
// not send, and a password that the sender tells by another way. Both are needed.
//
//	fragment = base64url(1 || id:16 || secret:32)
//	stretched = Argon2id(password, salt = Expand(secret, "salt", 16), 64 MiB, 3 passes, 1 lane)
//	L = HKDF-Extract("letterlock/1/link", stretched || secret || id)
//	Expand(L, "access")   proves both to the server, which keeps a hash of it and counts attempts
//	Expand(L, "letter")   opens the letter: a record of kind link
//
// The letter names the data key of its parts (records of kind file) and the OpenPGP key that replies are
// encrypted to, so that its sender reads them like any other mail. docs/api/letters.md has the whole form.
import { argon2id } from "hash-wasm";
import { base64, base64url, type Bytes, concat, copy, random, unbase64, unbase64url, utf8, utf8Decode, wipe } from "./bytes";
import { KeysError } from "./error";
import { derive, extract256 } from "./kdf";
import { header, type Header, ID_LEN, KEY_LEN, symOpen, symSeal } from "./record";
import { authHash } from "./unlock";

const VERSION = 1;
export const PARTS_MAX = 100;
const TEXT_MAX = 1000; // characters of a name or subject
const REPLY_KEY_MAX = 24 * 1024;

interface LetterPart {
	name: string;
	type: string;
	/** By which the HTML names a picture; "": it does not. */
	cid: string;
	content: Bytes;
}

export interface LetterInput {
	from: string; // an address
	name: string;
	subject: string;
	date: number; // seconds since 1970
	/** An OpenPGP public key, binary; empty: no replies. */
	replyKey: Bytes;
	/** The text first, its HTML form second if there is one, then attachments. */
	parts: LetterPart[];
}

/** What the link record says. */
export interface Letter {
	id: Bytes;
	from: string;
	name: string;
	subject: string;
	date: number;
	parts: { name: string; type: string; size: number; cid: string }[];
	dataKey: Bytes;
	replyKey: Bytes;
}

export interface LetterMade {
	id: Bytes;
	fragment: string;
	/** For the server: a hash of what the reader must prove. */
	accessHash: Bytes;
	/** Sealed: the link record, then the parts. */
	records: Bytes[];
}

export interface LetterKeys {
	id: Bytes;
	access: Bytes;
	key: Bytes;
}

function linkHeader(id: Bytes): Header {
	// A reader knows no account; the id is random and names this letter alone.
	return header("link", { object: id });
}

function partHeader(id: Bytes, part: number): Header {
	return header("file", { object: id, part });
}

async function stretch(password: string, secret: Bytes): Promise<Bytes> {
	const bytes = utf8(password.replace(/\p{Zs}/gu, " ").normalize("NFC"));
	if (bytes.length === 0) throw new KeysError("syntax", "the password is empty");
	const cost = { iterations: 3, parallelism: 1, memorySize: 65536, hashLength: 32 };
	const salt = derive(secret, "salt", 16);
	const out = copy(await argon2id({ password: bytes, salt, ...cost, outputType: "binary" }));
	wipe(bytes);
	return out;
}

async function keysOf(id: Bytes, secret: Bytes, password: string): Promise<LetterKeys> {
	const stretched = await stretch(password, secret);
	const ikm = concat(stretched, secret, id);
	const l = extract256(utf8("letterlock/1/link"), ikm);
	const keys = { id, access: derive(l, "access"), key: derive(l, "letter") };
	wipe(stretched, ikm, l);
	return keys;
}

/** Only the id: what the page asks the server for before it asks for the password. */
export function letterId(fragment: string): Bytes {
	return split(fragment).id;
}

function split(fragment: string): { id: Bytes; secret: Bytes } {
	const bytes = unbase64url(fragment.replace(/^#/, ""));
	if (bytes.length !== 1 + ID_LEN + KEY_LEN || bytes[0] !== VERSION)
		throw new KeysError("syntax", "not the link of a letter");
	return { id: bytes.slice(1, 1 + ID_LEN), secret: bytes.slice(1 + ID_LEN) };
}

function describe(input: LetterInput, dataKey: Bytes): Bytes {
	const short = (text: string) => text.slice(0, TEXT_MAX);
	return utf8(
		JSON.stringify({
			from: short(input.from),
			name: short(input.name),
			subject: short(input.subject),
			date: input.date,
			parts: input.parts.map((p) => ({ name: short(p.name), type: short(p.type), size: p.content.length, cid: short(p.cid) })),
			dataKey: base64(dataKey),
			replyKey: base64(input.replyKey),
		}),
	);
}

export async function letterMake(input: LetterInput, password: string): Promise<LetterMade> {
	if (input.parts.length === 0 || input.parts.length > PARTS_MAX)
		throw new KeysError("limit", "too many parts, or none");
	if (input.replyKey.length > REPLY_KEY_MAX) throw new KeysError("limit", "the key for replies is too long");
	const [id, secret, dataKey] = [random(ID_LEN), random(KEY_LEN), random(KEY_LEN)];
	const keys = await keysOf(id, secret, password);
	const body = describe(input, dataKey);
	const records = [await symSeal(keys.key, linkHeader(id), body)];
	for (const [i, p] of input.parts.entries()) records.push(await symSeal(dataKey, partHeader(id, i), p.content));
	const fragment = base64url(concat(Uint8Array.of(VERSION), id, secret));
	const made = { id, fragment, accessHash: authHash(keys.access), records };
	wipe(secret, dataKey, keys.key, keys.access, body);
	return made;
}

/** From the link and the password; whether they are right shows at the server and at letterOpen. */
export async function letterKeys(fragment: string, password: string): Promise<LetterKeys> {
	const { id, secret } = split(fragment);
	try {
		return await keysOf(id, secret, password);
	} finally {
		wipe(secret);
	}
}

function text(v: unknown): string {
	if (typeof v !== "string" || v.length > TEXT_MAX) throw new KeysError("syntax", "not a letter");
	return v;
}

function whole(v: unknown): number {
	if (typeof v !== "number" || !Number.isSafeInteger(v) || v < 0) throw new KeysError("syntax", "not a letter");
	return v;
}

function bytesOf(v: unknown, fits: (length: number) => boolean): Bytes {
	const bytes = typeof v === "string" ? unbase64(v) : undefined;
	if (!bytes || !fits(bytes.length)) throw new KeysError("syntax", "not a letter");
	return bytes;
}

function parse(body: Bytes): Record<string, unknown> {
	try {
		const v: unknown = JSON.parse(utf8Decode(body));
		if (typeof v === "object" && v !== null) return v as Record<string, unknown>;
	} catch {
		// said below
	}
	throw new KeysError("syntax", "not a letter");
}

/** "auth": not this letter, or the password is wrong. */
export async function letterOpen(keys: LetterKeys, link: Bytes): Promise<Letter> {
	const { body } = await symOpen(keys.key, linkHeader(keys.id), link);
	const v = parse(body);
	wipe(body);
	const { parts } = v;
	if (!Array.isArray(parts) || parts.length === 0 || parts.length > PARTS_MAX) throw new KeysError("syntax", "not a letter");
	return {
		id: keys.id,
		from: text(v["from"]),
		name: text(v["name"]),
		subject: text(v["subject"]),
		date: whole(v["date"]),
		parts: parts.map((p: Record<string, unknown>) => {
			return { name: text(p["name"]), type: text(p["type"]), size: whole(p["size"]), cid: text(p["cid"]) };
		}),
		dataKey: bytesOf(v["dataKey"], (n) => n === KEY_LEN),
		replyKey: bytesOf(v["replyKey"], (n) => n <= REPLY_KEY_MAX),
	};
}

export async function letterPart(letter: Letter, part: number, record: Bytes): Promise<Bytes> {
	const { body } = await symOpen(letter.dataKey, partHeader(letter.id, part), record);
	if (body.length !== letter.parts[part]?.size) throw new KeysError("auth", "not this part");
	return body;
}
