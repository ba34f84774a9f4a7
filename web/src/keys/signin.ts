// Signing in: the dialogue of docs/api/auth.md, up to an account whose keys are open. What the
// dialogue needs between its steps stays here, in the worker.
import { Account, passwordBytes } from "./account";
import { base64url, type Bytes, wipe } from "./bytes";
import { codeBytes, codeParse } from "./code";
import type { Device, Kept } from "./device";
import { KeysError } from "./error";
import { type Answer, auth, type Transport } from "./http";
import { OpaqueLogin } from "./opaque";
import { UnlockType } from "./scope";
import { unlockKeys, wipeUnlockKeys } from "./unlock";

/** Where a sign-in stands; bytes are base64url. */
export interface SignInState {
	next: "done" | "factor" | "proof";
	totp: boolean;
	passkey: boolean;
	recovery: boolean;
	rpId: string;
	challenge: string;
	credentials: string[];
}

/** The page's part of a passkey's answer (AuthenticatorAssertionResponse); bytes are base64url. */
export interface Assertion {
	credential: string;
	userHandle: string;
	clientData: string;
	authenticatorData: string;
	signature: string;
}

export interface SignInOptions {
	remember: boolean;
	device: string; // a name for the list of sessions
}

interface Dialogue {
	handle: Bytes;
	options: SignInOptions;
	address: string;
	kept?: Kept; // once the unlock secret is known
	account?: Bytes; // as login-start said it
	recovery?: Bytes | undefined; // the recovery code's unlocker, as second step
}

function stateOf(a: Answer): SignInState {
	const next = a.text("next");
	if (next !== "done" && next !== "factor" && next !== "proof")
		throw new KeysError("syntax", "an unknown step");
	return {
		next,
		totp: a.flag("totp"),
		passkey: a.flag("passkey"),
		recovery: a.id("recovery") !== undefined,
		rpId: a.text("rpId"),
		challenge: a.text("challenge"),
		credentials: a.texts("credentials"),
	};
}

/** The PRF result never leaves the browser: only these members are sent. */
function assertionFields(a: Assertion): { [name: string]: string } {
	const { credential, userHandle, clientData, authenticatorData, signature } = a;
	return { credential, userHandle, clientData, authenticatorData, signature };
}

export class SignIn {
	private dialogue: Dialogue | undefined;

	constructor(
		private readonly transport: Transport,
		private readonly device: Device,
		private readonly opened: (account: Account) => Promise<void>,
	) {}

	/** Ends a dialogue that goes no further. */
	cancel(): void {
		wipe(this.dialogue?.kept?.secret);
		this.dialogue = undefined;
	}

	async password(address: string, password: string, options: SignInOptions): Promise<SignInState> {
		this.cancel();
		const login = new OpaqueLogin(passwordBytes(password));
		const start = await auth(this.transport, "login-start", { address, ke1: login.ke1, ...options });
		const { ke3, exportKey } = await login.finish(start.bytes("ke2"));
		const kept = this.keptOf(start, UnlockType.password, exportKey);
		this.dialogue = { handle: start.bytes("handle"), options, address, kept };
		return this.step("login-password", { proof: ke3 });
	}

	async recovery(address: string, typed: string, options: SignInOptions): Promise<SignInState> {
		this.cancel();
		const secret = codeBytes(codeParse(typed));
		const start = await auth(this.transport, "login-start", { address, ...options });
		const kept = this.keptOf(start, UnlockType.recovery, secret);
		this.dialogue = { handle: start.bytes("handle"), options, address, kept };
		return this.proof("login-recovery", kept);
	}

	totp(code: string): Promise<SignInState> {
		return this.step("login-totp", { code });
	}

	passkey(assertion: Assertion): Promise<SignInState> {
		return this.step("login-passkey", assertionFields(assertion));
	}

	/** The recovery code in the place of a second factor. */
	recoveryFactor(typed: string): Promise<SignInState> {
		const { recovery, kept } = this.current();
		if (!recovery || !kept) throw new KeysError("state", "no recovery code is asked for");
		const secret = codeBytes(codeParse(typed));
		const other: Kept = { account: kept.account, unlocker: recovery, type: UnlockType.recovery, secret };
		return this.proof("login-recovery", other).finally(() => wipe(secret));
	}

	/** Without a password: the challenge for a passkey. */
	async passkeyStart(options: SignInOptions): Promise<{ rpId: string; challenge: string }> {
		this.cancel();
		const start = await auth(this.transport, "passkey-start", { ...options });
		this.dialogue = { handle: start.bytes("handle"), options, address: "" };
		return { rpId: start.text("rpId"), challenge: start.text("challenge") };
	}

	async passkeyFinish(assertion: Assertion, prf: Bytes): Promise<SignInState> {
		const d = this.current();
		const answer = await auth(this.transport, "passkey-assert", {
			handle: d.handle,
			...assertionFields(assertion),
		});
		if (answer.text("next") !== "proof") throw new KeysError("syntax", "an unknown step");
		d.kept = this.keptOf(answer, UnlockType.webauthn, prf);
		return this.proof("passkey-unlock", d.kept);
	}

	private current(): Dialogue {
		if (!this.dialogue) throw new KeysError("state", "no sign-in was begun");
		return this.dialogue;
	}

	private keptOf(a: Answer, type: UnlockType, secret: Bytes): Kept {
		return { account: a.bytes("account"), unlocker: a.bytes("unlocker"), type, secret };
	}

	/** Proves an unlock secret by its U_auth. */
	private async proof(command: string, k: Kept): Promise<SignInState> {
		const keys = unlockKeys(k.type, k.secret, k.account, k.unlocker);
		try {
			return await this.step(command, { proof: base64url(keys.auth) });
		} finally {
			wipeUnlockKeys(keys);
		}
	}

	private async step(command: string, fields: { [name: string]: string | Uint8Array }): Promise<SignInState> {
		const d = this.current();
		const answer = await auth(this.transport, command, { handle: d.handle, ...fields });
		d.recovery = answer.id("recovery");
		const state = stateOf(answer);
		if (state.next === "done") await this.finish(d, answer.text("address"));
		return state;
	}

	private async finish(d: Dialogue, address: string): Promise<void> {
		if (!d.kept) throw new KeysError("state", "the keys' secret is not known");
		this.dialogue = undefined;
		const account = await Account.open(this.transport, this.device, address || d.address, d.kept);
		if (d.options.remember) await account.stay();
		await this.opened(account);
	}
}
