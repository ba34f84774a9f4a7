// Letters to people who have no key: a link whose secret stands in the fragment, which browsers do
// not send, and a password that the sender tells by another way. Both are needed.
//
//	fragment = base64url(1 || id:16 || secret:32)
//	stretched = Argon2id(password, salt = Expand(secret, "salt", 16), 64 MiB, 3 passes, 1 lane)
//	L = HKDF-Extract("letterlock/1/link", stretched || secret || id)
//	Expand(L, "access")   proves both to the server, which keeps a hash of it and counts attempts
//	Expand(L, "letter")   opens the letter: a record of kind link
//
// The letter names the data key of its parts (records of kind file) and the public key for replies.
import { argon2id } from "hash-wasm";
import { base64, base64url, type Bytes, concat, copy, random, unbase64, unbase64url, utf8, utf8Decode, wipe } from "./bytes";
import { KeysError } from "./error";
import { derive, extract256 } from "./kdf";
import { header, type Header, ID_LEN, kemOpen, kemSeal, KEY_LEN, symOpen, symSeal } from "./record";
import { authHash } from "./unlock";
import { XWING_PUBLIC_LEN, xwingPublic } from "./xwing";

const VERSION = 1;
const PARTS_MAX = 100;
const REPLIES_MAX = 1000;
const TEXT_MAX = 1000; // characters of a name or subject
const REPLY_PARTS = 0x8000; // part numbers of replies begin here

export interface LetterPart {
	name: string;
	type: string;
	content: Bytes;
}

export interface LetterInput {
	from: string; // an address
	subject: string;
	expires: number; // seconds since 1970
	/** The text first, then attachments. */
	parts: LetterPart[];
}

/** What the link record says. */
export interface Letter {
	id: Bytes;
	from: string;
	subject: string;
	expires: number;
	parts: { name: string; type: string; size: number }[];
	dataKey: Bytes;
	replyPublic: Bytes;
}

export interface LetterMade {
	id: Bytes;
	fragment: string;
	/** For the server: a hash of what the reader must prove. */
	accessHash: Bytes;
	link: Bytes;
	parts: Bytes[]; // records
	/** Opens the replies; its owner keeps it sealed. */
	replySeed: Bytes;
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

function replyHeader(id: Bytes, n: number): Header {
	return header("share", { object: id, part: REPLY_PARTS + n });
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

export async function letterMake(input: LetterInput, password: string): Promise<LetterMade> {
	if (input.parts.length === 0 || input.parts.length > PARTS_MAX)
		throw new KeysError("limit", "too many parts, or none");
	const [id, secret, dataKey, replySeed] = [random(ID_LEN), random(KEY_LEN), random(KEY_LEN), random(KEY_LEN)];
	const keys = await keysOf(id, secret, password);
	const body = utf8(
		JSON.stringify({
			from: input.from,
			subject: input.subject.slice(0, TEXT_MAX),
			expires: input.expires,
			parts: input.parts.map((p) => ({ name: p.name.slice(0, TEXT_MAX), type: p.type, size: p.content.length })),
			dataKey: base64(dataKey),
			replyPublic: base64(xwingPublic(replySeed)),
		}),
	);
	const link = await symSeal(keys.key, linkHeader(id), body);
	const parts: Bytes[] = [];
	for (const [i, p] of input.parts.entries()) parts.push(await symSeal(dataKey, partHeader(id, i), p.content));
	const fragment = base64url(concat(Uint8Array.of(VERSION), id, secret));
	const made = { id, fragment, accessHash: authHash(keys.access), link, parts, replySeed };
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

function keyOf(v: unknown, len: number): Bytes {
	const bytes = typeof v === "string" ? unbase64(v) : undefined;
	if (bytes?.length !== len) throw new KeysError("syntax", "not a letter");
	return bytes;
}

/** "auth": not this letter, or the password is wrong; "denied": it has expired. */
export async function letterOpen(keys: LetterKeys, link: Bytes, now: number): Promise<Letter> {
	const { body } = await symOpen(keys.key, linkHeader(keys.id), link);
	const v = JSON.parse(utf8Decode(body)) as Record<string, unknown>;
	wipe(body);
	const { parts } = v;
	if (!Array.isArray(parts) || parts.length > PARTS_MAX) throw new KeysError("syntax", "not a letter");
	const expires = whole(v["expires"]);
	if (now >= expires) throw new KeysError("denied", "the letter has expired");
	return {
		id: keys.id,
		from: text(v["from"]),
		subject: text(v["subject"]),
		expires,
		parts: parts.map((p: Record<string, unknown>) => {
			return { name: text(p["name"]), type: text(p["type"]), size: whole(p["size"]) };
		}),
		dataKey: keyOf(v["dataKey"], KEY_LEN),
		replyPublic: keyOf(v["replyPublic"], XWING_PUBLIC_LEN),
	};
}

export async function letterPart(letter: Letter, part: number, record: Bytes): Promise<Bytes> {
	const { body } = await symOpen(letter.dataKey, partHeader(letter.id, part), record);
	if (body.length !== letter.parts[part]?.size) throw new KeysError("auth", "not this part");
	return body;
}

export interface Reply {
	key: Bytes; // a share record: the key of the other one
	content: Bytes; // a file record
}

/** n: the number of the reply, which the server gives. */
export async function replySeal(letter: Letter, n: number, content: Bytes): Promise<Reply> {
	if (n < 0 || n >= REPLIES_MAX) throw new KeysError("limit", "too many replies");
	const key = random(KEY_LEN);
	const sealed = await kemSeal(letter.replyPublic, replyHeader(letter.id, n), key);
	const record = await symSeal(key, partHeader(letter.id, REPLY_PARTS + n), content);
	wipe(key);
	return { key: sealed, content: record };
}

export async function replyOpen(seed: Bytes, id: Bytes, n: number, reply: Reply): Promise<Bytes> {
	const opened = await kemOpen(seed, replyHeader(id, n), reply.key);
	if (opened.body.length !== KEY_LEN) throw new KeysError("syntax", "not a key");
	const { body } = await symOpen(opened.body, partHeader(id, REPLY_PARTS + n), reply.content);
	wipe(opened.body);
	return body;
}
