// X-Wing, the KEM of ML-KEM-768 and X25519 (HPKE KEM 0x647a). A private key is its 32-byte seed.
import { ml_kem768_x25519 as kem } from "@noble/post-quantum/hybrid.js";
import { type Bytes, copy } from "./bytes";
import { KeysError } from "./error";

const XWING_SEED_LEN = 32;
export const XWING_PUBLIC_LEN = 1216;
export const XWING_ENC_LEN = 1120;

export function xwingPublic(seed: Uint8Array): Bytes {
	if (seed.length !== XWING_SEED_LEN) throw new KeysError("range", "a seed has 32 bytes");
	return copy(kem.getPublicKey(seed));
}

/** A fresh shared secret and its encapsulation. An unusable key is a syntax error. */
export function xwingEncaps(publicKey: Uint8Array, coins?: Uint8Array): { enc: Bytes; secret: Bytes } {
	if (publicKey.length !== XWING_PUBLIC_LEN) throw new KeysError("syntax", "not an X-Wing key");
	try {
		const made = kem.encapsulate(publicKey, coins);
		return { enc: copy(made.cipherText), secret: copy(made.sharedSecret) };
	} catch {
		throw new KeysError("syntax", "not an X-Wing key");
	}
}

/** A forged ML-KEM part gives an unrelated secret; a small-order X25519 part is refused. */
export function xwingDecaps(seed: Uint8Array, enc: Uint8Array): Bytes {
	if (enc.length !== XWING_ENC_LEN) throw new KeysError("syntax", "not an X-Wing encapsulation");
	try {
		return copy(kem.decapsulate(enc, seed));
	} catch {
		throw new KeysError("auth", "the encapsulation is unusable");
	}
}
