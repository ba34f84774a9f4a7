// Letters that are on this device and not yet on the server: those that were sent while it could not be reached, and
// those that were being written. They go when it can be reached again, each exactly once.
//
// A letter is encrypted when it goes, not when it is put here: whether its readers have keys, and which, only the
// server's directories can say (KEYS.md R3). Until then it is sealed on this device like everything else, and a
// letter that was to be encrypted and then cannot be waits for its writer.
import { signal } from "@preact/signals";
import type { Id } from "../../jmap/types.ts";
import type { Wish } from "../../pgp/client";
import type { Attached, Letter } from "../mail/composer/letter.ts";
import type { Ready } from "../mail/composer/send.ts";
import { store } from "../mail/state.ts";
import { account } from "../session.ts";
import { toast } from "../../ui/toast.tsx";
import { unsent } from "./hooks.ts";
import { t } from "./texts.ts";
import { lasting, vault } from "./vaults.ts";

export interface Protection { threadEncrypted: boolean; wish: Wish; sign: boolean; confirmed: boolean }

interface KeptFile { key: string; name: string; type: string; size: number; blobId: Id | null; cid: string | null; here: boolean }

export interface Waiting {
	key: string;
	kind: "draft" | "queued";
	/** When it was put here, and when it shall go; 0: at once. */
	at: number;
	sendAt: number;
	letter: Letter;
	files: KeptFile[];
	protection: Protection;
	/** The draft on the server that it takes the place of. */
	draft: Id | null;
	/** What is on the server for it, ready to go, or gone already: told apart before anything is sent. */
	ready: Ready[] | null;
	messageId: string;
	/** Why it did not go: it cannot be encrypted as it should be; the server refuses it. */
	problem: "" | "asks" | "refused";
	why: string;
}

export type Fresh = Pick<Waiting, "kind" | "letter" | "protection" | "draft" | "ready" | "sendAt"> & { key: string | null; files: readonly Attached[] };

export const outbox = signal<readonly Waiting[]>([]);
/** Those that are open in the editor. */
export const editing = new Set<string>();

const others = new BroadcastChannel("letterlock-outbox");
others.onmessage = () => void load().catch(() => undefined);

/** A server that had no time is asked again. */
const retry = 20_000;
let timer = 0;

/** A tab that holds letters in its memory alone says so before it is closed. */
const stay = (e: BeforeUnloadEvent) => e.preventDefault();

function show(list: readonly Waiting[]): void {
	outbox.value = list;
	unsent.value = list.length;
	removeEventListener("beforeunload", stay);
	if (list.length && !lasting())
		addEventListener("beforeunload", stay);
	clearTimeout(timer);
	if (list.some((w) => !w.problem && !editing.has(w.key)))
		timer = window.setTimeout(() => void flush(), retry);
}

async function load(): Promise<readonly Waiting[]> {
	const list = (await vault().all<Waiting>("letter")).map(([, w]) => w).sort((a, b) => a.at - b.at);
	show(list);
	return list;
}

async function told(): Promise<void> {
	await load();
	others.postMessage("changed");
}

const fileName = (key: string, file: string) => `${key}/${file}`;

/** Puts a letter here; its key. */
export async function putLetter(fresh: Fresh): Promise<string> {
	const key = fresh.key ?? crypto.randomUUID();
	const before = fresh.key ? await vault().get<Waiting>("letter", key) : undefined;
	const files: KeptFile[] = [];
	for (const { name, type, size, blobId, cid, data, ...f } of fresh.files) {
		if (data && !before?.files.some((o) => o.key === f.key && o.here))
			await vault().putBytes("file", [[fileName(key, f.key), new Uint8Array(await data.arrayBuffer())]]);
		files.push({ key: f.key, name, type, size, blobId, cid, here: data !== undefined });
	}
	const domain = fresh.letter.from.split("@")[1] ?? account.peek()?.address.split("@")[1] ?? "localhost";
	await vault().put("letter", [[key, {
		...fresh, key, files, at: before?.at ?? Date.now(), messageId: before?.messageId ?? `${crypto.randomUUID()}@${domain}`, problem: "", why: "",
	} satisfies Waiting]]);
	if (lasting())
		void navigator.storage?.persist?.().catch(() => undefined);
	await told();
	return key;
}

export async function changeLetter(w: Waiting, change: Partial<Waiting>): Promise<Waiting> {
	const now = { ...w, ...change };
	await vault().put("letter", [[w.key, now]]);
	await told();
	return now;
}

export async function dropLetter(key: string): Promise<void> {
	await vault().drop("letter", [key]);
	await vault().drop("file", (await vault().names("file")).filter((n) => n.startsWith(`${key}/`)));
	await told();
}

export async function getLetter(key: string): Promise<Waiting | undefined> {
	return vault().get<Waiting>("letter", key);
}

/** The files as the editor has them. */
export async function filesOf(w: Waiting): Promise<Attached[]> {
	return Promise.all(w.files.map(async ({ here, ...f }) => {
		const body = here ? await vault().getBytes("file", fileName(w.key, f.key)) : undefined;
		return { ...f, progress: f.blobId ? 1 : 0, data: body && new Blob([body], { type: f.type }), ...(here && !body ? { failed: "lost" as const } : {}) };
	}));
}

export function sayQueued(): void {
	toast({ text: t(lasting() ? "queued" : "queuedTab") });
	void flush();
}

export async function countUnsent(): Promise<void> {
	await load();
}

let again = false;
let running: Promise<void> | null = null;

/** Sends what waits, if the server can be reached; one tab does it. */
export function flush(): Promise<void> {
	if (running) {
		again = true;
		return running;
	}
	running = once().catch(() => undefined).finally(() => {
		running = null;
		if (again) {
			again = false;
			void flush();
		}
	});
	return running;
}

async function once(): Promise<void> {
	if (!store.peek()?.online.peek() || (await load()).length === 0)
		return;
	const { deliver } = await import("./deliver.ts");
	await navigator.locks.request("letterlock-outbox", { ifAvailable: true }, async (lock) => {
		for (const w of lock ? await load() : [])
			if (!editing.has(w.key) && !w.problem)
				await deliver(w);
	});
}
