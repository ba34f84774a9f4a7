// Encrypts and signs what build.ts makes.
import type { PrivateKey, PublicKey, SignaturePacket } from "openpgp";
import { type Draft, encryptedMessage, payload, plainMessage, signedMessage } from "./build";
import { type Bytes, openpgp } from "./openpgp";

/** The names that micalg has for the hashes that keys here sign with (RFC 3156 section 5). */
const hashNames: Record<number, string> = { 8: "sha256", 9: "sha384", 10: "sha512", 12: "sha3-256", 14: "sha3-512" };

/** For each recipient's key and one's own; signed inside the encryption. */
export async function encrypt(d: Draft, recipients: PublicKey[], own: PrivateKey): Promise<Bytes> {
	const message = await openpgp.createMessage({ binary: payload(d, true) });
	const armored = await openpgp.encrypt({
		message,
		encryptionKeys: [...recipients, own.toPublic()],
		signingKeys: own,
		format: "armored",
	});
	return encryptedMessage(d, String(armored));
}

export async function sign(d: Draft, own: PrivateKey): Promise<Bytes> {
	const entity = payload(d, false);
	const message = await openpgp.createMessage({ binary: entity });
	const signature = await openpgp.sign({ message, signingKeys: own, detached: true, format: "object" });
	const hash = (signature.packets[0] as SignaturePacket | undefined)?.hashAlgorithm ?? 0;
	return signedMessage(d, entity, signature.armor(), hashNames[hash] ?? "sha512");
}

export type Protection = "plain" | "signed" | "encrypted";

/** The message to be sent, byte for byte. */
export async function write(
	d: Draft,
	protection: Protection,
	recipients: PublicKey[],
	own: PrivateKey | undefined,
): Promise<Bytes> {
	if (protection === "plain") return plainMessage(d);
	if (!own) throw new Error("there is no key of one's own");
	return protection === "signed" ? sign(d, own) : encrypt(d, recipients, own);
}
