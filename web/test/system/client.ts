// A web client without a page, for the server's system tests: the key library over HTTPS, with an
// authenticator of its own. Reads one JSON command per line, writes one JSON answer per line:
//
//	node client.mjs HOST ADDRESS PORT CA-FILE
//	{"call": "signInPassword", "args": {...}}      a method of KeyService
//	{"post": "sessions", "args": {...}}            a command of the auth API
//	{"get": "/api/v1/session"}
//	{"passkey": "create" | "get", "args": {...}}   what the browser would do for a passkey
//	{"seal": "unlockKey", "account": "...", "version": 1}   a random mail key, sealed to a session
//	{"secrets": "words"}                           everything that must never leave this process
//	{"hold": "text"}                               keeps the text in this process's memory
//	{"openpgp": "secret key", "fingerprint": "..."}   is the account's OpenPGP key from now on
//	{"agent": "..."}                               is another browser from now on
//	{"cookie": "..."}                              takes another cookie; the answer is the old one
import { createHash, createHmac, createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createInterface } from "node:readline";
import { base64url, type Bytes, unbase64url } from "../../src/keys/bytes";
import type { Device, Kept } from "../../src/keys/device";
import { Answer, ApiError, type Fields, type Json, type JsonObject, type Transport } from "../../src/keys/http";
import type { Pin } from "../../src/keys/open";
import { Area } from "../../src/keys/record";
import { KeyService } from "../../src/keys/service";
import { sealForSession } from "../../src/keys/session";
import type { Owner } from "../../src/keys/owner";
import { unlockKeys } from "../../src/keys/unlock";

const [host = "", address = "", port = "", caFile = ""] = process.argv.slice(2);
const ca = readFileSync(caFile);
let cookie = "";
/** For a search of this process's memory: what must be in it then, however soon everything else is let go. */
export let held = Buffer.alloc(0);
let agent = "Test client";

// --- HTTPS ---

interface Reply {
	status: number;
	body: JsonObject;
}

function takeCookie(response: IncomingMessage): void {
	for (const line of response.headers["set-cookie"] ?? []) {
		const value = /^__Host-letterlock=([^;]*)/.exec(line)?.[1];
		if (value !== undefined) cookie = value;
	}
}

function exchange(method: string, path: string, body?: string): Promise<Reply> {
	const headers: { [name: string]: string } = { Host: `${host}:${port}`, "User-Agent": agent };
	if (cookie) headers["Cookie"] = `__Host-letterlock=${cookie}`;
	if (body !== undefined) Object.assign(headers, { "Content-Type": "application/json", "X-Letterlock": "1" });
	return new Promise((resolve, reject) => {
		const q = request({ host: address, port, path, method, headers, ca, servername: host }, (response) => {
			const chunks: Buffer[] = [];
			takeCookie(response);
			response.on("data", (c: Buffer) => chunks.push(c));
			response.on("error", reject);
			response.on("end", () => {
				try {
					const text = Buffer.concat(chunks).toString();
					resolve({ status: response.statusCode ?? 0, body: text ? (JSON.parse(text) as JsonObject) : {} });
				} catch (err) {
					reject(err as Error);
				}
			});
		});
		q.on("error", reject);
		q.end(body);
	});
}

async function answer(method: string, path: string, body?: string): Promise<JsonObject> {
	const { status, body: json } = await exchange(method, path, body);
	if (status === 200) return json;
	const type = String(json["type"] ?? "").replace("urn:letterlock:", "");
	const retry = json["retryAfter"];
	throw new ApiError(type, String(json["title"]), status, typeof retry === "number" ? retry : undefined);
}

const post = (path: string, fields: Fields): Promise<JsonObject> =>
	answer("POST", path, JSON.stringify(fields, (_, v: unknown) => (v instanceof Uint8Array ? base64url(v) : v)));

const transport: Transport = {
	post: async (path, fields) => new Answer(await post(path, fields)),
	get: async (path) => new Answer(await answer("GET", path)),
};

// --- a device that remembers ---

class Memory implements Device {
	private readonly pins = new Map<string, Pin>();
	private secret: Kept | undefined;

	pin(account: Bytes): Promise<Pin | undefined> {
		return Promise.resolve(this.pins.get(base64url(account)));
	}
	setPin(account: Bytes, pin: Pin): Promise<void> {
		this.pins.set(base64url(account), pin);
		return Promise.resolve();
	}
	kept(): Promise<Kept | undefined> {
		return Promise.resolve(this.secret && { ...this.secret, secret: this.secret.secret.slice() });
	}
	keep(kept: Kept): Promise<void> {
		this.secret = { ...kept, secret: kept.secret.slice() };
		return Promise.resolve();
	}
	answers(): Promise<undefined> {
		return Promise.resolve(undefined);
	}
	keepAnswers(): Promise<void> {
		return Promise.resolve();
	}
	forget(): Promise<void> {
		this.secret = undefined;
		return Promise.resolve();
	}
}

// --- an authenticator: one resident ES256 key, user verified ---

const credential = randomBytes(32);
const prfSecret = randomBytes(32);
let key: KeyObject | undefined;
let counter = 0;
let user = "";

const sha256 = (b: Uint8Array): Buffer => createHash("sha256").update(b).digest();

function clientData(type: string, challenge: string, origin: string): Buffer {
	return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

function authData(rpId: string, flags: number, attested: Buffer): Buffer {
	const head = Buffer.alloc(5);
	head[0] = flags;
	head.writeUInt32BE(++counter, 1);
	return Buffer.concat([sha256(Buffer.from(rpId)), head, attested]);
}

function create(args: JsonObject): JsonObject {
	const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const { x = "", y = "" } = pair.publicKey.export({ format: "jwk" });
	const cose = Buffer.concat([
		Buffer.from("a50102032620012158" + "20", "hex"),
		unbase64url(x),
		Buffer.from("225820", "hex"),
		unbase64url(y),
	]);
	const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, credential.length]), credential, cose]);
	const data = authData(String(args["rpId"]), 0x45, attested);
	const object = Buffer.concat([
		Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746159", "hex"),
		Buffer.from([data.length >> 8, data.length & 255]),
		data,
	]);
	key = pair.privateKey;
	user = String(args["account"]);
	return {
		clientData: base64url(clientData("webauthn.create", String(args["challenge"]), String(args["origin"]))),
		attestationObject: base64url(object),
	};
}

function assert(args: JsonObject): JsonObject {
	if (!key) throw new Error("there is no passkey");
	const client = clientData("webauthn.get", String(args["challenge"]), String(args["origin"]));
	const data = authData(String(args["rpId"]), Number(args["flags"] ?? 5), Buffer.alloc(0));
	const signature = createSign("sha256").update(data).update(sha256(client)).sign(key);
	return {
		credential: base64url(credential),
		userHandle: user,
		clientData: base64url(client),
		authenticatorData: base64url(data),
		signature: base64url(signature),
		prf: base64url(createHmac("sha256", prfSecret).update("letterlock/1/prf").digest()),
	};
}

// --- commands ---

const service = new KeyService(transport, new Memory(), () => undefined);

type Opened = Pick<Owner, "identitySeed" | "openpgp" | "secrets" | "close"> & { root: Bytes };

/** What the library keeps to itself; only a test that looks for it elsewhere may see it. */
interface Inside {
	account?: { entry: Kept; owner(): Promise<Opened> };
}

async function secrets(): Promise<{ [name: string]: string }> {
	const inside = (service as unknown as Inside).account;
	if (!inside) throw new Error("the keys are not open");
	const { type, secret, account, unlocker } = inside.entry;
	const keys = unlockKeys(type, secret, account, unlocker);
	const owner = await inside.owner();
	const found = {
		"export key": base64url(secret),
		U_auth: base64url(keys.auth),
		U_kem: base64url(keys.kem),
		U_anchor: base64url(keys.anchor),
		Root: base64url(owner.root),
		"identity seed": base64url(owner.identitySeed),
		...Object.fromEntries(owner.openpgp.map((k, i) => [`OpenPGP key ${i}`, base64url(k)])),
		...Object.fromEntries(owner.secrets.map((s) => [`area ${s.area} version ${s.version}`, base64url(s.key)])),
	};
	owner.close();
	return found;
}

async function run(line: JsonObject): Promise<unknown> {
	const args = (line["args"] ?? {}) as JsonObject;
	if (typeof line["call"] === "string") {
		const methods = service as unknown as { [name: string]: (a: JsonObject) => Promise<unknown> };
		return methods[line["call"]]?.call(service, args);
	}
	if (typeof line["post"] === "string") return post(`/api/v1/auth/${line["post"]}`, args as Fields);
	if (typeof line["get"] === "string") return answer("GET", line["get"]);
	if (typeof line["seal"] === "string") {
		const secret = { area: Area.mail, version: Number(line["version"]), key: new Uint8Array(randomBytes(32)) };
		return base64url(await sealForSession(unbase64url(line["seal"]), unbase64url(String(line["account"])), [secret]));
	}
	if (typeof line["secrets"] === "string") return secrets();
	if (typeof line["hold"] === "string") return (held = Buffer.from(line["hold"])).length;
	if (typeof line["openpgp"] === "string") {
		const fingerprint = unbase64url(String(line["fingerprint"]));
		return service.editOpenpgp({ fingerprint, key: unbase64url(line["openpgp"]), place: "first" });
	}
	if (line["passkey"] === "create") return create(args);
	if (line["passkey"] === "get") return assert(args);
	if (typeof line["agent"] === "string") return (agent = line["agent"]);
	const old = cookie;
	cookie = String(line["cookie"]);
	return old;
}

for await (const line of createInterface({ input: process.stdin })) {
	let out: { [name: string]: Json | unknown };
	try {
		out = { ok: (await run(JSON.parse(line) as JsonObject)) ?? null };
	} catch (err) {
		const e = err as Error & { type?: string; code?: string; retryAfter?: number };
		out = { error: e.type ?? e.code ?? e.message, text: e.message, retryAfter: e.retryAfter };
	}
	process.stdout.write(`${JSON.stringify(out)}\n`);
}
