// Imports from other mail servers, which the server itself does: what it tells of them, and what it is told
// (docs/api/jmap.md).
import { signal } from "@preact/signals";
import type { GetResult, Id, SetResult } from "../../../jmap/types.ts";
import { mail } from "../../mail/state.ts";

export const capability = "urn:letterlock:params:jmap:import";

type JobState = "finding" | "needsSecret" | "connecting" | "choosing" | "running" | "waiting" | "paused" | "done";
export type Security = "tls" | "starttls";

export interface ImportFolder {
	id: string;
	name: string;
	role: string | null;
	isChosen: boolean;
	isDone: boolean;
	mailboxId: Id | null;
	total: number;
	added: number;
	found: number;
	skipped: number;
}
export interface ImportJob {
	id: Id;
	user: string;
	host: string | null;
	port: number;
	security: Security;
	state: JobState;
	hasSecret: boolean;
	error: { type: string; description: string | null } | null;
	folders: ImportFolder[];
	createdAt: string;
}
export interface Patch { user?: string; host?: string; port?: number; security?: Security; secret?: string; chosen?: string[]; isPaused?: boolean }

export const jobs = signal<readonly ImportJob[]>([]);

const moving: readonly JobState[] = ["finding", "connecting", "running", "waiting"];
export const isMoving = (job: ImportJob) => moving.includes(job.state);

const often = 700;
const seldom = 4000;
let watchers = 0;
let timer = 0;

export async function load(): Promise<void> {
	jobs.value = (await mail().client.call<GetResult<ImportJob>>("ImportJob/get", { ids: null })).list;
}

function again(): void {
	clearTimeout(timer);
	if (watchers > 0)
		timer = setTimeout(() => void load().catch(() => undefined).then(again), jobs.peek().some(isMoving) ? often : seldom) as unknown as number;
}

/** Keeps the list up to date until the function that it gives is called. */
export function watch(): () => void {
	watchers++;
	void load().catch(() => undefined).then(again);
	return () => { watchers--; };
}

export class Refused extends Error {
	constructor(readonly type: string, readonly properties: readonly string[]) {
		super(type);
	}
}

async function set(args: object): Promise<SetResult> {
	const result = await mail().client.call<SetResult>("ImportJob/set", { ...args });
	const refused = Object.values({ ...result.notCreated, ...result.notUpdated, ...result.notDestroyed })[0];
	await load();
	again();
	if (refused)
		throw new Refused(refused.type, refused.properties ?? []);
	return result;
}

export async function create(user: string): Promise<Id> {
	return (await set({ create: { job: { user } } })).created?.job?.id ?? "";
}

export const update = (id: Id, patch: Patch) => set({ update: { [id]: patch } });
export const remove = (id: Id) => set({ destroy: [id] });

export interface Sums { total: number; seen: number; added: number; found: number; skipped: number }

/** Of the folders that are brought. */
export function sums(job: ImportJob): Sums {
	const sum: Sums = { total: 0, seen: 0, added: 0, found: 0, skipped: 0 };
	for (const f of job.folders.filter((x) => x.isChosen)) {
		const seen = f.added + f.found + f.skipped;
		sum.total += f.total;
		sum.seen += f.isDone ? f.total : Math.min(seen, f.total);
		sum.added += f.added;
		sum.found += f.found;
		sum.skipped += f.skipped;
	}
	return sum;
}
