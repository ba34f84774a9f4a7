// Suite 0x01: Cobblestone-256, the C2SP chunked encryption (https://c2sp.org/chunked-encryption) of
// AES-256-GCM and HKDF-SHA512. Sealed form: salt 24, commitment 32, chunks of 16 KiB and a tag, the
// last one always shorter. The context is not stored.
import { aeadKey, aeadOpen, aeadSeal, nonceAt, TAG_LEN } from "./aead";
import { type Bytes, concat, equal, random, utf8, wipe } from "./bytes";
import { KeysError } from "./error";
import { expand512 } from "./kdf";

const CHUNK_LEN = 16384;
const HEADER_LEN = 56;
const SALT_LEN = 24;
const SEALED_CHUNK = CHUNK_LEN + TAG_LEN;
const suiteName = utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0");

export function sealedLen(plainLen: number): number {
	return HEADER_LEN + plainLen + (Math.floor(plainLen / CHUNK_LEN) + 1) * TAG_LEN;
}

/** The one plaintext length that gives this sealed length; a syntax error when none does. */
function plainLen(sealed: number): number {
	const body = sealed - HEADER_LEN;
	const last = body % SEALED_CHUNK;
	if (body < 0 || last < TAG_LEN) throw new KeysError("syntax", "no sealed form has this length");
	return Math.floor(body / SEALED_CHUNK) * CHUNK_LEN + last - TAG_LEN;
}

interface Derived {
	key: CryptoKey;
	nonce: Bytes;
	commitment: Bytes;
}

async function deriveAll(key: Uint8Array, salt: Uint8Array, context: Uint8Array): Promise<Derived> {
	if (key.length !== 32) throw new KeysError("range", "a key has 32 bytes");
	const all = expand512(key, concat(suiteName, salt, context), 76);
	const derived = {
		key: await aeadKey(all.slice(0, 32)),
		nonce: all.slice(32, 44),
		commitment: all.slice(44, 76),
	};
	wipe(all);
	return derived;
}

/** A given salt must never repeat under one key; it is there for test vectors. */
export async function cobblestoneSeal(
	key: Uint8Array,
	context: Uint8Array,
	plain: Bytes,
	salt: Bytes = random(SALT_LEN),
): Promise<Bytes> {
	const d = await deriveAll(key, salt, context);
	const out = new Uint8Array(sealedLen(plain.length));
	out.set(salt);
	out.set(d.commitment, SALT_LEN);
	for (let i = 0, at = HEADER_LEN; at < out.length; i++, at += SEALED_CHUNK) {
		const part = plain.slice(i * CHUNK_LEN, (i + 1) * CHUNK_LEN);
		out.set(await aeadSeal(d.key, nonceAt(d.nonce, i), part), at);
		wipe(part);
	}
	return out;
}

/** Wrong key or context, or altered: an error of code "auth", and no part of the plaintext. */
export async function cobblestoneOpen(key: Uint8Array, context: Uint8Array, sealed: Bytes): Promise<Bytes> {
	const out = new Uint8Array(plainLen(sealed.length));
	const d = await deriveAll(key, sealed.subarray(0, SALT_LEN), context);
	if (!equal(d.commitment, sealed.subarray(SALT_LEN, HEADER_LEN)))
		throw new KeysError("auth", "the seal does not fit");
	for (let i = 0, at = HEADER_LEN; at < sealed.length; i++, at += SEALED_CHUNK) {
		const chunk = sealed.slice(at, at + SEALED_CHUNK);
		out.set(await aeadOpen(d.key, nonceAt(d.nonce, i), chunk), i * CHUNK_LEN);
	}
	return out;
}
