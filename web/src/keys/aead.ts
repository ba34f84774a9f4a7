// AES-256-GCM of the browser, with a 12-byte nonce and a 16-byte tag.
import type { Bytes } from "./bytes";
import { KeysError } from "./error";

export const TAG_LEN = 16;
export const NONCE_LEN = 12;

const none = new Uint8Array(0);

/** A key that cannot be read out again. */
export function aeadKey(key: Bytes): Promise<CryptoKey> {
	return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function aeadSeal(key: CryptoKey, nonce: Bytes, plain: Bytes, aad: Bytes = none): Promise<Bytes> {
	const options = { name: "AES-GCM", iv: nonce, additionalData: aad };
	return new Uint8Array(await crypto.subtle.encrypt(options, key, plain));
}

export async function aeadOpen(key: CryptoKey, nonce: Bytes, sealed: Bytes, aad: Bytes = none): Promise<Bytes> {
	const options = { name: "AES-GCM", iv: nonce, additionalData: aad };
	try {
		return new Uint8Array(await crypto.subtle.decrypt(options, key, sealed));
	} catch {
		throw new KeysError("auth", "the seal does not fit");
	}
}

/** The nonce of message i: the base nonce XOR i in its last eight bytes. */
export function nonceAt(base: Uint8Array, i: number): Bytes {
	const nonce = new Uint8Array(base);
	const view = new DataView(nonce.buffer);
	view.setBigUint64(4, view.getBigUint64(4) ^ BigInt(i));
	return nonce;
}
