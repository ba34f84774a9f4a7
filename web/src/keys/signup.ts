// Signing up: keys are made here, and nothing is stored before the recovery code was typed back.
import { argon2id } from "hash-wasm";
import { Account, now, passwordBytes, stage } from "./account";
import { base64url, type Bytes, concat, random, wipe } from "./bytes";
import { codeGroup, codeMatches } from "./code";
import type { Device } from "./device";
import { KeysError } from "./error";
import { auth, type Transport } from "./http";
import { sha256 } from "./kdf";
import { OpaqueRegistration } from "./opaque";
import type { KeyEdit } from "./own_keys";
import { Owner } from "./owner";
import { UnlockType } from "./scope";
import type { SignInOptions } from "./signin";
import { type Verifier, verifierEncode } from "./verifier";

export interface Domain {
	name: string;
	registration: "invitation" | "open";
}

interface Work {
	challenge: Bytes;
	bits: number;
	memory: number; // KiB
	passes: number;
}

// What a server may ask for; more would only keep the person waiting.
const BITS_MAX = 24;
const MEMORY_MAX = 256 * 1024;
const PASSES_MAX = 8;

function zeroBits(hash: Uint8Array): number {
	const first = hash.findIndex((b) => b !== 0);
	return first < 0 ? 8 * hash.length : 8 * first + Math.clz32(hash[first] as number) - 24;
}

/** Eight bytes whose hash with the challenge begins with as many zero bits as asked for. */
export async function proofOfWork(w: Work): Promise<Bytes> {
	if (w.bits > BITS_MAX || w.memory > MEMORY_MAX || w.passes > PASSES_MAX)
		throw new KeysError("limit", "the server asks for too much work");
	const salt = sha256(w.challenge).slice(0, 16);
	const cost = { iterations: w.passes, parallelism: 1, memorySize: w.memory, hashLength: 32 };
	for (;;) {
		const nonce = random(8);
		const password = concat(w.challenge, nonce);
		const hash = await argon2id({ password, salt, ...cost, outputType: "binary" });
		if (zeroBits(hash) >= w.bits) return nonce;
	}
}

interface Draft {
	address: string;
	handle: Bytes;
	owner: Owner;
	password: Verifier;
	exportKey: Bytes;
	recovery: Verifier;
	code: string;
}

export class SignUp {
	private draft: Draft | undefined;

	constructor(
		private readonly transport: Transport,
		private readonly device: Device,
		private readonly opened: (account: Account) => Promise<void>,
	) {}

	cancel(): void {
		this.draft?.owner.close();
		wipe(this.draft?.exportKey);
		this.draft = undefined;
	}

	async domains(): Promise<Domain[]> {
		const answer = await auth(this.transport, "signup-domains");
		return answer.list("domains").map((d) => ({
			name: d.text("name"),
			registration: d.text("registration") === "open" ? "open" : "invitation",
		}));
	}

	/** Everything but storing it. The result is the recovery code, to be shown. */
	async begin(address: string, password: string, invitation: string): Promise<string> {
		this.cancel();
		const begun = await auth(this.transport, "account-begin", {
			address,
			invitation,
			...(invitation ? {} : await this.work(address)),
		});
		const [handle, account] = [begun.bytes("handle"), begun.bytes("account")];
		const registration = new OpaqueRegistration(passwordBytes(password));
		const answer = await auth(this.transport, "account-register", { handle, request: registration.request });
		const { record, exportKey } = await registration.finish(answer.bytes("response"));
		const owner = Owner.create(account, now());
		const verifier = await owner.addPassword(record, exportKey, false, now());
		const { code, verifier: recovery } = await owner.addRecovery(now());
		this.draft = { address, handle, owner, password: verifier, exportKey, recovery, code };
		return codeGroup(code);
	}

	/** The account's OpenPGP key, which the other worker made. */
	editOpenpgp(edit: KeyEdit): readonly Bytes[] {
		const { owner } = this.current();
		owner.editOpenpgp(edit);
		return owner.openpgp;
	}

	/** Stores it and is signed in, once the code was typed back. */
	async finish(typedCode: string, options: SignInOptions, language: string): Promise<void> {
		const d = this.current();
		if (!codeMatches(d.code, typedCode)) throw new KeysError("auth", "not the code that was shown");
		const { changes, pin } = await d.owner.commit(now());
		await stage(this.transport, changes, { handle: d.handle });
		const { handle, owner, password, recovery, address } = d;
		await auth(this.transport, "account-create", {
			handle,
			identity: pin.identity,
			verifiers: [password, recovery].map((v) => base64url(verifierEncode(v))),
			language,
			...options,
		});
		const [account, secret] = [owner.manifest.account, d.exportKey.slice()];
		await this.device.setPin(account, pin);
		this.cancel();
		const entry = { account, unlocker: password.id, type: UnlockType.password, secret };
		const open = await Account.open(this.transport, this.device, address, entry);
		if (options.remember) await open.stay();
		await this.opened(open);
	}

	private current(): Draft {
		if (!this.draft) throw new KeysError("state", "no sign-up was begun");
		return this.draft;
	}

	private async work(address: string): Promise<{ challenge: Bytes; nonce: Bytes }> {
		const a = await auth(this.transport, "signup-work", { address });
		const challenge = a.bytes("challenge");
		const w = { challenge, bits: a.number("bits"), memory: a.number("memory"), passes: a.number("passes") };
		return { challenge, nonce: await proofOfWork(w) };
	}
}
