// The files of one build, kept whole: either all of them have arrived as the build made them, or the version that
// was there before stays. Only these files are ever kept; what the server says of an account is not for here.
import type { Scope } from "./scope.ts";

export type File = readonly [path: string, integrity: string];

const prefix = "letterlock-shell-";
const page = "/index.html";
/** What the server answers itself, and the pages that are not the client's. */
const notRoutes = /^\/(?:api|jmap|\.well-known|letter|mailframe)(?:\/|$)/;

/** Files below it have their content's hash in their names. */
const lasting = (path: string) => path.startsWith("/assets/") && /-[0-9A-Za-z]{8,}\.\w+$/.test(path);

async function fits(response: Response, integrity: string): Promise<boolean> {
	const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", await response.clone().arrayBuffer()));
	return integrity === `sha384-${btoa(String.fromCharCode(...digest))}`;
}

export class Shell {
	private readonly paths: ReadonlySet<string>;
	private readonly name: string;

	constructor(private readonly scope: Scope, private readonly files: readonly File[], version: string) {
		this.paths = new Set(files.map(([path]) => path));
		this.name = prefix + version;
	}

	/** Rejects when one file is not what it should be: then this version is not taken. */
	async fill(): Promise<void> {
		try {
			const cache = await this.scope.caches.open(this.name);
			await Promise.all(this.files.map((f) => this.keep(cache, f)));
		} catch (e) {
			await this.scope.caches.delete(this.name);
			throw e;
		}
	}

	private async keep(cache: Cache, [path, integrity]: File): Promise<void> {
		const before = lasting(path) ? await this.scope.caches.match(path) : undefined;
		if (before && await fits(before, integrity))
			return cache.put(path, before);
		const answer = await this.scope.fetch(path, {
			integrity, credentials: "omit", redirect: "error", cache: lasting(path) ? "default" : "no-cache",
		});
		if (!answer.ok)
			throw new Error(`${path}: ${answer.status}`);
		return cache.put(path, answer);
	}

	async dropOthers(): Promise<void> {
		const names = (await this.scope.caches.keys()).filter((n) => n.startsWith(prefix) && n !== this.name);
		await Promise.all(names.map((n) => this.scope.caches.delete(n)));
	}

	/** The file that answers a request; null: the server does. */
	fileFor(request: Pick<Request, "url" | "method" | "mode" | "destination">): string | null {
		const url = new URL(request.url);
		if (request.method !== "GET" || url.origin !== this.scope.location.origin)
			return null;
		if (request.mode === "navigate" && request.destination === "document")
			return notRoutes.test(url.pathname) || url.pathname.includes(".") ? null : page;
		return this.paths.has(url.pathname) ? url.pathname : null;
	}

	/** As it came from the server, with its policy. A file that the browser has thrown out is asked for again. */
	async answer(path: string, request: Request): Promise<Response> {
		const cache = await this.scope.caches.open(this.name);
		return await cache.match(path) ?? this.scope.fetch(request);
	}
}
