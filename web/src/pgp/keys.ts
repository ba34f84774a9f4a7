// OpenPGP keys: making, importing, exporting, ending them. Secret keys come and go without
// passphrase, because they stand in the sealed keyring; a passphrase protects exports only.
import type { PrivateKey, PublicKey, SecretKeyPacket } from "openpgp";
import { unhex } from "../keys/bytes";
import { addressValid, type Mailbox } from "./header";
import { type Bytes, bytesOf, openpgp } from "./openpgp";

export interface KeyInfo {
	fingerprint: string; // hexadecimal, lower case
	algorithm: string;
	created: number; // seconds since 1970
	expires: number; // 0: never
	revoked: boolean;
	userIds: string[];
	addresses: string[]; // of valid user IDs, lower case
	canEncrypt: boolean; // now
}

/** What a person sees when a key cannot be taken. */
export class KeyProblem extends Error {
	constructor(
		readonly code: "notKey" | "passphrase" | "damaged" | "onCard" | "tooLarge" | "address",
		message: string,
	) {
		super(message);
		this.name = "KeyProblem";
	}
}

const KEY_MAX = 256 * 1024; // bytes of a key that is read at all
const SECRET_MAX = 16 * 1024; // of a secret key that the keyring takes

export function fingerprintBytes(fingerprint: string): Bytes {
	return unhex(fingerprint);
}

function userId(m: Mailbox): { name?: string; email: string } {
	const address = m.address.toLowerCase();
	if (!addressValid(address)) throw new KeyProblem("address", "not a mail address");
	const name = m.name.replace(/[<>()\r\n\0]/g, " ").trim();
	return name ? { name, email: address } : { email: address };
}

/** A version 4 key, Ed25519 for signing and X25519 for encryption in their old form, which every
 * OpenPGP program in use reads. */
export async function generate(owner: Mailbox): Promise<Bytes> {
	const { privateKey } = await openpgp.generateKey({
		type: "ecc",
		curve: "curve25519Legacy",
		userIDs: [userId(owner)],
		format: "object",
	});
	return bytesOf(privateKey.write());
}

function isArmor(data: Bytes): boolean {
	return new TextDecoder("latin1").decode(data.subarray(0, 4096)).includes("-----BEGIN PGP");
}

/** Public keys out of a file, a header or an answer of a server; what cannot be read is left out. */
export async function readPublic(data: Bytes): Promise<PublicKey[]> {
	if (data.length > KEY_MAX) return [];
	try {
		const keys = isArmor(data)
			? await openpgp.readKeys({ armoredKeys: new TextDecoder().decode(data) })
			: await openpgp.readKeys({ binaryKeys: data });
		return keys.map((k) => k.toPublic());
	} catch {
		return [];
	}
}

export async function readSecret(data: Bytes): Promise<PrivateKey> {
	return openpgp.readPrivateKey({ binaryKey: data });
}

/** Leaves out what others have said about the key: it can be much, and none of it is secret. */
export function stripped<K extends PublicKey>(key: K): K {
	for (const u of key.users) u.otherCertifications = [];
	return key;
}

/** A key from another program. Every secret part must be there, fit its public part, and open. */
export async function importSecret(data: Bytes, passphrase: string): Promise<Bytes> {
	if (data.length > KEY_MAX) throw new KeyProblem("tooLarge", "the file is too large for a key");
	let key: PrivateKey;
	try {
		key = isArmor(data)
			? await openpgp.readPrivateKey({ armoredKey: new TextDecoder().decode(data) })
			: await openpgp.readPrivateKey({ binaryKey: data });
	} catch {
		throw new KeyProblem("notKey", "this is not an OpenPGP secret key");
	}
	if (key.getKeys().some((k) => (k.keyPacket as SecretKeyPacket).isDummy()))
		throw new KeyProblem("onCard", "a secret part of this key is somewhere else, such as on a card");
	if (!key.isDecrypted()) key = await withoutPassphrase(key, passphrase);
	await checkPair(key);
	const out = bytesOf(stripped(key).write());
	if (out.length > SECRET_MAX) throw new KeyProblem("tooLarge", "the key is too large");
	return out;
}

async function withoutPassphrase(key: PrivateKey, passphrase: string): Promise<PrivateKey> {
	try {
		return await openpgp.decryptKey({ privateKey: key, passphrase });
	} catch {
		throw new KeyProblem("passphrase", "the passphrase does not open this key");
	}
}

/** Secret parts against public ones, and the owner's own signatures (R2). */
async function checkPair(key: PrivateKey): Promise<void> {
	try {
		for (const k of key.getKeys()) await (k.keyPacket as SecretKeyPacket).validate();
		await key.getPrimaryUser();
	} catch {
		throw new KeyProblem("damaged", "the key is damaged, has been altered, or has expired");
	}
}

export async function infoOf(key: PublicKey): Promise<KeyInfo> {
	const expires = await key.getExpirationTime().catch(() => null);
	const valid = key.users.map((u) => u.userID).filter((u) => u !== null);
	return {
		fingerprint: key.getFingerprint(),
		algorithm: String(key.getAlgorithmInfo().curve ?? `${key.getAlgorithmInfo().algorithm} ${key.getAlgorithmInfo().bits}`),
		created: Math.floor(key.getCreationTime().getTime() / 1000),
		expires: expires instanceof Date ? Math.floor(expires.getTime() / 1000) : 0,
		revoked: await key.isRevoked().catch(() => true),
		userIds: valid.map((u) => u.userID),
		addresses: await addressesOf(key),
		canEncrypt: await canEncrypt(key),
	};
}

/** The addresses of user IDs that the key itself has signed and not revoked. */
export async function addressesOf(key: PublicKey): Promise<string[]> {
	const found = await Promise.all(
		key.users.map(async (u) => {
			const valid = await u.verify(new Date()).then((v) => v === true, () => false);
			const email = u.userID?.email || (addressValid(u.userID?.userID ?? "") ? u.userID?.userID : "");
			return valid && email ? email.toLowerCase() : "";
		}),
	);
	return [...new Set(found.filter((a) => a !== ""))];
}

export function canEncrypt(key: PublicKey, at = new Date()): Promise<boolean> {
	return key.getEncryptionKey(undefined, at).then(() => true, () => false);
}

/** The public half for one address: the form of WKD, of the Autocrypt header and of a file. */
export async function publicFor(secret: Bytes, address?: string): Promise<Bytes> {
	const key = stripped((await readSecret(secret)).toPublic());
	if (address !== undefined) {
		const wanted = address.toLowerCase();
		key.users = key.users.filter((u) => u.userID?.email.toLowerCase() === wanted);
		if (key.users.length === 0) throw new KeyProblem("address", "the key is not for this address");
	}
	return bytesOf(key.write());
}

export async function armorPublic(publicKey: Bytes): Promise<string> {
	return (await openpgp.readKey({ binaryKey: publicKey })).armor();
}

/** For another program; under a passphrase unless it is empty. */
export async function exportSecret(secret: Bytes, passphrase: string): Promise<string> {
	const privateKey = await readSecret(secret);
	if (passphrase === "") return privateKey.armor();
	return (await openpgp.encryptKey({ privateKey, passphrase })).armor();
}

function userIdsOf(key: PrivateKey): { name: string; email: string; comment: string }[] {
	return key.users
		.map((u) => u.userID)
		.filter((u) => u !== null)
		.map(({ name, email, comment }) => ({ name, email, comment }));
}

async function certifyAgain(secret: Bytes, extra: Mailbox[], expiresIn: number): Promise<Bytes> {
	const privateKey = await readSecret(secret);
	const { privateKey: made } = await openpgp.reformatKey({
		privateKey,
		userIDs: [...userIdsOf(privateKey), ...extra.map(userId)],
		keyExpirationTime: expiresIn,
		format: "object",
	});
	return bytesOf(made.write());
}

/** A new end of its life, in seconds since 1970; 0: never. */
export async function setExpiry(secret: Bytes, expires: number): Promise<Bytes> {
	const created = Math.floor((await readSecret(secret)).getCreationTime().getTime() / 1000);
	if (expires !== 0 && expires <= created) throw new KeyProblem("damaged", "a key cannot end before it began");
	return certifyAgain(secret, [], expires === 0 ? 0 : expires - created);
}

/** One more address of its owner. */
export async function addAddress(secret: Bytes, owner: Mailbox): Promise<Bytes> {
	const { expires, created } = await infoOf((await readSecret(secret)).toPublic());
	return certifyAgain(secret, [owner], expires === 0 ? 0 : expires - created);
}

export type Reason = "none" | "superseded" | "compromised" | "retired";

async function revoked(secret: Bytes, reason: Reason): Promise<PrivateKey> {
	const { keyRetired, keySuperseded, keyCompromised, noReason } = openpgp.enums.reasonForRevocation;
	const flag = { none: noReason, superseded: keySuperseded, compromised: keyCompromised, retired: keyRetired }[reason];
	const { privateKey } = await openpgp.revokeKey({
		key: await readSecret(secret),
		reasonForRevocation: { flag, string: "" },
		format: "object",
	});
	return privateKey;
}

/** Revoked: it still opens old messages. Its public half is to be published once more. */
export async function revoke(secret: Bytes, reason: Reason): Promise<Bytes> {
	return bytesOf((await revoked(secret, reason)).write());
}

/** An armored certificate to keep on paper: whoever has it can revoke the key, and nothing else. */
export async function revocationCertificate(secret: Bytes): Promise<string> {
	const certificate = await (await revoked(secret, "none")).getRevocationCertificate();
	if (typeof certificate !== "string") throw new KeyProblem("damaged", "no certificate could be made");
	return certificate;
}
