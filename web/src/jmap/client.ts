// The JMAP wire: calls made in one turn of the event loop travel as one request.
import { core, mail, mdn, rulesOf, snoozing, submission, vacation, type Session } from "./types.ts";

export class JmapError extends Error {
	constructor(readonly type: string, readonly status = 0, description?: string, /** Seconds. */ readonly retryAfter = 0) {
		super(description ?? type);
	}
}

export type Invocation = [name: string, args: Record<string, unknown>, id: string];
interface Waiting { call: Invocation; done(result: unknown): void; failed(reason: Error): void }

/** What answers while the server cannot be reached (src/offline). */
export interface Fallback {
	/** Nothing is asked of the server until it has been found again. */
	away: boolean;
	/** An answer did not come. */
	lost(): void;
	answer(calls: Invocation[]): Promise<Invocation[]>;
	blob(blobId: string): Promise<ArrayBuffer>;
}

/** Calls that travel together. With a signal they can be given up; the server then stops working on them. */
export class CallGroup {
	waiting: Waiting[] = [];
	constructor(readonly signal: AbortSignal | null = null) {}
}

/** Of those that not every server has, the ones it names. */
const usual = [core, mail, submission, vacation];
const optional = [mdn, rulesOf, snoozing, "urn:letterlock:params:jmap:import"];

/** A value that the server takes from the answer to an earlier call of the same request. */
export interface Ref { resultOf: string; name: string; path: string }

const asked = new Set<Promise<unknown>>();

/** Waits until what was asked is answered, but no longer than this. */
export async function answered(patienceMs: number): Promise<void> {
	let late = false;
	const timer = new Promise<void>((done) => setTimeout(() => { late = true; done(); }, patienceMs));
	while (asked.size > 0 && !late)
		await Promise.race([Promise.allSettled(asked), timer]);
}

export function fetchJson<T>(url: string, init: RequestInit = {}): Promise<T> {
	const answer = fetchAnswer<T>(url, init).finally(() => asked.delete(answer));
	asked.add(answer);
	return answer;
}

async function fetchAnswer<T>(url: string, init: RequestInit): Promise<T> {
	const response = await fetch(url, {
		...init,
		headers: { "X-Letterlock": "1", ...(init.body ? { "Content-Type": "application/json" } : {}), ...init.headers },
		credentials: "same-origin",
		cache: "no-store",
	});
	const type = response.headers.get("Content-Type") ?? "";
	const body: unknown = /json/.test(type) ? await response.json() : null;
	if (response.ok)
		return body as T;
	const problem = (body ?? {}) as { type?: string; title?: string; detail?: string; retryAfter?: number };
	throw new JmapError(problem.type ?? "about:blank", response.status, problem.title ?? problem.detail, problem.retryAfter);
}

export class JmapClient {
	private readonly usual = new CallGroup();
	private serial = 0;
	private limit: number;
	private readonly using: string[];
	/** Told when the session is locked or over. */
	onProblem: (error: JmapError) => void = () => undefined;
	/** Told when a request did not reach the server. */
	onLost: () => void = () => undefined;
	fallback: Fallback | null = null;

	constructor(readonly session: Session) {
		this.limit = Number(session.capabilities[core]?.maxCallsInRequest ?? 16);
		this.using = [...usual, ...optional.filter((c) => c in session.capabilities)];
	}

	get accountId(): string {
		return this.session.primaryAccounts[mail] ?? "";
	}

	/** A number of the session's core capability. */
	maximum(name: string, otherwise: number): number {
		const value = this.session.capabilities[core]?.[name];
		return typeof value === "number" && value > 0 ? value : otherwise;
	}

	call<T>(name: string, args: Record<string, unknown>, into = this.usual): Promise<T> & { ref(path: string): Ref } {
		const id = `c${++this.serial}`;
		const promise = new Promise<unknown>((done, failed) => {
			if (into.waiting.length === 0)
				queueMicrotask(() => void this.flush(into));
			into.waiting.push({ call: [name, { accountId: this.accountId, ...args }, id], done, failed });
		}) as Promise<T>;
		return Object.assign(promise, { ref: (path: string): Ref => ({ resultOf: id, name, path }) });
	}

	private async flush(from: CallGroup): Promise<void> {
		const all = from.waiting;
		from.waiting = [];
		for (const group of groups(all, this.limit))
			await this.send(group, from.signal);
	}

	private async send(group: Waiting[], signal: AbortSignal | null): Promise<void> {
		const calls = group.map((w) => w.call);
		try {
			settle(group, await (this.fallback?.away ? this.fallback.answer(calls) : this.request(calls, signal).catch((e) => this.instead(e as JmapError, calls))));
		} catch (e) {
			for (const w of group)
				w.failed(e as Error);
		}
	}

	/** Asks the server and nobody else. */
	async request(calls: Invocation[], signal: AbortSignal | null = null): Promise<Invocation[]> {
		try {
			const body = JSON.stringify({ using: this.using, methodCalls: calls });
			return (await fetchJson<{ methodResponses: Invocation[] }>(this.session.apiUrl, { method: "POST", body, signal })).methodResponses;
		} catch (e) {
			if (signal?.aborted)
				throw new JmapError("aborted");
			const error = e instanceof JmapError ? e : new JmapError("offline", 0, String(e));
			if (error.type === "offline")
				this.onLost();
			this.onProblem(error);
			throw error;
		}
	}

	private instead(error: JmapError, calls: Invocation[]): Promise<Invocation[]> {
		if (error.type !== "offline" || !this.fallback)
			throw error;
		this.fallback.lost();
		return this.fallback.answer(calls);
	}

	upload(body: Blob, progress: (part: number) => void, stop?: AbortSignal): Promise<{ blobId: string; type: string; size: number }> {
		const url = this.session.uploadUrl.replace("{accountId}", encodeURIComponent(this.accountId));
		return new Promise((done, failed) => {
			const request = new XMLHttpRequest();
			request.open("POST", url);
			request.setRequestHeader("X-Letterlock", "1");
			request.setRequestHeader("Content-Type", body.type || "application/octet-stream");
			request.responseType = "json";
			request.upload.onprogress = (e) => progress(e.total ? e.loaded / e.total : 0);
			request.onload = () => (request.status < 300 ? done(request.response) : failed(new JmapError("upload", request.status)));
			request.onerror = () => { this.onLost(); failed(new JmapError("offline")); };
			request.onabort = () => failed(new JmapError("aborted"));
			stop?.addEventListener("abort", () => request.abort());
			request.send(body);
		});
	}

	/** Files of letters that were opened in the page; the server does not have them. */
	private readonly local = new Map<string, { blob: Blob; url: string }>();

	putLocal(blobId: string, blob: Blob): void {
		if (!this.local.has(blobId))
			this.local.set(blobId, { blob, url: URL.createObjectURL(blob) });
	}

	localBlob(blobId: string): Blob | undefined {
		return this.local.get(blobId)?.blob;
	}

	downloadUrl(blobId: string, name: string, type: string): string {
		const own = this.local.get(blobId);
		if (own)
			return own.url;
		const values: Record<string, string> = { accountId: this.accountId, blobId, name: name || "download", type };
		return this.session.downloadUrl.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ""));
	}

	async download(blobId: string, type: string): Promise<ArrayBuffer> {
		const own = this.localBlob(blobId);
		if (own)
			return own.arrayBuffer();
		const response = this.fallback?.away ? null : await fetch(this.downloadUrl(blobId, "part", type), { credentials: "same-origin" }).catch(() => { this.onLost(); return null; });
		if (!response && this.fallback)
			return this.fallback.blob(blobId);
		if (!response?.ok)
			throw new JmapError(response ? "download" : "offline", response?.status);
		return response.arrayBuffer();
	}
}

/** Calls that refer to each other stay in one request: a group is only cut between callers' batches. */
function groups(all: Waiting[], limit: number): Waiting[][] {
	const out: Waiting[][] = [];
	for (const w of all) {
		const last = out.at(-1);
		if (last && (last.length < limit || refersBack(w, last)))
			last.push(w);
		else
			out.push([w]);
	}
	return out;
}

function refersBack(w: Waiting, group: Waiting[]): boolean {
	const ids = new Set(group.map((g) => g.call[2]));
	return Object.values(w.call[1]).some((v) => ids.has((v as Ref | null)?.resultOf ?? ""));
}

function settle(group: Waiting[], responses: Invocation[]): void {
	for (const w of group) {
		// A call may have several answers (Email/copy); the first of its own name is its result.
		const answers = responses.filter((r) => r[2] === w.call[2]);
		const own = answers.find((r) => r[0] === w.call[0]) ?? answers[0];
		if (!own)
			w.failed(new JmapError("noAnswer"));
		else if (own[0] === "error")
			w.failed(new JmapError(String(own[1].type), 0, own[1].description as string | undefined));
		else
			w.done(own[1]);
	}
}
