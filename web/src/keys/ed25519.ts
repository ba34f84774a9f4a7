// Suite 0x10: Ed25519 (RFC 8032), strict: the same judgement as the server's libsodium. Refused are S
// not below the group order, keys and R that are not canonical or of small order, and every
// signature whose R is not, byte for byte, the one computed.
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, copy, equal } from "./bytes";
import { KeysError } from "./error";
import { sha512 } from "./kdf";

export const SEED_LEN = 32;
const PUBLIC_LEN = 32;
export const SIG_LEN = 64;

const { Point } = ed25519;
const order = Point.Fn.ORDER;

/** The public half, always derived again from the seed. */
export function ed25519Public(seed: Uint8Array): Bytes {
	if (seed.length !== SEED_LEN) throw new KeysError("range", "a seed has 32 bytes");
	return copy(ed25519.getPublicKey(seed));
}

export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Bytes {
	return copy(ed25519.sign(message, seed));
}

function littleEndian(bytes: Uint8Array): bigint {
	let n = 0n;
	for (let i = bytes.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(bytes[i] as number);
	return n;
}

function pointOf(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
	try {
		const p = Point.fromBytes(bytes);
		return p.isSmallOrder() ? undefined : p;
	} catch {
		return undefined;
	}
}

/** True for keys that may be pinned: canonical and of prime order. */
export function ed25519PublicValid(publicKey: Uint8Array): boolean {
	return publicKey.length === PUBLIC_LEN && (pointOf(publicKey)?.isTorsionFree() ?? false);
}

export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, sig: Uint8Array): boolean {
	if (publicKey.length !== PUBLIC_LEN || sig.length !== SIG_LEN) return false;
	const s = littleEndian(sig.subarray(32));
	const a = pointOf(publicKey);
	const r = sig.slice(0, 32);
	if (!a || s >= order || !pointOf(r)) return false;
	const k = littleEndian(sha512(r, publicKey, message)) % order;
	const computed = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
	return equal(copy(computed.toBytes()), r);
}
