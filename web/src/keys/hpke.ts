// Suite 0x03: HPKE base mode (RFC 9180) with X-Wing, HKDF-SHA256 and AES-256-GCM.
import { aeadKey, aeadOpen, aeadSeal, nonceAt } from "./aead";
import { type Bytes, concat, utf8, wipe } from "./bytes";
import { expand256, extract256 } from "./kdf";
import { xwingDecaps, xwingEncaps } from "./xwing";

const none = new Uint8Array(0);
const version = utf8("HPKE-v1");
// "HPKE" || KEM || KDF || AEAD
const suiteId = concat(utf8("HPKE"), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 2));
const MODE_BASE = 0;

function labeledExtract(salt: Uint8Array, label: string, ikm: Uint8Array): Bytes {
	return extract256(salt, concat(version, suiteId, utf8(label), ikm));
}

function labeledExpand(prk: Uint8Array, label: string, info: Uint8Array, len: number): Bytes {
	return expand256(prk, concat(Uint8Array.of(len >> 8, len & 255), version, suiteId, utf8(label), info), len);
}

/** One side's context; messages are sealed and opened in the same order. */
export class Hpke {
	private seq = 0;

	private constructor(
		private readonly key: CryptoKey,
		private readonly nonce: Bytes,
		private readonly exporter: Bytes,
	) {}

	/** The key schedule of section 5.1 from a shared secret. */
	static async schedule(secret: Uint8Array, info: Uint8Array): Promise<Hpke> {
		const context = concat(
			Uint8Array.of(MODE_BASE),
			labeledExtract(none, "psk_id_hash", none),
			labeledExtract(none, "info_hash", info),
		);
		const prk = labeledExtract(secret, "secret", none);
		const key = labeledExpand(prk, "key", context, 32);
		const h = new Hpke(
			await aeadKey(key),
			labeledExpand(prk, "base_nonce", context, 12),
			labeledExpand(prk, "exp", context, 32),
		);
		wipe(key, prk);
		return h;
	}

	static async sender(publicKey: Uint8Array, info: Uint8Array): Promise<{ enc: Bytes; hpke: Hpke }> {
		const { enc, secret } = xwingEncaps(publicKey);
		const hpke = await Hpke.schedule(secret, info);
		wipe(secret);
		return { enc, hpke };
	}

	static async receiver(seed: Uint8Array, enc: Uint8Array, info: Uint8Array): Promise<Hpke> {
		const secret = xwingDecaps(seed, enc);
		const hpke = await Hpke.schedule(secret, info);
		wipe(secret);
		return hpke;
	}

	seal(plain: Bytes, aad: Bytes = none): Promise<Bytes> {
		return aeadSeal(this.key, nonceAt(this.nonce, this.seq++), plain, aad);
	}

	async open(sealed: Bytes, aad: Bytes = none): Promise<Bytes> {
		const plain = await aeadOpen(this.key, nonceAt(this.nonce, this.seq), sealed, aad);
		this.seq++;
		return plain;
	}

	export(context: Uint8Array, len: number): Bytes {
		return labeledExpand(this.exporter, "sec", context, len);
	}
}
