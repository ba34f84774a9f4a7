// What a signature is worth, in one word, for the message as it is shown.
import type { PublicKey, VerifyMessageResult } from "openpgp";
import { addressesOf } from "./keys";
import { openpgp } from "./openpgp";

type Result = VerifyMessageResult["signatures"][number];

export type Verdict =
	| "none" // not signed
	| "verified" // fits, with a key that was verified or pinned for the sender
	| "unverified" // fits, with a key that says it is the sender's; nobody has checked that
	| "changed" // fits, but the sender's pinned key is another one
	| "otherSender" // fits, but the key is not the sender's
	| "invalid" // does not fit: the message was altered, or the signature is damaged
	| "unknownKey" // cannot be checked
	| "weak" // its key or its method can be broken today: anybody may have made it
	| "expired" // the key had expired when it signed
	| "revoked"; // the key was revoked, or had been when it signed

export interface Signature {
	verdict: Verdict;
	fingerprint: string; // of the key that signed, when it is known
	keyId: string;
	created: number; // seconds since 1970; 0: not known
}

export const unsigned: Signature = { verdict: "none", fingerprint: "", keyId: "", created: 0 };

/** A key that the sender may have signed with. */
export interface SenderKey {
	key: PublicKey;
	trusted: boolean; // verified by a person, or pinned
}

const severity: Verdict[] = [
	"verified",
	"unverified",
	"unknownKey",
	"weak",
	"expired",
	"otherSender",
	"changed",
	"revoked",
	"invalid",
	"none",
];

/** The worst of several signatures: what is shown must not be better than any of them. */
export function worst(signatures: Signature[]): Signature {
	const order = (s: Signature) => severity.indexOf(s.verdict);
	return signatures.reduce((a, b) => (order(b) > order(a) ? b : a), signatures[0] ?? unsigned);
}

/** Why a signature that was not accepted was not. Whatever is not known to be the key's life is the
 * signature's fault. */
function faultOf(err: unknown): Verdict {
	const message = err instanceof Error ? err.message : "";
	if (/Could not find signing key/.test(message)) return "unknownKey";
	if (/(Primary key|Subkey|Self-certification) is revoked/.test(message)) return "revoked";
	if (/(Primary key|Subkey|Signature) is expired/.test(message)) return "expired";
	if (/considered too weak|^Insecure (message )?hash algorithm/.test(message)) return "weak";
	return "invalid";
}

async function acceptedVerdict(key: PublicKey, sender: string | undefined, senderKeys: SenderKey[]): Promise<Verdict> {
	const pins = senderKeys.filter((s) => s.trusted);
	const fingerprint = key.getFingerprint();
	if (pins.some((p) => p.key.getFingerprint() === fingerprint)) return "verified";
	if (sender === undefined || !(await addressesOf(key)).includes(sender)) return "otherSender";
	return pins.length ? "changed" : "unverified";
}

/** keys: all that may verify; senderKeys: those of the address in From. */
export async function judge(
	results: Result[],
	keys: PublicKey[],
	sender: string | undefined,
	senderKeys: SenderKey[],
): Promise<Signature> {
	const judged = await Promise.all(results.map((r) => judgeOne(r, keys, sender, senderKeys)));
	return worst(judged);
}

async function judgeOne(
	r: Result,
	keys: PublicKey[],
	sender: string | undefined,
	senderKeys: SenderKey[],
): Promise<Signature> {
	const key = keys.find((k) => k.getKeys(r.keyID).length > 0);
	const packet = await r.signature.then((s) => s.packets[0], () => undefined);
	const created = packet?.created ? Math.floor(packet.created.getTime() / 1000) : 0;
	const about = { fingerprint: key?.getFingerprint() ?? "", keyId: r.keyID.toHex(), created };
	try {
		await r.verified;
	} catch (err) {
		return { ...about, verdict: faultOf(err) };
	}
	// A key revoked since then, for a reason that makes old signatures worthless, is refused above; one
	// that was only retired still stands for what it signed.
	if (!key) return { ...about, verdict: "unknownKey" };
	return { ...about, verdict: await acceptedVerdict(key, sender, senderKeys) };
}

/** A detached signature over bytes. */
export async function judgeDetached(
	signed: Uint8Array<ArrayBuffer>,
	armored: string,
	sender: string | undefined,
	senderKeys: SenderKey[],
): Promise<Signature> {
	const keys = senderKeys.map((s) => s.key);
	try {
		const signature = await openpgp.readSignature({ armoredSignature: armored });
		const message = await openpgp.createMessage({ binary: signed });
		const { signatures } = await openpgp.verify({ message, signature, verificationKeys: keys, format: "binary" });
		return await judge(signatures, keys, sender, senderKeys);
	} catch {
		return { ...unsigned, verdict: "invalid" };
	}
}
