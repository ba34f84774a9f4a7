// The OpenPGP worker as the page uses it: one, made when it is first needed, with the keys of the key worker
// and what this browser has kept of other people's keys.
import { effect, signal } from "@preact/signals";
import { Pgp } from "../../pgp/client";
import { keys } from "../auth/keys.ts";
import { account } from "../session.ts";
import { scriptUrl } from "../trusted.ts";
import { keepStore, keptStore } from "./shelf.ts";

/** The keys are not in this tab: the password opens them. */
export class KeysLocked extends Error {
	override readonly name = "KeysLocked";
}

export const locked = signal(false);

let joined: Pgp | null = null;
let opening: Promise<Pgp> | null = null;

function join(): Pgp {
	if (!joined) {
		const worker = new Worker(scriptUrl(WORKER_URLS.pgp ?? ""), { type: "module", name: "pgp" });
		joined = new Pgp(worker);
		keys().join(worker);
	}
	return joined;
}

async function open(): Promise<Pgp> {
	const p = join();
	const status = await keys().call("resume");
	locked.value = status.state !== "open";
	if (locked.peek())
		throw new KeysLocked("the keys are locked");
	const record = await keptStore(status.account).catch(() => undefined);
	// One that does not open is of an older key or another browser's; what it knew is found again.
	if (record)
		await p.call("loadStore", { record }).catch(() => undefined);
	return p;
}

const REFRESH_MS = 30_000;
let refreshed = -REFRESH_MS;

/** Another device may have made a key since this page read the account's. True: there are other keys now. */
export async function newerKeys(): Promise<boolean> {
	if (performance.now() - refreshed < REFRESH_MS)
		return false;
	refreshed = performance.now();
	return keys().call("refresh");
}

/** The worker with its keys; rejects with KeysLocked when the password is needed first. */
export function pgp(): Promise<Pgp> {
	opening ??= open().catch((e: unknown) => {
		opening = null;
		throw e;
	});
	return opening;
}

export async function unlock(password: string): Promise<void> {
	await keys().call("unlock", { password, remember: false });
	opening = null;
	await pgp();
	learnt.value++;
}

/** The password is asked for once, whoever needs the keys; false when the person would rather not. */
export const keyQuestion = signal<{ answer(open: boolean): void } | null>(null);

export async function askForKeys(): Promise<boolean> {
	try {
		await pgp();
		return true;
	} catch (e) {
		if (!(e instanceof KeysLocked))
			throw e;
	}
	const { showKeyQuestion } = await import("./key_question.tsx");
	showKeyQuestion();
	return new Promise((done) => {
		keyQuestion.value = { answer: (open) => { keyQuestion.value = null; done(open); } };
	});
}

let timer = 0;

/** Puts away what the worker has learnt, soon. */
export function persist(): void {
	clearTimeout(timer);
	timer = window.setTimeout(() => void persistNow().catch(() => undefined), 600);
}

/** A pin must not be lost: it is put away before a letter goes. */
export async function persistNow(): Promise<void> {
	const id = account.peek()?.accountId;
	if (!id || !opening)
		return;
	await keepNow();
	learnt.value++;
}

/** Puts it away in this browser only. */
export async function keepNow(): Promise<void> {
	const id = account.peek()?.accountId;
	const p = await opening;
	if (id && p)
		await keepStore(id, await p.call("saveStore", { record: await keptStore(id).catch(() => undefined) }));
}

/** Counts what was put away: the owner's other clients are to know it, too. */
export const learnt = signal(0);

export const now = (): number => Math.floor(Date.now() / 1000);

// Another person at the same page starts with nothing.
effect(() => {
	if (account.value === null)
		opening = null;
});
