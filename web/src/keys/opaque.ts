// The client's side of OPAQUE-3DH with ristretto255-SHA512 (RFC 9807, suite 0x20): the server checks
// a password that it never sees, and the client gets an export key that only the password opens.
// The OPRF (RFC 9497) is that of @noble/curves; docs/decisions says why the rest is written here.
import { ristretto255, ristretto255_hasher, ristretto255_oprf } from "@noble/curves/ed25519.js";
import { argon2id } from "hash-wasm";
import { type Bytes, concat, copy, equal, random, utf8, wipe } from "./bytes";
import { KeysError } from "./error";
import { expand512, extract512, hmac512, sha512 } from "./kdf";

const { oprf } = ristretto255_oprf;
const { Point } = ristretto255;

const none: Bytes = new Uint8Array(0);
const hashToGroup = utf8("HashToGroup-OPRFV1-\0-ristretto255-SHA512");
const RESPONSE_LEN = 64;
const KE2_LEN = 320;
const KE2_MAC = 256;
const PASSWORD_MAX = 1024;

/** The key stretching function: 64 bytes in, 64 bytes out. */
type Ksf = (input: Bytes) => Promise<Bytes>;

/** Argon2id, 64 MiB, 3 passes, 1 lane. The salt's work is done by the OPRF, whose key differs per
 * account (RFC 9807 section 7). */
const ksfArgon2id: Ksf = async (password) => {
	const cost = { iterations: 3, parallelism: 1, memorySize: 65536, hashLength: 64 };
	const out = await argon2id({ password, salt: new Uint8Array(16), ...cost, outputType: "binary" });
	return copy(out);
};

/** Every random input of a run; given only to reproduce published vectors. */
interface OpaqueCoins {
	blind?: Bytes;
	envelopeNonce?: Bytes;
	nonce?: Bytes;
	keyshareSeed?: Bytes;
}

/** Empty identities stand for the public keys; Letterlock leaves all three empty. */
export interface OpaqueParams {
	ksf: Ksf;
	context: Bytes;
	clientIdentity: Bytes;
	serverIdentity: Bytes;
}

const suite: OpaqueParams = { ksf: ksfArgon2id, context: none, clientIdentity: none, serverIdentity: none };

interface EnvelopeKeys {
	authKey: Bytes;
	exportKey: Bytes;
	privateKey: Bytes;
	publicKey: Bytes;
}

function keyPair(seed: Bytes): { secret: Bytes; publicKey: Bytes } {
	const pair = oprf.deriveKeyPair(seed, utf8("OPAQUE-DeriveDiffieHellmanKeyPair"));
	return { secret: copy(pair.secretKey), publicKey: copy(pair.publicKey) };
}

function pointOf(bytes: Uint8Array): InstanceType<typeof Point> {
	try {
		const p = Point.fromBytes(bytes);
		if (!p.is0()) return p;
	} catch {
		// the one answer below
	}
	throw new KeysError("syntax", "not a group element");
}

function diffieHellman(secret: Bytes, element: Uint8Array): Bytes {
	return copy(pointOf(element).multiply(Point.Fn.fromBytes(secret)).toBytes());
}

function vector(bytes: Uint8Array): Bytes {
	return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes);
}

function expandLabel(secret: Bytes, label: string, context: Bytes): Bytes {
	const name = utf8(`OPAQUE-${label}`);
	const info = concat(Uint8Array.of(0, 64, name.length), name, Uint8Array.of(context.length), context);
	return expand512(secret, info, 64);
}

function blindPassword(password: Bytes, given?: Bytes): { blind: Bytes; blinded: Bytes } {
	if (password.length === 0) throw new KeysError("syntax", "the password is empty");
	if (password.length > PASSWORD_MAX) throw new KeysError("limit", "the password is too long");
	const fixed = given && Point.Fn.fromBytes(given);
	if (fixed === undefined) {
		const made = oprf.blind(password);
		return { blind: copy(made.blind), blinded: copy(made.blinded) };
	}
	const element = ristretto255_hasher.hashToCurve(password, { DST: hashToGroup }).multiply(fixed);
	return { blind: copy(Point.Fn.toBytes(fixed)), blinded: copy(element.toBytes()) };
}

/** OPRF output, stretched, to the randomised password (sections 5.2.3 and 6.3.3). */
async function randomize(ksf: Ksf, password: Bytes, blind: Bytes, evaluated: Bytes): Promise<Bytes> {
	pointOf(evaluated);
	const output = copy(oprf.finalize(password, blind, evaluated));
	const stretched = await ksf(output);
	const ikm = concat(output, stretched);
	const randomized = extract512(none, ikm);
	wipe(output, stretched, ikm);
	return randomized;
}

/** All that follows from the password (section 4.1.2). */
function envelopeKeys(randomized: Bytes, nonce: Bytes): EnvelopeKeys {
	const seed = expand512(randomized, concat(nonce, utf8("PrivateKey")), 32);
	const pair = keyPair(seed);
	wipe(seed);
	return {
		authKey: expand512(randomized, concat(nonce, utf8("AuthKey")), 64),
		exportKey: expand512(randomized, concat(nonce, utf8("ExportKey")), 64),
		privateKey: pair.secret,
		publicKey: pair.publicKey,
	};
}

function maskingKey(randomized: Bytes): Bytes {
	return expand512(randomized, utf8("MaskingKey"), 64);
}

function identityOr(identity: Bytes, publicKey: Bytes): Bytes {
	return identity.length ? identity : publicKey;
}

/** The tag of an envelope: a MAC over its nonce and the cleartext credentials. */
function envelopeTag(p: OpaqueParams, k: EnvelopeKeys, nonce: Bytes, server: Bytes): Bytes {
	const ids = [identityOr(p.serverIdentity, server), identityOr(p.clientIdentity, k.publicKey)];
	return hmac512(k.authKey, nonce, server, ...ids.map(vector));
}

interface Registered {
	record: Bytes; // 192 bytes, for the verifier
	exportKey: Bytes; // S_U of the password's unlocker
}

/** One registration: request, and the answer's response to finish. Wipes what it held at the end. */
export class OpaqueRegistration {
	readonly request: Bytes;
	private readonly blind: Bytes;

	constructor(
		private readonly password: Bytes,
		private readonly params: OpaqueParams = suite,
		private readonly coins: OpaqueCoins = {},
	) {
		const { blind, blinded } = blindPassword(password, coins.blind);
		this.blind = blind;
		this.request = blinded;
	}

	async finish(response: Bytes): Promise<Registered> {
		if (response.length !== RESPONSE_LEN) throw new KeysError("syntax", "not a registration response");
		const server = response.slice(32);
		pointOf(server);
		const { params, password, blind } = this;
		const randomized = await randomize(params.ksf, password, blind, response.slice(0, 32));
		const nonce = this.coins.envelopeNonce ?? random(32);
		const keys = envelopeKeys(randomized, nonce);
		const tag = envelopeTag(params, keys, nonce, server);
		const record = concat(keys.publicKey, maskingKey(randomized), nonce, tag);
		wipe(randomized, keys.authKey, keys.privateKey, blind, password);
		return { record, exportKey: keys.exportKey };
	}
}

interface LoggedIn {
	ke3: Bytes;
	exportKey: Bytes;
	sessionKey: Bytes;
}

/** One login: ke1, and KE2 to finish. Wipes what it held at the end. */
export class OpaqueLogin {
	readonly ke1: Bytes;
	private readonly blind: Bytes;
	private readonly keyshare: Bytes;

	constructor(
		private readonly password: Bytes,
		private readonly params: OpaqueParams = suite,
		coins: OpaqueCoins = {},
	) {
		const { blind, blinded } = blindPassword(password, coins.blind);
		const share = keyPair(coins.keyshareSeed ?? random(32));
		this.blind = blind;
		this.keyshare = share.secret;
		this.ke1 = concat(blinded, coins.nonce ?? random(32), share.publicKey);
	}

	/** "auth": the password is wrong, the user is unknown, or the server is not the one that it was
	 * registered with. */
	async finish(ke2: Bytes): Promise<LoggedIn> {
		if (ke2.length !== KE2_LEN) throw new KeysError("syntax", "not a KE2");
		const { params, password, blind, keyshare } = this;
		const randomized = await randomize(params.ksf, password, blind, ke2.slice(0, 32));
		const { keys, server } = this.recover(randomized, ke2);
		const share = ke2.slice(224, KE2_MAC);
		const dh = [
			diffieHellman(keyshare, share),
			diffieHellman(keyshare, server),
			diffieHellman(keys.privateKey, share),
		];
		const { serverMac, clientMac, sessionKey } = this.schedule(concat(...dh), ke2, keys, server);
		wipe(randomized, keys.authKey, keys.privateKey, keyshare, blind, password, ...dh);
		if (!equal(serverMac, ke2.subarray(KE2_MAC))) throw new KeysError("auth", "not the right password");
		return { ke3: clientMac, exportKey: keys.exportKey, sessionKey };
	}

	/** Unmasks the response and opens the envelope (sections 6.3.3 and 4.1.3). */
	private recover(randomized: Bytes, ke2: Bytes): { keys: EnvelopeKeys; server: Bytes } {
		const info = concat(ke2.slice(32, 64), utf8("CredentialResponsePad"));
		const pad = expand512(maskingKey(randomized), info, 128);
		const response = ke2.slice(64, 192).map((b, i) => b ^ (pad[i] as number));
		const [server, nonce] = [response.slice(0, 32), response.slice(32, 64)];
		const keys = envelopeKeys(randomized, nonce);
		if (!equal(envelopeTag(this.params, keys, nonce, server), response.subarray(64)))
			throw new KeysError("auth", "not the right password");
		return { keys, server };
	}

	/** DeriveKeys and both MACs (section 6.4.2). */
	private schedule(
		ikm: Bytes,
		ke2: Bytes,
		keys: EnvelopeKeys,
		server: Bytes,
	): { serverMac: Bytes; clientMac: Bytes; sessionKey: Bytes } {
		const { context, clientIdentity, serverIdentity } = this.params;
		const preamble = concat(
			utf8("OPAQUEv1-"),
			vector(context),
			vector(identityOr(clientIdentity, keys.publicKey)),
			this.ke1,
			vector(identityOr(serverIdentity, server)),
			ke2.subarray(0, KE2_MAC),
		);
		const prk = extract512(none, ikm);
		const digest = sha512(preamble);
		const handshake = expandLabel(prk, "HandshakeSecret", digest);
		const serverMac = hmac512(expandLabel(handshake, "ServerMAC", none), digest);
		const finished = sha512(preamble, serverMac);
		const clientMac = hmac512(expandLabel(handshake, "ClientMAC", none), finished);
		const sessionKey = expandLabel(prk, "SessionKey", digest);
		wipe(ikm, prk, handshake);
		return { serverMac, clientMac, sessionKey };
	}
}
