// What the author of a letter under a password keeps of it, sealed, with the letter on the server: what it
// was about, and the link, so that it can be told once more. The password is not in it.
import { type Bytes, utf8, utf8Decode } from "../keys/bytes";
import { KeysError } from "../keys/error";
import { header, type Header, symOpen, symSeal } from "../keys/record";
import { keyOf, type StoreKey } from "./sealed";

export interface LetterNote {
	subject: string;
	to: string;
	link: string;
}

const PART = 1; // records of the key store and of the search index have part 0
const TEXT_MAX = 2000;
const PADDING = 512;

function headerOf(k: StoreKey, id: Bytes): Header {
	return header("object", { account: k.account, object: id, author: k.account, area: k.area, part: PART, keyver: k.version, rev: 1n });
}

export async function noteSeal(id: Bytes, note: LetterNote, keys: readonly StoreKey[]): Promise<Bytes> {
	const key = keys.at(-1);
	if (!key) throw new KeysError("state", "there is no key for it");
	const { subject, to, link } = note;
	const body = utf8(JSON.stringify({ subject: subject.slice(0, 500), to, link }));
	// Padded, so that the length does not tell that of the subject.
	const padded = new Uint8Array(body.length + PADDING - (body.length % PADDING)).fill(32);
	padded.set(body);
	return symSeal(key.key, headerOf(key, id), padded);
}

function text(v: unknown): string {
	if (typeof v !== "string" || v.length > TEXT_MAX) throw new KeysError("syntax", "not a note");
	return v;
}

export async function noteOpen(id: Bytes, record: Bytes, keys: readonly StoreKey[]): Promise<LetterNote> {
	const key = keyOf(record, keys);
	const { body } = await symOpen(key.key, headerOf(key, id), record);
	const v = JSON.parse(utf8Decode(body)) as Record<string, unknown>;
	return { subject: text(v["subject"]), to: text(v["to"]), link: text(v["link"]) };
}
