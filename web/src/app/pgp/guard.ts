// What will happen to the letter that is being written: the lock shows exactly this, and sending does exactly
// this. The rules are the worker's (src/pgp/policy.ts).
import { computed, signal } from "@preact/signals";
import type { Fate, Plan, Wish } from "../../pgp/client";
import { ensureOwnKey } from "./own.ts";
import { askAgain, findKeys } from "./lookup.ts";
import { askForKeys, KeysLocked, now, persist, pgp } from "./worker.ts";

export type Way = "plain" | "signed" | "encrypted" | "letter";

/** How people without a key get the letter: under a password, behind a link. */
export interface LetterWish {
	password: string;
	/** The password would take long enough to guess. */
	enough: boolean;
	/** For who reads the mail with the link. */
	hint: string;
	days: number;
	/** How often it may be opened; 0: any number of times. */
	opens: number;
}

const isStranger = (f: Fate) => f.because === "noKey" || f.because === "unusableKey";

export class Guard {
	readonly plan = signal<Plan | null>(null);
	readonly wish = signal<Wish>("auto");
	readonly sign = signal(false);
	readonly letter = signal<LetterWish | null>(null);
	readonly state = signal<"idle" | "looking" | "locked" | "failed" | "ready">("idle");
	/** The panel of the lock is open. */
	readonly panel = signal(false);
	private addresses: readonly string[] = [];
	private timer = 0;
	private turn = 0;
	private confirmed = false;

	/** threadEncrypted: the letter answers or forwards one that was encrypted. */
	constructor(readonly threadEncrypted: boolean) {}

	/** Whoever has no key that can be used. */
	readonly strangers = computed(() => (this.plan.value?.recipients ?? []).filter(isStranger).map((f) => f.address));

	readonly way = computed<Way | "ask">(() => {
		const action = this.plan.value?.action ?? "plain";
		if (this.letter.value && this.strangers.value.length)
			return this.plan.value?.recipients.every((f) => f.action === "encrypt" || isStranger(f)) ? "letter" : "ask";
		if (action === "plain")
			return this.sign.value ? "signed" : "plain";
		return action === "encrypt" ? "encrypted" : "ask";
	});

	get plainConfirmed(): boolean {
		return this.confirmed;
	}

	/** Whether what is saved meanwhile is for its writer's eyes only. */
	get secret(): boolean {
		if (this.confirmed)
			return false;
		return this.threadEncrypted || this.letter.peek() !== null || this.plan.peek()?.action === "encrypt" || this.wish.peek() === "encrypt";
	}

	/** The recipients are others now. */
	follow(addresses: readonly string[]): void {
		const list = [...new Set(addresses.map((a) => a.toLowerCase()))];
		if (list.join() === this.addresses.join() && this.state.peek() !== "idle")
			return;
		this.addresses = list;
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.look(), 150);
	}

	choose(wish: Wish, sign: boolean): void {
		this.letter.value = null;
		this.wish.value = wish;
		this.sign.value = sign;
		void this.look();
	}

	/** Under a password for those without a key; encrypted for the others. */
	chooseLetter(wish: LetterWish): void {
		this.letter.value = wish;
		this.sign.value = false;
		if (this.wish.peek() === "encrypt")
			return;
		this.wish.value = "encrypt";
		void this.look();
	}

	/** Its writer has said that this letter goes unencrypted all the same. */
	confirmPlain(): void {
		this.confirmed = true;
		this.letter.value = null;
		this.wish.value = "plain";
	}

	/** Looks for keys, and plans; what is overtaken by a newer look has no effect. */
	async look(): Promise<void> {
		clearTimeout(this.timer);
		const turn = ++this.turn;
		const addresses = [...this.addresses];
		if (addresses.length === 0) {
			this.plan.value = null;
			this.state.value = "idle";
			return;
		}
		this.state.value = "looking";
		try {
			const p = await pgp();
			await findKeys(addresses);
			const plan = await p.call("plan", { addresses, wish: this.wish.peek(), threadEncrypted: this.threadEncrypted, plainConfirmed: this.confirmed });
			if (turn === this.turn) {
				this.plan.value = plan;
				this.state.value = "ready";
			}
		} catch (e) {
			if (turn === this.turn) {
				this.plan.value = null;
				this.state.value = e instanceof KeysLocked ? "locked" : "failed";
			}
		}
	}

	/** What sending will do now. Locked keys are asked for first: else a letter to somebody with a key would
	 * go unencrypted for no reason that its writer knows of. */
	async decide(addresses: readonly string[]): Promise<Way | "ask" | "stop"> {
		this.addresses = [...new Set(addresses.map((a) => a.toLowerCase()))];
		if (this.wish.peek() === "plain" && !this.threadEncrypted && !this.sign.peek())
			return "plain";
		if (!await askForKeys())
			return "stop";
		await this.look();
		const way = this.state.peek() === "ready" ? this.way.peek() : "ask";
		if (way !== "plain")
			await ensureOwnKey();
		return way;
	}

	/** The letter's writer takes the other key that was found for this address. */
	async takeKey(address: string): Promise<void> {
		const p = await pgp();
		const list = await p.call("contact", { address });
		const newest = list.filter((c) => c.info.canEncrypt && !c.pinned).sort((a, b) => b.lastSeen - a.lastSeen)[0];
		if (!newest)
			return;
		await p.call("exchange", { address, fingerprint: newest.info.fingerprint, at: now() });
		askAgain(address);
		persist();
		await this.look();
	}
}

export type { Fate };
