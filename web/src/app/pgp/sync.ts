// What all browsers of one person are to know: keys and pins of correspondents, preferences, trust decisions. The
// OpenPGP worker merges and seals them (src/pgp/synced.ts); the server keeps the sealed parts (docs/api/jmap.md).
import { effect, signal } from "@preact/signals";
import { base64, unbase64 } from "../../keys/bytes";
import { fetchJson } from "../../jmap/client.ts";
import { core } from "../../jmap/types.ts";
import type { Id, SetResult } from "../../jmap/types.ts";
import type { Pgp } from "../../pgp/client";
import { toast } from "../../ui/toast.tsx";
import { store } from "../mail/state.ts";
import { account } from "../session.ts";
import { ensureOwnKey } from "./own.ts";
import { takePrefs, tellPrefs } from "./sync_prefs.ts";
import { t } from "./texts.ts";
import { keepNow, KeysLocked, learnt, pgp } from "./worker.ts";

const capability = "urn:letterlock:params:jmap:settings";
const tries = 6;
const bytesAtOnce = 3 << 20;

export type SyncState = "waiting" | "done" | "failed";
export const syncState = signal<SyncState>("waiting");
/** The server gave an older copy than this browser has seen before. */
export const wentBack = signal(false);

const accountId = () => account.peek()?.accountId ?? "";

class Mismatch extends Error {}

async function call<T>(name: string, args: Record<string, unknown>): Promise<T> {
	const session = store.peek()?.session;
	if (!session)
		throw new Error("signed out");
	const { methodResponses: [answer] } = await fetchJson<{ methodResponses: [string, T & { type?: string }, string][] }>(session.apiUrl, {
		method: "POST",
		body: JSON.stringify({ using: [core, capability], methodCalls: [[name, { accountId: session.primaryAccounts[capability], ...args }, "s"]] }),
	});
	if (!answer || answer[0] === "error")
		throw answer?.[1].type === "stateMismatch" ? new Mismatch() : new Error(answer?.[1].type);
	return answer[1];
}

/** What the worker knows of the server is of this state. */
let known: { account: string; state: string } | null = null;

async function read(p: Pgp): Promise<string> {
	const now = await call<{ state: string }>("ClientSettings/get", { ids: [] });
	if (known?.account === accountId() && known.state === now.state)
		return now.state;
	const { state, list } = await call<{ state: string; list: { id: Id; data: string }[] }>("ClientSettings/get", { ids: null });
	const told = await p.call("readSettings", { stored: list.map((s) => ({ id: s.id, data: unbase64(s.data) })) });
	known = { account: accountId(), state };
	if (told.wentBack && !wentBack.peek()) {
		wentBack.value = true;
		toast({ text: t("syncOld"), bad: true });
	}
	if (told.changed.length)
		await keepNow();
	return state;
}

type Data = Uint8Array<ArrayBuffer>;

/** Parts that go with one request; the last request has the root, too, with which all of it counts. */
function portions(parts: readonly Data[]): Data[][] {
	const out: Data[][] = [[]];
	let bytes = 0;
	for (const part of parts) {
		bytes += part.length;
		if (bytes > bytesAtOnce) {
			out.push([]);
			bytes = part.length;
		}
		out.at(-1)?.push(part);
	}
	return out;
}

async function make(parts: readonly Data[], ifInState: string, destroy: readonly Id[] = []): Promise<{ ids: Id[]; state: string }> {
	const create = Object.fromEntries(parts.map((data, i) => [`p${i}`, { data: base64(data) }]));
	const result = await call<SetResult & { newState: string }>("ClientSettings/set", { ifInState, create, destroy });
	const ids = parts.map((_, i) => result.created?.[`p${i}`]?.id).filter((id) => id !== undefined);
	if (ids.length < parts.length)
		throw new Error(Object.values(result.notCreated ?? {})[0]?.type);
	return { ids, state: result.newState };
}

async function write(p: Pgp, state: string): Promise<void> {
	const w = await p.call("writeSettings");
	if (!w)
		return;
	const groups = portions(w.parts);
	const last = groups.pop() ?? [];
	const made: Id[] = [];
	let at = state;
	for (const group of groups) {
		const done = await make(group, at);
		made.push(...done.ids);
		at = done.state;
	}
	const done = await make([...last, w.root], at, w.gone);
	const root = done.ids.pop() ?? "";
	await p.call("settingsWritten", { parts: [...made, ...done.ids], root });
	known = { account: accountId(), state: done.state };
	await keepNow();
}

async function once(): Promise<void> {
	const p = await pgp();
	for (let i = 0; ; i++) {
		const state = await read(p);
		try {
			await tellPrefs(p);
			await write(p, state);
			await takePrefs(p);
			return;
		} catch (e) {
			if (!(e instanceof Mismatch) || i >= tries)
				throw e;
			// Another client was faster: what it wrote is taken in first.
			known = null;
			await new Promise((done) => setTimeout(done, Math.random() * 200 * (i + 1)));
		}
	}
}

let running: Promise<void> | null = null;
let again = false;

/** Reads, merges and writes; whoever asks meanwhile has it done once more. */
export function sync(): Promise<void> {
	again = true;
	running ??= loop().finally(() => { running = null; });
	return running;
}

async function loop(): Promise<void> {
	while (again) {
		again = false;
		syncState.value = "waiting";
		try {
			await once();
			syncState.value = "done";
		} catch (e) {
			known = null;
			syncState.value = e instanceof KeysLocked ? "waiting" : "failed";
		}
	}
}

let timer = 0;
function soon(): void {
	syncState.value = "waiting";
	clearTimeout(timer);
	timer = window.setTimeout(() => void sync(), 700);
}

let watching = false;

/** After each sign-in and each load of the page. A key of one's own is made after what other browsers did is known. */
export async function begin(): Promise<void> {
	wentBack.value = false;
	if (capability in (store.peek()?.session.capabilities ?? {}))
		await sync();
	await ensureOwnKey().catch(() => undefined);
	if (watching)
		return;
	watching = true;
	effect(() => {
		void [learnt.value, store.value?.settings.value];
		if (store.value)
			soon();
	});
	addEventListener("letterlock-prefs", soon);
}
