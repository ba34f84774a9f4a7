// What the key worker can be asked for. Methods take and give plain data only; no key and no secret
// but a new code or password that a person must see ever goes to the page.
import { Account, confirmPassword, type Export } from "./account";
import { base64url, type Bytes, unbase64url, wipe } from "./bytes";
import type { StoreKey } from "../pgp/sealed";
import { codeGroup, codeMake } from "./code";
import type { Device } from "./device";
import { deviceOpen, deviceSeal } from "./device_store";
import { KeysError } from "./error";
import { ApiError, auth, type Transport } from "./http";
import { answersOf, withKept } from "./kept_answers";
import { type Consent, sealGrant } from "./oauth";
import type { KeyEdit } from "./own_keys";
import { neverGiven, type Scope } from "./scope";
import { type Assertion, SignIn, type SignInOptions, type SignInState } from "./signin";
import { type Domain, SignUp } from "./signup";

export interface Status {
	/** out: nobody is signed in; locked: signed in, and the password is needed for the keys. */
	state: "out" | "locked" | "open";
	address: string;
	account: string; // base64url
}

const signedOut: Status = { state: "out", address: "", account: "" };

export class KeyService {
	private account: Account | undefined;
	private readonly signIn: SignIn;
	private readonly signUp: SignUp;
	private readonly transport: Transport;

	/** changed: the OpenPGP keys are others now, or none; its promise is waited for. */
	constructor(
		transport: Transport,
		private readonly device: Device,
		private readonly changed: (keys: readonly Bytes[], storeKeys: StoreKey[]) => Promise<void> | undefined,
	) {
		this.transport = withKept(transport, device);
		const opened = (account: Account) => this.adopt(account);
		this.signIn = new SignIn(this.transport, device, opened);
		this.signUp = new SignUp(this.transport, device, opened);
	}

	/** After the page was loaded: who is signed in, with the keys open if this browser keeps them. Without the
	 * network that is whoever stayed signed in here. */
	async resume(): Promise<Status> {
		if (this.account) return this.status();
		let address: string;
		let account: Bytes;
		let fresh: boolean;
		try {
			const a = await auth(this.transport, "account");
			[address, account] = [a.text("address"), a.bytes("account")];
			fresh = !a.kept;
		} catch (err) {
			if (!(err instanceof ApiError) || err.type !== "signed-out") throw err;
			await this.device.forget();
			return signedOut;
		}
		await this.openKept(address, account, fresh);
		return this.account ? this.status() : { state: "locked", address, account: base64url(account) };
	}

	status(): Status {
		if (!this.account) return signedOut;
		return { state: "open", address: this.account.address, account: base64url(this.account.id) };
	}

	/** The keys of the account that is signed in, by its password. */
	async unlock(a: { password: string; remember: boolean }): Promise<Status> {
		const answer = await auth(this.transport, "account");
		const entry = await confirmPassword(this.transport, a.password);
		const account = await Account.open(this.transport, this.device, answer.text("address"), entry);
		if (a.remember) await account.stay();
		await this.adopt(account);
		return this.status();
	}

	signupDomains(): Promise<Domain[]> {
		return this.signUp.domains();
	}

	/** The recovery code to be shown and typed back. */
	signupBegin(a: { address: string; password: string; invitation: string }): Promise<string> {
		return this.signUp.begin(a.address, a.password, a.invitation);
	}

	/** language: in which the server is to write to the account; none: its domain's. */
	async signupFinish(a: { code: string; language?: string } & SignInOptions): Promise<Status> {
		await this.signUp.finish(a.code, { remember: a.remember, device: a.device }, a.language ?? "");
		return this.status();
	}

	signInPassword(a: { address: string; password: string } & SignInOptions): Promise<SignInState> {
		return this.signIn.password(a.address, a.password, { remember: a.remember, device: a.device });
	}

	signInRecovery(a: { address: string; code: string } & SignInOptions): Promise<SignInState> {
		return this.signIn.recovery(a.address, a.code, { remember: a.remember, device: a.device });
	}

	signInTotp(a: { code: string }): Promise<SignInState> {
		return this.signIn.totp(a.code);
	}

	signInPasskey(a: Assertion): Promise<SignInState> {
		return this.signIn.passkey(a);
	}

	signInRecoveryFactor(a: { code: string }): Promise<SignInState> {
		return this.signIn.recoveryFactor(a.code);
	}

	passkeyStart(a: SignInOptions): Promise<{ rpId: string; challenge: string }> {
		return this.signIn.passkeyStart({ remember: a.remember, device: a.device });
	}

	/** prf: the PRF result of the assertion, base64url. */
	passkeyFinish(a: Assertion & { prf: string }): Promise<SignInState> {
		return this.signIn.passkeyFinish(a, unbase64url(a.prf));
	}

	/** Opens the account's session process, so that JMAP answers. */
	unlockSession(): Promise<void> {
		return this.current().unlockSession();
	}

	confirm(a: { password: string }): Promise<void> {
		return this.current().confirm(a.password);
	}

	changePassword(a: { password: string; rotate: boolean }): Promise<void> {
		return this.followed(this.current().changePassword(a.password, a.rotate));
	}

	/** A new recovery code to be shown; the old one is valid until recoveryFinish. */
	recoveryBegin(): string {
		const code = codeMake();
		this.current().recoveryBegin(code);
		return codeGroup(code);
	}

	recoveryFinish(a: { code: string }): Promise<void> {
		return this.followed(this.current().recoveryFinish(a.code));
	}

	/** The password in the form to be pasted; shown once. */
	addAppPassword(a: { scope: Scope; name: string }): Promise<{ password: string; id: string }> {
		return this.followed(this.current().addApp(a.scope, a.name));
	}

	/** An app password for a program, which gets it for the code; see oauth.ts. Those of codes that nobody came for go. */
	async oauthGrant(a: Consent): Promise<{ code: string; id: string }> {
		const all = (await auth(this.transport, "unlockers")).list("unlockers");
		const dropped = all.filter((u) => neverGiven({ created: u.number("created"), expires: u.number("expires") })).map((u) => u.bytes("id"));
		const { password, id } = await this.followed(this.current().addApp(a.scope, a.name, dropped));
		try {
			const { code, codeHash, sealed } = await sealGrant(a, password);
			await auth(this.transport, "oauth-grant", { clientId: a.clientId, redirectUri: a.redirectUri, challenge: a.challenge, codeHash, unlocker: id, sealed });
			return { code, id };
		} catch (err) {
			await this.revoke({ id, rotate: false }).catch(() => undefined);
			throw err;
		}
	}

	/** The unlocker's id, for factor-edit. */
	addPasskeyUnlocker(a: { prf: string; name: string }): Promise<string> {
		return this.followed(this.current().addPasskey(unbase64url(a.prf), a.name));
	}

	revoke(a: { id: string; rotate: boolean }): Promise<void> {
		return this.followed(this.current().revoke(a.id, a.rotate));
	}

	rotate(a: { areas: number }): Promise<void> {
		return this.followed(this.current().rotate(a.areas));
	}

	exportKeys(): Promise<Export> {
		return this.current().export();
	}

	async stay(a: { on: boolean }): Promise<void> {
		if (a.on) await this.current().stay();
		else await this.device.forget();
	}

	/** Whether the owner stays signed in here; then what opens the keys without the network is put away, too. */
	async trusted(): Promise<boolean> {
		const kept = this.account && (await this.device.kept());
		if (!this.account || !kept || base64url(kept.account) !== base64url(this.account.id)) return false;
		wipe(kept.secret);
		const answers = await answersOf(this.transport).catch(() => undefined);
		if (answers) await this.device.keepAnswers(answers);
		return true;
	}

	/** Seals what this browser keeps for its owner; each item with the name it is put away under. */
	sealHere(a: { items: [place: string, body: Bytes][] }): Promise<Bytes[]> {
		const { id } = this.current();
		const keys = this.current().deviceKeys();
		return Promise.all(a.items.map(([place, body]) => deviceSeal(id, keys, place, body)));
	}

	/** null in the place of what does not open. */
	openHere(a: { items: [place: string, record: Bytes][] }): Promise<(Bytes | null)[]> {
		const { id } = this.current();
		const keys = this.current().deviceKeys();
		const open = ([place, record]: [string, Bytes]) => deviceOpen(id, keys, place, record).catch(() => null);
		return Promise.all(a.items.map(open));
	}

	/** Wipes and forgets all but the pins; then the server is told. */
	async signOut(): Promise<void> {
		await this.close();
		await this.device.forget();
		await auth(this.transport, "logout");
	}

	/** Wipes what is in memory. */
	async close(): Promise<void> {
		this.signIn.cancel();
		this.signUp.cancel();
		this.account?.close();
		this.account = undefined;
		await this.changed([], []);
	}

	/** From the OpenPGP worker: keys made, imported, expired, revoked or deleted there. */
	async editOpenpgp(edit: KeyEdit): Promise<void> {
		if (!this.account) return this.changed(this.signUp.editOpenpgp(edit), []);
		await this.followed(this.account.editOpenpgp(edit));
		await this.tell(this.account);
	}

	/** What other devices have changed since. False: nothing. */
	async refresh(): Promise<boolean> {
		const account = this.current();
		const changed = await account.reload();
		if (changed) await this.tell(account);
		return changed;
	}

	private async tell(account: Account): Promise<void> {
		await this.changed(account.openpgp, account.storeKeys());
	}

	/** What is kept for the time without the network follows a change. */
	private async followed<T>(change: Promise<T>): Promise<T> {
		const done = await change;
		if (await this.device.answers().catch(() => undefined)) await this.trusted().catch(() => false);
		return done;
	}

	private current(): Account {
		if (!this.account) throw new KeysError("state", "the keys are not open");
		return this.account;
	}

	private async adopt(account: Account): Promise<void> {
		this.account?.close();
		this.account = account;
		await this.tell(account);
	}

	/** A secret that does not open the account any more is forgotten; fresh: as the server has it now. */
	private async openKept(address: string, account: Bytes, fresh: boolean): Promise<void> {
		const kept = await this.device.kept();
		if (!kept) return;
		try {
			if (base64url(kept.account) !== base64url(account)) throw new KeysError("auth", "another account");
			await this.adopt(await Account.open(this.transport, this.device, address, kept));
		} catch (err) {
			if (err instanceof ApiError) throw err;
			if (fresh) await this.device.forget();
		}
	}
}

/** What the page may call. */
export const keyServiceMethods = [
	"resume",
	"status",
	"unlock",
	"signupDomains",
	"signupBegin",
	"signupFinish",
	"signInPassword",
	"signInRecovery",
	"signInTotp",
	"signInPasskey",
	"signInRecoveryFactor",
	"passkeyStart",
	"passkeyFinish",
	"unlockSession",
	"confirm",
	"changePassword",
	"recoveryBegin",
	"recoveryFinish",
	"addAppPassword",
	"oauthGrant",
	"addPasskeyUnlocker",
	"revoke",
	"rotate",
	"exportKeys",
	"refresh",
	"stay",
	"trusted",
	"sealHere",
	"openHere",
	"signOut",
	"close",
] as const satisfies readonly (keyof KeyService)[];
