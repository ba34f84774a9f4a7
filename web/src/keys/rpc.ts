// Calls of a worker's methods by messages. An error keeps its code, so that the page can say in the
// reader's language what happened.

export interface Call {
	id: number;
	method: string;
	args: unknown;
}

/** code: of a KeysError, the type of an ApiError, or "internal". */
export interface Failure {
	code: string;
	message: string;
	retryAfter?: number | undefined;
}

export type Reply = { id: number; result: unknown } | { id: number; error: Failure };

export class RpcError extends Error {
	readonly code: string;
	readonly retryAfter: number | undefined;

	constructor(f: Failure) {
		super(f.message);
		this.name = "RpcError";
		this.code = f.code;
		this.retryAfter = f.retryAfter;
	}
}

function failureOf(err: unknown): Failure {
	if (!(err instanceof Error)) return { code: "internal", message: String(err) };
	const { code, type, retryAfter } = err as Error & { code?: unknown; type?: unknown; retryAfter?: number };
	const name = typeof code === "string" ? code : typeof type === "string" ? type : "internal";
	return { code: name, message: err.message, retryAfter };
}

/** The methods of T, with one argument or none. */
export type Methods<T> = {
	[M in keyof T as T[M] extends (...args: never[]) => unknown ? M : never]: T[M];
};

type Args<F> = F extends (a: infer A) => unknown ? (unknown extends A ? [] : [a: A]) : [];
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** Something with messages both ways: a worker, its global scope, or a port. */
export interface Endpoint {
	postMessage(message: unknown, transfer?: Transferable[]): void;
	onmessage: ((event: MessageEvent) => void) | null;
}

/** Answers calls of the listed methods, one after the other. */
export function serve<T extends object>(endpoint: Endpoint, service: T, methods: readonly (keyof T & string)[]): void {
	const allowed: ReadonlySet<string> = new Set(methods);
	let last: Promise<unknown> = Promise.resolve();
	const run = async ({ id, method, args }: Call): Promise<Reply> => {
		try {
			if (!allowed.has(method)) throw new Error("no such method");
			const f = service[method as keyof T] as (a: unknown) => unknown;
			return { id, result: await f.call(service, args) };
		} catch (err) {
			return { id, error: failureOf(err) };
		}
	};
	endpoint.onmessage = (event: MessageEvent) => {
		const call = event.data as Call;
		last = last.then(() => run(call)).then((reply) => endpoint.postMessage(reply));
	};
}

/** The other side. */
export class Caller<T> {
	private readonly waiting = new Map<number, (reply: Reply) => void>();
	private next = 1;

	constructor(private readonly endpoint: Endpoint) {
		endpoint.onmessage = (event: MessageEvent) => {
			const reply = event.data as Reply;
			this.waiting.get(reply.id)?.(reply);
			this.waiting.delete(reply.id);
		};
	}

	call<M extends keyof Methods<T> & string>(method: M, ...args: Args<T[M]>): Promise<Result<T[M]>> {
		const id = this.next++;
		const reply = new Promise<Result<T[M]>>((resolve, reject) => {
			this.waiting.set(id, (r) => {
				if ("error" in r) reject(new RpcError(r.error));
				else resolve(r.result as Result<T[M]>);
			});
		});
		this.endpoint.postMessage({ id, method, args: (args as unknown[])[0] });
		return reply;
	}

	/** Fails what still waits: the worker has gone. */
	abandon(message: string): void {
		for (const [id, settle] of this.waiting) settle({ id, error: { code: "internal", message } });
		this.waiting.clear();
	}
}
