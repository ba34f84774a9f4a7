// One's own OpenPGP key: made without a question at the first sign-in that finds none, and published, so that
// others can write encrypted from the start.
import type { KeyInfo, Pgp } from "../../pgp/client";
import { base64url } from "../../keys/bytes";
import { fetchJson } from "../../jmap/client.ts";
import { account } from "../session.ts";
import { store } from "../mail/state.ts";
import { persist, pgp } from "./worker.ts";

/** The first of one's own keys that can be used is the one in use. */
export const inUse = (list: readonly KeyInfo[]): KeyInfo | undefined => list.find((k) => k.canEncrypt && !k.revoked);

const address = (): string => account.peek()?.address ?? "";

function ownName(): string {
	const own = store.peek()?.identities.peek().find((i) => i.email.toLowerCase() === address().toLowerCase());
	return own?.name ?? "";
}

export function makeKey(p: Pgp): Promise<KeyInfo> {
	return p.call("generate", { name: ownName(), address: address() });
}

export async function publish(p: Pgp, fingerprint: string): Promise<void> {
	const { binary } = await p.call("exportPublic", { fingerprint, address: address() });
	await sendPublic(base64url(binary));
	localStorage.setItem(mark(), fingerprint);
	persist();
}

export async function withdraw(): Promise<void> {
	await sendPublic("");
	localStorage.setItem(mark(), "withdrawn");
	persist();
}

const sendPublic = (key: string) => fetchJson("/api/v1/auth/key-publish", { method: "POST", body: JSON.stringify({ key }) });

/** What was published last, by this browser or another one of the same person (sync.ts): a key that its owner withdrew is not published again by itself. */
const mark = () => `letterlock.published.${account.peek()?.accountId ?? ""}`;
export const published = (): string | null => localStorage.getItem(mark());

async function ensure(): Promise<void> {
	const p = await pgp();
	const own = await p.call("ownKeys");
	if (own.length)
		return published() === null ? publishKnown(p, own) : undefined;
	const made = await makeKey(p);
	return publish(p, made.fingerprint);
}

/** A key made on another device: published there, or not; the directory says. */
async function publishKnown(p: Pgp, own: readonly KeyInfo[]): Promise<void> {
	const use = inUse(own);
	if (use?.addresses.includes(address().toLowerCase()))
		await publish(p, use.fingerprint);
}

let running: Promise<void> | null = null;

/** Asks nothing. What fails is tried again at the next sign-in. */
export function ensureOwnKey(): Promise<void> {
	running ??= ensure().finally(() => { running = null; });
	return running;
}
