// The import that this page runs, if any: its worker, and what the worker tells of it.
import { effect, signal } from "@preact/signals";
import { Caller } from "../../keys/rpc.ts";
import { mail } from "../mail/state.ts";
import { account } from "../session.ts";
import { scriptUrl } from "../trusted.ts";
import type { ImportJob, ImportState, Seen } from "./import_job.ts";
import type { Picked } from "./files.ts";
import { type Kept, unfinished } from "./shelf.ts";

export interface Shown extends ImportState {
	/** Messages a second, and seconds to go, as far as they can be told. */
	rate: number;
	left: number | null;
}

export const shown = signal<Shown | null>(null);
/** Imports that stopped before their end, of this account and browser. */
export const stopped = signal<readonly Kept[]>([]);

let worker: Worker | null = null;
let caller: Caller<ImportJob> | null = null;

const active = (s: ImportState | null) => s !== null && !["done", "stopped"].includes(s.phase);
export const busy = () => active(shown.value);

export function newWorker(name: string): Worker {
	return new Worker(scriptUrl(WORKER_URLS.transfer ?? ""), { type: "module", name });
}

// --- how fast it goes ---

interface Sample { at: number; messages: number; fraction: number }
let samples: Sample[] = [];
const span = 20_000;

function measured(state: ImportState): Shown {
	const at = performance.now();
	const c = state.counts;
	const now = { at, messages: c.imported + c.present + c.skipped + c.failed, fraction: state.fraction };
	if (state.phase !== "running")
		samples = [];
	samples = [...samples.filter((s) => s.at > at - span), now];
	const first = samples[0] ?? now;
	const seconds = (at - first.at) / 1000;
	const speed = seconds > 2 ? (now.fraction - first.fraction) / seconds : 0;
	return { ...state, rate: seconds > 1 ? (now.messages - first.messages) / seconds : 0, left: speed > 0 ? (1 - now.fraction) / speed : null };
}

function saw(state: ImportState): void {
	shown.value = measured(state);
	// Lists follow by push; the numbers beside the mailboxes do so at the end, too.
	if (!active(state)) {
		void mail().loadMailboxes();
		void listStopped();
	}
}

/** A worker that has looked at the files, not begun. */
export async function openFiles(files: Picked[], name: string): Promise<Seen> {
	close();
	const made = newWorker("import");
	worker = made;
	caller = new Caller<ImportJob>(made);
	made.addEventListener("message", (e) => {
		const { import: state } = e.data as { import?: ImportState };
		if (state && worker === made)
			saw(state);
	});
	return caller.call("open", { session: mail().session, account: account.peek()?.accountId ?? "", files, name });
}

export function begin(into: string | null): void {
	samples = [];
	void caller?.call("begin", { into });
}

export const pause = (): void => void caller?.call("pause");
export const goOn = (): void => void caller?.call("goOn");
export const cancel = (): void => void caller?.call("cancel");
export const failures = () => caller?.call("failures") ?? Promise.resolve([]);

/** Takes the finished one away. */
export function close(): void {
	worker?.terminate();
	worker = caller = null;
	shown.value = null;
}

export async function listStopped(): Promise<void> {
	stopped.value = await unfinished(account.peek()?.accountId ?? "").catch(() => []);
}

addEventListener("beforeunload", (e) => {
	if (shown.peek()?.phase === "running")
		e.preventDefault();
});

// Another person at the same page finds nothing of it.
effect(() => {
	if (account.value === null && worker)
		close();
});
