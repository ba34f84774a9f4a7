// A server for the key service's tests: the forms of docs/api/auth.md in memory, with the C code's
// OPAQUE and its check of verifiers behind them. It trusts nothing that the C code would refuse.
import { base64url, type Bytes, equal, hex, random, unbase64url } from "../../src/keys/bytes";
import type { Device, Kept } from "../../src/keys/device";
import type { KeptAnswers } from "../../src/keys/kept_answers";
import { Answer, ApiError, type Fields, type Json, type JsonObject, type Transport } from "../../src/keys/http";
import { type AreaSecret } from "../../src/keys/keyring";
import { manifestHash, manifestOpen } from "../../src/keys/manifest";
import type { Pin } from "../../src/keys/open";
import { KeyRecords, recordKey } from "../../src/keys/records";
import { UnlockType } from "../../src/keys/scope";
import { authHash } from "../../src/keys/unlock";
import { type Verifier, verifierDecode } from "../../src/keys/verifier";
import { Hpke } from "../../src/keys/hpke";
import { xwingPublic } from "../../src/keys/xwing";
import { concat, Reader, utf8 } from "../../src/keys/bytes";
import type { Peer } from "./peer";

interface Staged {
	kind: "put" | "put-new" | "delete";
	key: string;
	value: string;
}

const refused = () => new ApiError("refused", "refused", 401, undefined);

export class Server implements Transport {
	readonly account = random(16);
	readonly handle = random(16);
	readonly records = new KeyRecords();
	verifiers: Verifier[] = [];
	pin: Pin | undefined;
	factor = false;
	signedIn = false;
	fresh = false;
	/** Set: it cannot be reached. */
	away = false;
	/** What a session process got, once it was unlocked. */
	session: AreaSecret[] | undefined;
	readonly calls: string[] = [];
	/** Runs once before the next keys-update: another client that is faster. */
	race: (() => Promise<void>) | undefined;
	private staged: Staged[] = [];
	/** Which change that is. */
	private change: Json | undefined;
	private readonly sessionSeed = random(32);

	constructor(readonly peer: Peer) {}

	get = async (path: string): Promise<Answer> => {
		this.reach();
		if (path !== "/api/v1/session") throw refused();
		const unlockKey = this.session ? "" : base64url(xwingPublic(this.sessionSeed));
		return new Answer({ state: this.session ? "open" : "locked", unlockKey });
	};

	private reach(): void {
		if (this.away) throw new ApiError("unavailable", "the server cannot be reached", 0, undefined);
	}

	post = async (path: string, fields: Fields): Promise<Answer> => {
		this.reach();
		const f = JSON.parse(
			JSON.stringify(fields, (_, v: unknown) => (v instanceof Uint8Array ? base64url(v) : v)),
		) as JsonObject;
		if (path === "/api/v1/session/unlock") return this.unlockSession(unbase64url(String(f["sealed"])));
		const command = path.replace("/api/v1/auth/", "");
		this.calls.push(command);
		const handler = (this.commands as Record<string, (f: JsonObject) => Promise<JsonObject>>)[command];
		if (!handler) throw new ApiError("unknown-command", command, 404, undefined);
		return new Answer(await handler(f));
	};

	private async unlockSession(sealed: Bytes): Promise<Answer> {
		const info = concat(utf8("letterlock/1/session-unlock\0"), this.account);
		const hpke = await Hpke.receiver(this.sessionSeed, sealed.slice(0, 1120), info);
		const plain = await hpke.open(sealed.slice(1120));
		const r = new Reader(plain);
		this.session = [];
		for (let i = 0; i < plain.length; i += 37)
			this.session.push({ area: r.u8(), version: r.u32(), key: r.bytes(32) });
		return new Answer({ state: "open" });
	}

	private find(type: number): Verifier | undefined {
		return this.verifiers.find((v) => v.type === type);
	}

	private bytes(f: JsonObject, name: string): Bytes {
		return unbase64url(String(f[name] ?? ""));
	}

	private state(next: string): JsonObject {
		const recovery = this.find(UnlockType.recovery);
		const factors = { totp: true, passkey: false, recovery: recovery ? base64url(recovery.id) : null };
		const state = { next, rpId: "", challenge: "", credentials: [], address: "alice@example.org" };
		return { ...state, ...(next === "factor" ? factors : { recovery: null }), ...this.pinFields() };
	}

	private pinFields(): JsonObject {
		const { pin } = this;
		if (!pin) return {};
		return { identity: base64url(pin.identity), seq: Number(pin.seq), hash: base64url(pin.hash) };
	}

	private done(): JsonObject {
		this.signedIn = true;
		this.fresh = true;
		return this.state("done");
	}

	private async startOpaque(f: JsonObject): Promise<JsonObject> {
		const v = this.find(f["ke1"] ? UnlockType.password : UnlockType.recovery);
		const record = v?.type === UnlockType.password ? v.opaque : new Uint8Array(0);
		const ke1 = this.bytes(f, "ke1");
		const ke2 = ke1.length ? await this.peer.one("opaque-login", this.account, record, ke1) : ke1;
		const ids = { handle: base64url(this.handle), account: base64url(this.account) };
		return { ...ids, unlocker: base64url(v?.id ?? random(16)), ke2: base64url(ke2) };
	}

	private async finishOpaque(f: JsonObject): Promise<void> {
		await this.peer.call("opaque-finish", this.bytes(f, "proof")).catch(() => {
			throw refused();
		});
	}

	private async register(f: JsonObject): Promise<JsonObject> {
		const response = await this.peer.one("opaque-register", this.account, this.bytes(f, "request"));
		return { response: base64url(response) };
	}

	private async takeVerifiers(f: JsonObject): Promise<void> {
		for (const text of f["verifiers"] as string[]) {
			await this.peer.call("verifier", unbase64url(text));
			const v = verifierDecode(unbase64url(text));
			this.verifiers = [...this.verifiers.filter((o) => o.type !== v.type || v.type > 2), v];
		}
	}

	/** The manifest must follow from the newest and be signed by the identity key. */
	private store(identity: Bytes): void {
		const put = this.staged.find((c) => c.kind === "put-new");
		const value = unbase64url(put?.value ?? "");
		const m = manifestOpen(this.account, identity, value);
		if (this.pin && (m.seq !== this.pin.seq + 1n || !equal(m.previous, this.pin.hash)))
			throw new ApiError("conflict", "somebody was faster", 409, undefined);
		for (const c of this.staged) {
			if (c.kind === "delete") this.records.delete(unbase64url(c.key));
			else this.records.put(unbase64url(c.key), unbase64url(c.value));
		}
		this.pin = { identity, seq: m.seq, hash: manifestHash(value) };
		this.verifiers = this.verifiers.filter((v) => m.unlockers.some((u) => equal(u.id, v.id)));
		this.staged = [];
	}

	/** What docs/api/auth.md gives: of the manifests only the newest, here. */
	private read(skip: number): JsonObject {
		const newest = this.pin && hex(recordKey.manifest(this.pin.seq));
		const manifests = hex(utf8("k/manifest/"));
		const all = this.records.entries().filter(([key]) => !key.startsWith(manifests) || key === newest);
		const page = all.slice(skip, skip + 3);
		const records = page.map(([key, value]) => {
			return { kind: "put", key: base64url(keyBytes(key)), value: base64url(value) };
		});
		return { more: skip + 3 < all.length, records };
	}

	private readonly commands = {
		"account-begin": async () => ({ handle: base64url(this.handle), account: base64url(this.account) }),
		"account-register": (f: JsonObject) => this.register(f),
		"keys-register": (f: JsonObject) => this.register(f),
		"keys-stage": async (f: JsonObject) => {
			if (this.change !== f["change"]) this.staged = [];
			this.change = f["change"];
			this.staged.push(...(f["changes"] as unknown as Staged[]));
			return {};
		},
		"account-create": async (f: JsonObject) => {
			this.store(this.bytes(f, "identity"));
			await this.takeVerifiers(f);
			return this.done();
		},
		"keys-update": async (f: JsonObject) => {
			const { race } = this;
			this.race = undefined;
			await race?.();
			if (this.change !== f["change"]) throw new ApiError("conflict", "another change came between", 409, undefined);
			const verifiers = f["verifiers"] as string[];
			try {
				if (verifiers.length && !this.fresh) throw new ApiError("confirm", "confirm", 403, undefined);
				this.store(this.pin?.identity ?? random(32));
			} finally {
				this.staged = [];
			}
			await this.takeVerifiers(f);
			return this.pinFields();
		},
		"keys-read": async (f: JsonObject) => this.read(Number(f["skip"])),
		account: async () => {
			if (!this.signedIn) throw new ApiError("signed-out", "signed out", 401, undefined);
			return { account: base64url(this.account), address: "alice@example.org", ...this.pinFields() };
		},
		"login-start": (f: JsonObject) => this.startOpaque(f),
		"login-password": async (f: JsonObject) => {
			await this.finishOpaque(f);
			return this.factor ? this.state("factor") : this.done();
		},
		"login-totp": async (f: JsonObject) => {
			if (f["code"] !== "123456") throw refused();
			return this.done();
		},
		"login-recovery": async (f: JsonObject) => {
			const v = this.find(UnlockType.recovery);
			if (v?.type !== UnlockType.recovery) throw refused();
			if (!equal(authHash(this.bytes(f, "proof")), v.authHash)) throw refused();
			return this.done();
		},
		"passkey-start": async () => ({ handle: base64url(this.handle), rpId: "example.org", challenge: base64url(random(32)) }),
		"passkey-assert": async (f: JsonObject) => {
			const v = this.find(UnlockType.webauthn);
			if (!v || f["signature"] !== "sig" || "prf" in f) throw refused();
			return { ...this.state("proof"), account: base64url(this.account), unlocker: base64url(v.id) };
		},
		"passkey-unlock": async (f: JsonObject) => {
			const v = this.find(UnlockType.webauthn);
			if (v?.type !== UnlockType.webauthn || !equal(authHash(this.bytes(f, "proof")), v.authHash)) throw refused();
			return this.done();
		},
		"confirm-start": (f: JsonObject) => this.startOpaque(f),
		"confirm-password": async (f: JsonObject) => {
			await this.finishOpaque(f);
			this.fresh = true;
			return {};
		},
		logout: async () => {
			this.signedIn = false;
			return {};
		},
	};
}

function keyBytes(key: string): Bytes {
	return Uint8Array.from(key.match(/../g) ?? [], (h) => parseInt(h, 16));
}

/** A browser's memory without a browser. */
export class MemoryDevice implements Device {
	readonly pins = new Map<string, Pin>();
	private secret: Kept | undefined;
	private given: KeptAnswers | undefined;

	async pin(account: Bytes): Promise<Pin | undefined> {
		return this.pins.get(hex(account));
	}

	async setPin(account: Bytes, pin: Pin): Promise<void> {
		this.pins.set(hex(account), pin);
	}

	async kept(): Promise<Kept | undefined> {
		return this.secret && { ...this.secret, secret: this.secret.secret.slice() };
	}

	async keep(kept: Kept): Promise<void> {
		this.secret = { ...kept, secret: kept.secret.slice() };
	}

	async answers(): Promise<KeptAnswers | undefined> {
		return this.given;
	}

	async keepAnswers(answers: KeptAnswers): Promise<void> {
		this.given = answers;
	}

	async forget(): Promise<void> {
		this.secret = undefined;
		this.given = undefined;
	}
}
