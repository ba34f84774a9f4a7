// The commands of docs/api/auth.md, as this folder needs them: JSON over POST, problems as errors.
import { base64url, type Bytes, unbase64url } from "./bytes";

/** A problem that the server answered with; `type` without its "urn:letterlock:". */
export class ApiError extends Error {
	constructor(
		readonly type: string,
		title: string,
		readonly status: number,
		readonly retryAfter: number | undefined,
	) {
		super(title);
		this.name = "ApiError";
	}
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** Bytes go as base64url. */
export type Fields = { [name: string]: Json | Uint8Array | undefined };
export type Post = (path: string, fields: Fields) => Promise<Answer>;

/** An answer's members, each checked for its type. */
export class Answer {
	/** kept: not the server's of this moment, but what this device has of it. */
	constructor(
		private readonly members: JsonObject,
		readonly kept = false,
	) {}

	get json(): JsonObject {
		return this.members;
	}

	text(name: string): string {
		const v = this.members[name];
		if (typeof v !== "string") throw malformed(name);
		return v;
	}

	number(name: string): number {
		const v = this.members[name];
		if (typeof v !== "number") throw malformed(name);
		return v;
	}

	flag(name: string): boolean {
		return this.members[name] === true;
	}

	bytes(name: string): Bytes {
		return unbase64url(this.text(name));
	}

	/** null when there is none. */
	id(name: string): Bytes | undefined {
		const v = this.members[name];
		return v === null || v === undefined || v === "" ? undefined : this.bytes(name);
	}

	list(name: string): Answer[] {
		const v = this.members[name];
		if (!Array.isArray(v)) throw malformed(name);
		return v.map((item) => new Answer(item as JsonObject));
	}

	texts(name: string): string[] {
		const v = this.members[name];
		return Array.isArray(v) ? v.filter((t): t is string => typeof t === "string") : [];
	}
}

function malformed(name: string): ApiError {
	return new ApiError("malformed", `the server's answer has no ${name}`, 0, undefined);
}

function encode(fields: Fields): string {
	return JSON.stringify(fields, (_, v: unknown) => (v instanceof Uint8Array ? base64url(v) : v));
}

async function problem(response: Response): Promise<ApiError> {
	const body = (await response.json().catch(() => ({}))) as JsonObject;
	const { type, title, retryAfter } = body;
	return new ApiError(
		String(type ?? "").replace("urn:letterlock:", "") || "unavailable",
		typeof title === "string" ? title : `HTTP ${response.status}`,
		response.status,
		typeof retryAfter === "number" ? retryAfter : undefined,
	);
}

async function request(path: string, init: RequestInit): Promise<Answer> {
	let response: Response;
	try {
		response = await fetch(path, { ...init, credentials: "same-origin", cache: "no-store", redirect: "error" });
	} catch {
		throw new ApiError("unavailable", "the server cannot be reached", 0, undefined);
	}
	if (!response.ok) throw await problem(response);
	return new Answer((await response.json()) as JsonObject);
}

export const post: Post = (path, fields) =>
	request(path, {
		method: "POST",
		headers: { "Content-Type": "application/json", "X-Letterlock": "1" },
		body: encode(fields),
	});

export function get(path: string): Promise<Answer> {
	return request(path, { method: "GET" });
}

/** What a client of the API is made of: tests put the server's C code behind it. */
export interface Transport {
	post: Post;
	get: (path: string) => Promise<Answer>;
}

export const overHttp: Transport = { post, get };

/** /api/v1/auth/<command> */
export function auth(t: Transport, command: string, fields: Fields = {}): Promise<Answer> {
	return t.post(`/api/v1/auth/${command}`, fields);
}
