// One signed-in account, in the worker: its unlock secret and what it opened. Every change starts
// from the records as they are now, so that clients which change an account at once do not lose each
// other's changes.
import { type StoreKey, storeKeys } from "../pgp/sealed";
import { base64url, type Bytes, unbase64url, utf8, wipe } from "./bytes";
import { codeBytes, codeMatches, codeParse } from "./code";
import type { Device, Kept } from "./device";
import { type DeviceKey, deviceKeys } from "./device_store";
import { KeysError } from "./error";
import { type Answer, ApiError, auth, type Fields, type Transport } from "./http";
import type { AreaSecret } from "./keyring";
import { OpaqueLogin, OpaqueRegistration } from "./opaque";
import type { OpenRequest, Pin } from "./open";
import type { KeyEdit } from "./own_keys";
import { type Committed, Owner } from "./owner";
import { type KeyChange, KeyRecords } from "./records";
import { type Scope, UnlockType } from "./scope";
import { sealForSession } from "./session";
import { type Verifier, verifierEncode } from "./verifier";

export const now = (): number => Math.floor(Date.now() / 1000);

/** The bytes of a password: the same for the same characters, however they were typed (RFC 8265
 * OpaqueString: every space is the common one, then NFC). The command line does the same. */
export function passwordBytes(password: string): Bytes {
	return utf8(password.replace(/\p{Zs}/gu, " ").normalize("NFC"));
}

export function pinOf(a: Answer): Pin {
	return { identity: a.bytes("identity"), seq: BigInt(a.number("seq")), hash: a.bytes("hash") };
}

const STAGE_BYTES = 128 * 1024;

/** So often a change begins again because another client was faster. */
const RACES = 3;

/** Sends changes in portions of a size that one request may have, for a sign-up or as one named change. */
export async function stage(t: Transport, changes: KeyChange[], to: { handle: Bytes } | { change: Bytes }): Promise<void> {
	let portion: Fields[] = [];
	let bytes = 0;
	const send = async () => {
		const list = portion.map((p) => ({ ...p }));
		if (list.length) await auth(t, "keys-stage", { ...to, changes: list as never });
		portion = [];
		bytes = 0;
	};
	for (const c of changes) {
		const size = c.key.length + c.value.length;
		if (bytes + size > STAGE_BYTES) await send();
		portion.push({ kind: c.kind, key: base64url(c.key), value: base64url(c.value) });
		bytes += size;
	}
	await send();
}

async function readRecords(t: Transport): Promise<KeyRecords> {
	const records = new KeyRecords();
	for (let skip = 0, more = true; more; ) {
		const page = await auth(t, "keys-read", { skip });
		const list = page.list("records");
		for (const r of list) records.put(r.bytes("key"), r.bytes("value"));
		skip += list.length;
		more = page.flag("more") && list.length > 0;
	}
	return records;
}

/** Everything of an account's keys, for its owner to keep. */
export interface Export {
	format: "letterlock-keys/1";
	address: string;
	account: string;
	identitySeed: string;
	areas: { area: number; version: number; key: string }[];
	openpgp: string[];
}

export class Account {
	private turn: Promise<unknown> = Promise.resolve();
	private entry: Kept;
	private secrets: AreaSecret[] = [];
	private openpgpKeys: Bytes[] = [];
	/** Of the manifest that these are from. */
	private seq = 0n;
	/** A new recovery code that was shown and not yet typed back. */
	private pendingCode: string | undefined;

	private constructor(
		private readonly transport: Transport,
		private readonly device: Device,
		readonly address: string,
		entry: Kept,
	) {
		this.entry = entry;
	}

	/** Reads and opens the keys. entry.secret is taken over. */
	static async open(transport: Transport, device: Device, address: string, entry: Kept): Promise<Account> {
		const a = new Account(transport, device, address, entry);
		try {
			const owner = await a.owner();
			a.adopt(owner);
			owner.close();
			return a;
		} catch (err) {
			a.close();
			throw err;
		}
	}

	close(): void {
		wipe(this.entry.secret, ...this.secrets.map((s) => s.key), ...this.openpgpKeys);
		this.secrets = [];
		this.openpgpKeys = [];
	}

	get id(): Bytes {
		return this.entry.account;
	}

	get openpgp(): readonly Bytes[] {
		return this.openpgpKeys;
	}

	/** For the other worker's store of people's keys. */
	storeKeys(): StoreKey[] {
		return storeKeys(this.id, this.secrets);
	}

	/** For what this browser keeps for its owner. */
	deviceKeys(): DeviceKey[] {
		return deviceKeys(this.secrets);
	}

	/** Keeps the unlock secret in this browser. */
	stay(): Promise<void> {
		return this.device.keep(this.entry);
	}

	/** Opens the account's session process when it is locked. */
	async unlockSession(): Promise<void> {
		for (let attempt = 0; ; attempt++) {
			const session = await this.transport.get("/api/v1/session");
			const state = session.text("state");
			if (state === "open") return;
			if (state === "out") throw new ApiError("signed-out", "nobody is signed in", 401, undefined);
			const sealed = await sealForSession(session.bytes("unlockKey"), this.id, this.secrets);
			try {
				await this.transport.post("/api/v1/session/unlock", { sealed });
				return;
			} catch (err) {
				// The process may have gone, and with it its key; another client may have made new area keys.
				if (attempt > 0 || !(err instanceof ApiError) || err.type !== "refused") throw err;
				await this.reload();
			}
		}
	}

	/** A fresh proof of the password, for what needs one. */
	async confirm(password: string): Promise<void> {
		await confirmPassword(this.transport, password).then((k) => wipe(k.secret));
	}

	/** A new password. With rotate the old one and an old copy of the disk open nothing new. */
	async changePassword(password: string, rotate: boolean): Promise<void> {
		const registration = new OpaqueRegistration(passwordBytes(password));
		const answer = await auth(this.transport, "keys-register", { request: registration.request });
		const { record, exportKey } = await registration.finish(answer.bytes("response"));
		let made: Verifier | undefined;
		await this.change(async (o) => {
			made = await o.addPassword(record, exportKey, rotate, now());
			return [made];
		});
		if (made && this.entry.type === UnlockType.password) await this.enterBy(made, exportKey);
		else wipe(exportKey);
	}

	/** A new recovery code to be shown; nothing changes before it was typed back. */
	recoveryBegin(code: string): void {
		this.pendingCode = code;
	}

	async recoveryFinish(typed: string): Promise<void> {
		const code = this.pendingCode;
		if (!code || !codeMatches(code, typed)) throw new KeysError("auth", "not the code that was shown");
		let made: Verifier | undefined;
		await this.change(async (o) => {
			made = await o.addRecoveryText(code, now());
			return [made];
		});
		this.pendingCode = undefined;
		if (made && this.entry.type === UnlockType.recovery) await this.enterBy(made, codeBytes(codeParse(code)));
	}

	/** dropped: others that nobody has. */
	async addApp(scope: Scope, name: string, dropped: readonly Bytes[] = []): Promise<{ password: string; id: string }> {
		let made: { password: string; verifier: Verifier } | undefined;
		await this.change(async (o) => {
			for (const id of dropped) if (o.has(id)) await o.revoke(id, false);
			made = await o.addApp(scope, name, now());
			return [made.verifier];
		});
		if (!made) throw new KeysError("state", "nothing was made");
		return { password: made.password, id: base64url(made.verifier.id) };
	}

	/** The id goes to factor-edit. */
	async addPasskey(prf: Bytes, name: string): Promise<string> {
		let made: Verifier | undefined;
		await this.change(async (o) => {
			made = await o.addWebauthn(prf, name, now());
			return [made];
		});
		wipe(prf);
		return made ? base64url(made.id) : "";
	}

	revoke(id: string, rotate: boolean): Promise<void> {
		return this.change(async (o) => {
			await o.revoke(unbase64url(id), rotate);
			return [];
		});
	}

	rotate(areas: number): Promise<void> {
		return this.change(async (o) => {
			await o.rotate(areas);
			return [];
		});
	}

	editOpenpgp(edit: KeyEdit): Promise<void> {
		return this.change(async (o) => {
			o.editOpenpgp(edit);
			return [];
		});
	}

	async export(): Promise<Export> {
		const owner = await this.owner();
		const areas = owner.secrets.map((s) => ({ area: s.area, version: s.version, key: base64url(s.key) }));
		const all: Export = {
			format: "letterlock-keys/1",
			address: this.address,
			account: base64url(this.id),
			identitySeed: base64url(owner.identitySeed),
			areas,
			openpgp: owner.openpgp.map(base64url),
		};
		owner.close();
		return all;
	}

	/** Reads and opens the keys again. False: nobody has changed them since the last time. */
	async reload(): Promise<boolean> {
		const owner = await this.owner();
		const changed = owner.manifest.seq !== this.seq;
		this.adopt(owner);
		owner.close();
		return changed;
	}

	private async owner(): Promise<Owner> {
		for (let pin = pinOf(await auth(this.transport, "account")); ; ) {
			const records = await readRecords(this.transport);
			const seen = await this.device.pin(this.id);
			const request: OpenRequest = { ...this.entry, records, pins: [pin], seen, now: now() };
			try {
				const owner = await Owner.open(request);
				await this.device.setPin(this.id, pin);
				return owner;
			} catch (err) {
				// Another client may have changed the keys while they were read.
				const after = pinOf(await auth(this.transport, "account"));
				if (after.seq === pin.seq) throw err;
				pin = after;
			}
		}
	}

	private adopt(owner: Owner): void {
		this.seq = owner.manifest.seq;
		wipe(...this.secrets.map((s) => s.key), ...this.openpgpKeys);
		this.secrets = owner.secrets.map((s) => ({ ...s, key: s.key.slice() }));
		this.openpgpKeys = owner.openpgp.map((k) => k.slice());
	}

	/** One change after the other, those of other tabs included: only one at a time is staged in a sign-in. */
	private change(make: (o: Owner) => Promise<Verifier[]>): Promise<void> {
		const locks = globalThis.navigator?.locks;
		const run = () => (locks ? locks.request("letterlock-keys-change", () => this.changeNow(make)) : this.changeNow(make));
		const done = this.turn.then(run);
		this.turn = done.catch(() => undefined);
		return done;
	}

	/** Applies a change to the account as it is now; again when another client was faster. */
	private async changeNow(make: (o: Owner) => Promise<Verifier[]>): Promise<void> {
		for (let attempt = 0; ; attempt++) {
			const owner = await this.owner();
			try {
				const verifiers = await make(owner);
				await this.store(await owner.commit(now()), verifiers);
				this.adopt(owner);
				return;
			} catch (err) {
				if (attempt === RACES || !(err instanceof ApiError) || err.type !== "conflict") throw err;
			} finally {
				owner.close();
			}
		}
	}

	private async store(c: Committed, verifiers: Verifier[]): Promise<void> {
		const change = crypto.getRandomValues(new Uint8Array(16));
		await stage(this.transport, c.changes, { change });
		await auth(this.transport, "keys-update", { change, verifiers: verifiers.map((v) => base64url(verifierEncode(v))) });
		await this.device.setPin(this.id, c.pin);
	}

	/** From now on through another unlocker; what is kept in the browser follows. */
	private async enterBy(v: Verifier, secret: Bytes): Promise<void> {
		const kept = await this.device.kept();
		wipe(this.entry.secret, kept?.secret);
		this.entry = { account: v.account, unlocker: v.id, type: v.type, secret };
		if (kept) await this.stay();
	}
}

/** The password once more, under the cookie of a sign-in: its unlock secret. */
export async function confirmPassword(t: Transport, password: string): Promise<Kept> {
	const login = new OpaqueLogin(passwordBytes(password));
	const start = await auth(t, "confirm-start", { ke1: login.ke1 });
	const [account, unlocker] = [start.bytes("account"), start.bytes("unlocker")];
	const { ke3, exportKey } = await login.finish(start.bytes("ke2"));
	await auth(t, "confirm-password", { handle: start.bytes("handle"), proof: ke3 });
	return { account, unlocker, type: UnlockType.password, secret: exportKey };
}
