// Reads messages that may be encrypted or signed. The rules, each the answer to an attack that was
// published (EFAIL 2018, Johnny 2019, RFC 9788):
//
// - Only a message that is encrypted as a whole is opened by itself, and only one that is signed as a
//   whole has a verdict. What is around or beside is never shown together with it.
// - What is given back is one entity, exactly the bytes that were decrypted and signed.
// - Where there are protected header fields, those outside do not count.
// - Inline PGP is text, never HTML, and only when nothing else stands in the message.
import type { PrivateKey } from "openpgp";
import {
	contentType,
	decodedBody,
	decodedText,
	type Entity,
	fieldValue,
	fieldValues,
	parseEntity,
	parts,
	toCrlf,
} from "./entity";
import { decodeText, singleAddress } from "./header";
import { type Bytes, bytesOf, openpgp } from "./openpgp";
import { judge, judgeDetached, type SenderKey, type Signature, unsigned, worst } from "./verdict";

const BODY_MAX = 100 * 1024 * 1024;
const DEPTH_MAX = 3; // encrypted, signed, wrapped

export type Form =
	| "plain" // no PGP in it
	| "mime" // PGP/MIME
	| "inline" // inline PGP, the whole text
	| "partial"; // a part of it is PGP, or in a form that is not opened by itself

/** Fields of a protected header, decoded. */
export interface ProtectedHeaders {
	subject: string | undefined;
	from: string | undefined;
	to: string | undefined;
	cc: string | undefined;
	replyTo: string | undefined;
	date: string | undefined;
	messageId: string | undefined;
	inReplyTo: string | undefined;
	references: string | undefined;
	/** Names of the fields that stood outside in another form or not at all. */
	hidden: string[];
}

export type Failure =
	| "none"
	| "noKey"
	| "password"
	| "method" // a cipher that is not opened here
	| "unprotected" // anybody could have altered it
	| "damaged"
	| "tooLarge";

export interface Opened {
	form: Form;
	encrypted: boolean;
	failure: Failure;
	signature: Signature;
	headers: ProtectedHeaders | undefined;
	/** The address in From that counts, and that the verdict is about. */
	sender: string | undefined;
	/** From inside is not From outside. */
	fromDiffers: boolean;
	/** What is shown: an entity with CRLF line ends, or text. */
	entity: Bytes | undefined;
	text: string | undefined;
}

export interface Keys {
	own: PrivateKey[];
	/** The keys known for an address. */
	of(address: string): Promise<SenderKey[]>;
}

function nothing(form: Form, e: Entity): Opened {
	return {
		form,
		encrypted: false,
		failure: "none",
		signature: unsigned,
		headers: undefined,
		sender: singleAddress(fieldValue(e, "from")),
		fromDiffers: false,
		entity: undefined,
		text: undefined,
	};
}

/** The armored text in the second part of a multipart/encrypted, and of the form that some servers
 * make of it. */
function encryptedData(e: Entity): Bytes | undefined {
	const { type, params } = contentType(e);
	const children = parts(e)?.parts.map(parseEntity) ?? [];
	const types = children.map((c) => contentType(c).type);
	const proper =
		type === "multipart/encrypted" && params.get("protocol")?.toLowerCase() === "application/pgp-encrypted";
	if (proper && types.length === 2 && types[0] === "application/pgp-encrypted" && children[1])
		return decodedBody(children[1]);
	const [note, version, data] = children;
	const exchange =
		type === "multipart/mixed" &&
		types.join(" ") === "text/plain application/pgp-encrypted application/octet-stream" &&
		note !== undefined &&
		decodedText(note).trim() === "";
	return exchange && version && data ? decodedBody(data) : undefined;
}

interface Signed {
	entity: Bytes;
	armored: string;
}

/** The two parts of a multipart/signed; undefined when it is none in proper form. */
function signedParts(e: Entity): Signed | undefined {
	const { type, params } = contentType(e);
	const found = parts(e);
	const [entity, last] = found?.parts ?? [];
	const protocol = params.get("protocol")?.toLowerCase();
	if (type !== "multipart/signed" || protocol !== "application/pgp-signature") return undefined;
	if (!found?.closed || found.parts.length !== 2 || !entity || !last) return undefined;
	const signature = parseEntity(last);
	if (contentType(signature).type !== "application/pgp-signature") return undefined;
	return { entity: toCrlf(entity), armored: new TextDecoder("latin1").decode(decodedBody(signature)) };
}

const armorWhole = /^\s*-----BEGIN PGP MESSAGE-----\r?\n[\s\S]*?-----END PGP MESSAGE-----\s*$/;
const signedWhole =
	/^\s*-----BEGIN PGP SIGNED MESSAGE-----\r?\n[\s\S]*?-----BEGIN PGP SIGNATURE-----[\s\S]*?-----END PGP SIGNATURE-----\s*$/;
const anyArmor = /-----BEGIN PGP (SIGNED )?MESSAGE-----/;

/** Whether PGP stands somewhere in a message that is not PGP as a whole. */
function hasPartial(e: Entity, depth = 0): boolean {
	const { type } = contentType(e);
	if (type === "multipart/encrypted" || type === "application/pgp-encrypted") return true;
	if (type === "multipart/signed") return depth > 0;
	if (type.startsWith("multipart/"))
		return depth < 8 && (parts(e)?.parts ?? []).some((p) => hasPartial(parseEntity(p), depth + 1));
	return type.startsWith("text/") && e.body.length <= BODY_MAX && anyArmor.test(decodedText(e));
}

interface Protected {
	headers: ProtectedHeaders | undefined;
	entity: Entity;
}

const shown = ["Subject", "From", "To", "Cc", "Reply-To", "Date", "Message-ID", "In-Reply-To", "References"] as const;

/** The protected header of a payload, if it has one (RFC 9788 section 4.1, or its forerunner). */
function protectedOf(entity: Entity, outer: Entity, encrypted: boolean): Protected {
	const { type, params } = contentType(entity);
	const hp = params.get("hp");
	const old = params.get("protected-headers") !== undefined;
	if (hp !== "cipher" && hp !== "clear" && !old) return { headers: undefined, entity };
	if (type === "message/rfc822") return { headers: undefined, entity };
	const value = (name: string) => {
		const v = fieldValue(entity, name);
		return v === undefined ? undefined : decodeText(v);
	};
	const hidden = encrypted ? hiddenFields(entity, outer, hp === "cipher") : [];
	const headers: ProtectedHeaders = {
		subject: value("subject"),
		from: value("from"),
		to: value("to"),
		cc: value("cc"),
		replyTo: value("reply-to"),
		date: value("date"),
		messageId: value("message-id"),
		inReplyTo: value("in-reply-to"),
		references: value("references"),
		hidden,
	};
	return { headers, entity };
}

/** Which fields were not told to those who carried the message. With HP-Outer the sender says what
 * stood outside; a field changed on the way does not count as one that was never hidden. */
function hiddenFields(entity: Entity, outer: Entity, withOuter: boolean): string[] {
	const said = new Map<string, string>();
	for (const v of fieldValues(entity, "hp-outer")) {
		const at = v.indexOf(":");
		said.set(v.slice(0, at).trim().toLowerCase(), v.slice(at + 1).trim());
	}
	return shown.filter((name) => {
		const inside = fieldValue(entity, name);
		const outside = withOuter && said.size ? said.get(name.toLowerCase()) : fieldValue(outer, name);
		return inside !== undefined && inside !== outside;
	});
}

/** An old form: the whole message once more, as message/rfc822; forwarded=no. */
function unwrap(e: Entity): Entity {
	const { type, params } = contentType(e);
	return type === "message/rfc822" && params.get("forwarded") === "no" ? parseEntity(decodedBody(e)) : e;
}

const ciphers = openpgp.enums.symmetric;
const alsoRead = [ciphers.aes192, ciphers.twofish, ciphers.blowfish];

/** The library reads what a key asks for in its preferences, and few ciphers more; but senders choose by those of their own, and
 * what they used does not make a message less protected once it is here. Only what is in memory is changed: what is written of a
 * key are the bytes that were signed. */
function readMore(keys: PrivateKey[]): void {
	for (const key of keys)
		for (const s of key.users.flatMap((u) => u.selfCertifications))
			s.preferredSymmetricAlgorithms = [...new Set([...(s.preferredSymmetricAlgorithms ?? []), ...alsoRead])];
}

/** What the library says of ciphers that it has no name for, or a name only. */
const unopened = /: (Invalid enum value|Unsupported cipher|A non-preferred symmetric algorithm was used)/;

class MethodProblem extends Error {}

async function decrypt(data: Bytes, keys: Keys, senders: SenderKey[]) {
	const text = new TextDecoder("latin1").decode(data);
	const message = text.includes("-----BEGIN PGP MESSAGE-----")
		? await openpgp.readMessage({ armoredMessage: text.slice(text.indexOf("-----BEGIN PGP MESSAGE-----")) })
		: await openpgp.readMessage({ binaryMessage: data });
	readMore(keys.own);
	const result = await openpgp
		.decrypt({ message, decryptionKeys: keys.own, verificationKeys: senders.map((s) => s.key), format: "binary" })
		.catch((err) => {
			throw unopened.test(String(err)) ? new MethodProblem() : err;
		});
	return { data: bytesOf(result.data), signatures: result.signatures };
}

function failureOf(err: unknown): Failure {
	if (err instanceof MethodProblem) return "method";
	const message = err instanceof Error ? err.message : "";
	if (/Message is not authenticated/i.test(message)) return "unprotected";
	if (/Maximum decompressed message size/i.test(message)) return "tooLarge";
	if (/No public.key encrypted session key packet found/i.test(message)) return "password";
	if (/No decryption key packets found|Session key decryption failed/i.test(message)) return "noKey";
	return "damaged";
}

/** The sender that counts. Inside is believed only when a signature with that sender's own key says
 * so (RFC 9788 section 4.4); otherwise anybody could write any name into a payload. */
function senderOf(outer: Entity, headers: ProtectedHeaders | undefined): { outside?: string; inside?: string } {
	const outside = singleAddress(fieldValue(outer, "from"));
	const inside = singleAddress(headers?.from);
	return { ...(outside && { outside }), ...(inside && { inside }) };
}

async function openMime(e: Entity, data: Bytes, keys: Keys): Promise<Opened> {
	const outside = singleAddress(fieldValue(e, "from"));
	const base = { ...nothing("mime", e), encrypted: true };
	let first: Awaited<ReturnType<typeof decrypt>>;
	try {
		first = await decrypt(data, keys, outside ? await keys.of(outside) : []);
	} catch (err) {
		return { ...base, failure: failureOf(err) };
	}
	const payload = unwrap(parseEntity(toCrlf(first.data)));
	const from = senderOf(e, protectedOf(payload, e, true).headers);
	const sender = from.inside ?? from.outside;
	const senders = sender ? await keys.of(sender) : [];
	let { signatures } = first;
	if (from.inside && from.inside !== from.outside) ({ signatures } = await decrypt(data, keys, senders));
	const signature = signatures.length
		? await judge(signatures, senders.map((s) => s.key), sender, senders)
		: unsigned;
	return finish(e, payload, keys, { ...base, signature, sender }, 1);
}

/** Protected header, and a signature inside the encryption. */
async function finish(outer: Entity, payload: Entity, keys: Keys, so: Opened, depth: number): Promise<Opened> {
	const signed = depth < DEPTH_MAX ? signedParts(payload) : undefined;
	if (signed) return openSigned(outer, signed, keys, so, depth + 1);
	const { headers, entity } = protectedOf(payload, outer, so.encrypted);
	const from = senderOf(outer, headers);
	const fromDiffers = from.inside !== undefined && from.inside !== from.outside;
	const believed = fromDiffers && ["verified", "unverified"].includes(so.signature.verdict);
	const sender = fromDiffers ? (believed ? from.inside : from.outside) : (from.outside ?? from.inside);
	const shownHeaders = headers && fromDiffers && !believed ? { ...headers, from: undefined } : headers;
	return { ...so, headers: shownHeaders, sender, fromDiffers, entity: entity.bytes };
}

async function openSigned(outer: Entity, s: Signed, keys: Keys, so: Opened, depth: number): Promise<Opened> {
	const payload = unwrap(parseEntity(s.entity));
	const from = senderOf(outer, protectedOf(payload, outer, so.encrypted).headers);
	const sender = from.inside ?? from.outside;
	const found = await judgeDetached(s.entity, s.armored, sender, sender ? await keys.of(sender) : []);
	const signature = so.signature.verdict === "none" ? found : worst([so.signature, found]);
	return finish(outer, payload, keys, { ...so, form: "mime", signature }, depth);
}

async function openInline(e: Entity, keys: Keys): Promise<Opened | undefined> {
	if (contentType(e).type !== "text/plain" || e.body.length > BODY_MAX) return undefined;
	const text = decodedText(e);
	const base = nothing("inline", e);
	const senders = base.sender ? await keys.of(base.sender) : [];
	const blocks = text.match(/^-----BEGIN PGP /gm)?.length ?? 0;
	if (blocks === 1 && armorWhole.test(text)) return inlineEncrypted(text, base, keys, senders);
	return blocks === 2 && signedWhole.test(text) ? inlineSigned(text, base, senders) : undefined;
}

async function inlineEncrypted(text: string, base: Opened, keys: Keys, senders: SenderKey[]): Promise<Opened> {
	try {
		const { data, signatures } = await decrypt(new TextEncoder().encode(text.trim()), keys, senders);
		const signature = signatures.length
			? await judge(signatures, senders.map((s) => s.key), base.sender, senders)
			: unsigned;
		return { ...base, encrypted: true, signature, text: new TextDecoder().decode(data) };
	} catch (err) {
		return { ...base, encrypted: true, failure: failureOf(err) };
	}
}

async function inlineSigned(text: string, base: Opened, senders: SenderKey[]): Promise<Opened> {
	const keys = senders.map((s) => s.key);
	try {
		const message = await openpgp.readCleartextMessage({ cleartextMessage: text.trim() });
		const { data, signatures } = await openpgp.verify({ message, verificationKeys: keys });
		return { ...base, signature: await judge(signatures, keys, base.sender, senders), text: String(data) };
	} catch {
		return { ...base, form: "partial" };
	}
}

/** message: the whole message as it was received. */
export async function read(message: Bytes, keys: Keys): Promise<Opened> {
	const e = parseEntity(message);
	const data = encryptedData(e);
	if (data) return openMime(e, data, keys);
	const signed = signedParts(e);
	if (signed) return openSigned(e, signed, keys, nothing("mime", e), 1);
	return (await openInline(e, keys)) ?? nothing(hasPartial(e) ? "partial" : "plain", e);
}
