// SHA-2, HMAC and HKDF (RFC 5869). Every derivation has its own label, and no label two purposes.
import { extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256, sha512 as nobleSha512 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, copy, utf8, wipe } from "./bytes";
import { KeysError } from "./error";

export function sha256(...parts: Uint8Array[]): Bytes {
	return copy(nobleSha256(concat(...parts)));
}

export function sha512(...parts: Uint8Array[]): Bytes {
	return copy(nobleSha512(concat(...parts)));
}

export function hmac256(key: Uint8Array, ...parts: Uint8Array[]): Bytes {
	return copy(hmac(nobleSha256, key, concat(...parts)));
}

export function hmac512(key: Uint8Array, ...parts: Uint8Array[]): Bytes {
	return copy(hmac(nobleSha512, key, concat(...parts)));
}

/** An empty salt is the zero salt of the RFC. */
export function extract256(salt: Uint8Array, ikm: Uint8Array): Bytes {
	return copy(extract(nobleSha256, ikm, salt));
}

export function extract512(salt: Uint8Array, ikm: Uint8Array): Bytes {
	return copy(extract(nobleSha512, ikm, salt));
}

/** HKDF-Expand. Cobblestone's key is shorter than the digest, which the library's own refuses. */
function expand(mac: typeof hmac512, digestLen: number, prk: Uint8Array, info: Uint8Array, len: number): Bytes {
	const out = new Uint8Array(len);
	if (len > 255 * digestLen) throw new KeysError("range", "too long for HKDF");
	let block: Bytes = new Uint8Array(0);
	for (let at = 0, i = 1; at < len; at += digestLen, i++) {
		block = mac(prk, block, info, Uint8Array.of(i));
		out.set(block.subarray(0, len - at), at);
	}
	wipe(block);
	return out;
}

export function expand256(prk: Uint8Array, info: Uint8Array, len: number): Bytes {
	return expand(hmac256, 32, prk, info, len);
}

export function expand512(prk: Uint8Array, info: Uint8Array, len: number): Bytes {
	return expand(hmac512, 64, prk, info, len);
}

/** HKDF-SHA256-Expand(secret, label): the derivation of every key of the hierarchy. */
export function derive(secret: Uint8Array, label: string, len = 32): Bytes {
	return expand256(secret, utf8(label), len);
}
