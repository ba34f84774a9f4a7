// JMAP for long work in the background: requests that wait their turn, and that are made again when the server
// is busy or the connection is gone. What must not be done twice says so and decides itself.
import { blobs, core, mail, rulesOf, type Session, submission, vacation } from "../../jmap/types.ts";

export type Call = [name: string, args: Record<string, unknown>, id: string];

/** Why the work waits: the connection, or a server that asks for patience. */
export type Waiting = "offline" | "busy" | null;

export type StopReason = "signedOut" | "locked" | "full" | "server";

/** It makes no sense to go on now. */
export class Halt extends Error {
	override readonly name = "Halt";
	constructor(readonly reason: StopReason, readonly detail = "") {
		super(`${reason} ${detail}`);
	}
}

/** It may work the next time; nobody knows whether it was done. */
export class Transient extends Error {
	override readonly name = "Transient";
	constructor(readonly why: Exclude<Waiting, null>, readonly after: number) {
		super(why);
	}
}

/** One call was refused. */
export class Refused extends Error {
	override readonly name = "Refused";
	constructor(readonly type: string, readonly detail = "") {
		super(`${type} ${detail}`);
	}
}

const firstPause = 500;
const longestPause = 30_000;
/** Errors of methods after which a later try may succeed. */
const passing = new Set(["serverUnavailable", "serverFail", "serverPartialFail", "rateLimit", "tooManyRequests", "stateMismatch", "urn:ietf:params:jmap:error:limit"]);
/** A server that fails so often in a row has something that waiting does not mend. */
const mostTries = 12;

export class Wire {
	private running = 0;
	private readonly turn: Array<() => void> = [];
	private readonly using: string[];
	readonly accountId: string;

	constructor(readonly session: Session, private readonly stop: AbortSignal, private readonly onWaiting: (w: Waiting) => void) {
		this.accountId = session.primaryAccounts[mail] ?? "";
		this.using = [core, mail, ...[blobs, submission, vacation, rulesOf].filter((c) => c in session.capabilities)];
	}

	limit(name: string, otherwise: number): number {
		const value = this.session.capabilities[core]?.[name];
		return typeof value === "number" && value > 0 ? value : otherwise;
	}

	/** A limit of the account's mail capability. */
	mailLimit(name: string, otherwise: number): number {
		const value = this.session.accounts[this.accountId]?.accountCapabilities[mail]?.[name];
		return typeof value === "number" && value > 0 ? value : otherwise;
	}

	get hasBlobs(): boolean {
		return blobs in this.session.capabilities;
	}

	/** Calls of one request, once; results by their ids, refusals among them. */
	async once(calls: readonly Call[]): Promise<Map<string, unknown>> {
		const body = JSON.stringify({ using: this.using, methodCalls: calls.map(([name, args, id]) => [name, { accountId: this.accountId, ...args }, id]) });
		const response = await this.fetch(this.session.apiUrl, { method: "POST", body, headers: { "Content-Type": "application/json" } });
		const { methodResponses } = await readJson<{ methodResponses: Array<[string, Record<string, unknown>, string]> }>(response);
		const out = new Map<string, unknown>();
		for (const [name, result, id] of methodResponses)
			if (name !== "error")
				out.set(id, result);
			else if (passing.has(String(result.type)))
				throw new Transient("busy", 0);
			else
				out.set(id, new Refused(String(result.type), String(result.description ?? "")));
		return out;
	}

	/** One call that may be made again. */
	async call<T>(name: string, args: Record<string, unknown>): Promise<T> {
		const result = (await this.again(() => this.once([[name, args, "0"]]))).get("0");
		if (result instanceof Refused)
			throw result;
		return result as T;
	}

	/** Makes the attempt until it succeeds; between, it waits, and does what must be done before the next. */
	async again<T>(attempt: () => Promise<T>, before: () => Promise<void> = async () => undefined): Promise<T> {
		let pause = firstPause;
		for (let tries = 1; ; tries++) {
			try {
				if (tries > 1)
					await before();
				const result = await attempt();
				this.onWaiting(null);
				return result;
			} catch (e) {
				if (!(e instanceof Transient) || this.stop.aborted)
					throw e;
				if (tries >= mostTries && e.why === "busy")
					throw new Halt("server");
				this.onWaiting(e.why);
				await this.sleep(Math.max(pause, e.after) * (0.75 + Math.random() / 2));
				pause = Math.min(longestPause, pause * 2);
			}
		}
	}

	private sleep(time: number): Promise<void> {
		return new Promise((done, failed) => {
			if (this.stop.aborted)
				return failed(this.stop.reason);
			const end = () => { clearTimeout(timer); failed(this.stop.reason); };
			const timer = setTimeout(() => { this.stop.removeEventListener("abort", end); done(); }, time);
			this.stop.addEventListener("abort", end, { once: true });
		});
	}

	async upload(bytes: BlobPart): Promise<string> {
		const url = this.session.uploadUrl.replace("{accountId}", encodeURIComponent(this.accountId));
		return this.again(async () => {
			const response = await this.fetch(url, { method: "POST", body: new Blob([bytes]), headers: { "Content-Type": "message/rfc822" } });
			return (await readJson<{ blobId: string }>(response)).blobId;
		});
	}

	async download(blobId: string): Promise<Uint8Array<ArrayBuffer>> {
		const values: Record<string, string> = { accountId: this.accountId, blobId, name: "message.eml", type: "message/rfc822" };
		const url = this.session.downloadUrl.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ""));
		return this.again(async () => {
			const response = await this.fetch(url, {});
			return new Uint8Array(await response.arrayBuffer().catch(() => { throw new Transient("offline", 0); }));
		});
	}

	private async fetch(url: string, init: RequestInit): Promise<Response> {
		await this.enter();
		try {
			const response = await fetch(url, {
				...init, signal: this.stop, credentials: "same-origin", cache: "no-store", headers: { "X-Letterlock": "1", ...init.headers as Record<string, string> },
			}).catch((e: unknown) => {
				throw this.stop.aborted ? e : new Transient("offline", 0);
			});
			if (!response.ok)
				throw await problem(response);
			return response;
		} finally {
			this.leave();
		}
	}

	/** The page needs some of the connections that the server allows. */
	private async enter(): Promise<void> {
		const most = Math.max(1, Math.min(4, this.limit("maxConcurrentRequests", 4) - 2, this.limit("maxConcurrentUpload", 4)));
		if (this.running >= most)
			await new Promise<void>((go) => this.turn.push(go));
		this.running++;
	}

	private leave(): void {
		this.running--;
		this.turn.shift()?.();
	}
}

async function readJson<T>(response: Response): Promise<T> {
	try {
		return await response.json() as T;
	} catch {
		throw new Transient("offline", 0);
	}
}

async function problem(response: Response): Promise<Error> {
	const body = await response.json().catch(() => ({})) as { type?: string; title?: string; detail?: string };
	const after = Number(response.headers.get("Retry-After") ?? 0) * 1000;
	const { status } = response;
	if (status === 401)
		return new Halt("signedOut");
	if (status === 403)
		return new Halt(body.type === "urn:letterlock:locked" ? "locked" : "signedOut");
	if (status === 507)
		return new Halt("full");
	if (body.type === "urn:letterlock:damaged")
		return new Refused(body.type, body.title ?? "");
	if (status === 429 || status >= 500 || status === 408 || passing.has(body.type ?? ""))
		return new Transient("busy", Number.isFinite(after) ? after : 0);
	return new Refused(body.type ?? `status ${status}`, body.detail ?? body.title ?? "");
}
