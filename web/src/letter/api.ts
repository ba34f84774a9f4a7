// The server's side of a letter (docs/api/letters.md), without cookie or sign-in.
import { base64url, type Bytes, unbase64url } from "../keys/bytes";
import type { LetterKeys } from "../keys/letter";

export const PIECE = 61440;
const LANES = 4;

/** code: what follows urn:letterlock:, or "offline". */
export class LetterProblem extends Error {
	constructor(readonly code: string, readonly retryAfter: number) {
		super(code);
		this.name = "LetterProblem";
	}
}

interface Problem { type?: unknown; retryAfter?: unknown }

async function ask<T>(command: string, body: Record<string, unknown>): Promise<T> {
	let response: Response;
	let answer: unknown;
	try {
		response = await fetch(`/api/v1/letter/${command}`, {
			method: "POST", credentials: "omit", cache: "no-store", headers: { "Content-Type": "text/plain" }, body: JSON.stringify(body),
		});
		answer = await response.json();
	} catch {
		throw new LetterProblem("offline", 0);
	}
	if (response.ok)
		return answer as T;
	const { type, retryAfter } = answer as Problem;
	throw new LetterProblem(String(type).replace("urn:letterlock:", ""), typeof retryAfter === "number" ? retryAfter : 0);
}

const wait = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
const LOST_MAX = 4;
const PAUSE_MAX = 60; // seconds

/** Where there are many pieces, one may have to wait for its turn, or get lost when a connection breaks for a moment. */
async function askPatiently<T>(command: string, body: Record<string, unknown>): Promise<T> {
	for (let lost = 0; ;) {
		try {
			return await ask<T>(command, body);
		} catch (e) {
			if (!(e instanceof LetterProblem))
				throw e;
			const busy = e.code === "rate" && e.retryAfter <= PAUSE_MAX;
			if (!busy && (e.code !== "offline" || ++lost > LOST_MAX))
				throw e;
			await wait(busy ? Math.max(1, e.retryAfter) : lost);
		}
	}
}

const who = (keys: LetterKeys) => ({ id: base64url(keys.id), access: base64url(keys.access) });

export const state = (id: Bytes) => ask<{ expires: number }>("state", { id: base64url(id) });

export interface Opening { expires: number; parts: { size: number }[] }
export const open = (keys: LetterKeys) => ask<Opening>("open", who(keys));

/** Runs the jobs, a few at a time. */
async function inLanes(n: number, job: (i: number) => Promise<void>): Promise<void> {
	let next = 0;
	const lane = async () => {
		while (next < n)
			await job(next++);
	};
	await Promise.all(Array.from({ length: LANES }, lane));
}

/** A whole part, sealed. progress: from 0 to 1. */
export async function part(keys: LetterKeys, number: number, size: number, progress: (done: number) => void): Promise<Bytes> {
	const out = new Uint8Array(size);
	const pieces = Math.ceil(size / PIECE);
	let done = 0;
	await inLanes(pieces, async (piece) => {
		const { data } = await askPatiently<{ data: string }>("part", { ...who(keys), part: number, piece });
		const bytes = unbase64url(data);
		if (bytes.length > size - piece * PIECE)
			throw new LetterProblem("damaged", 0);
		out.set(bytes, piece * PIECE);
		progress(++done / pieces);
	});
	return out;
}

/** An encrypted answer; its pieces go in order. */
export async function sendReply(keys: LetterKeys, message: Bytes, progress: (done: number) => void): Promise<void> {
	const { reply } = await ask<{ reply: number }>("reply", { ...who(keys), size: message.length });
	const pieces = Math.ceil(message.length / PIECE);
	for (let piece = 0; piece < pieces; piece++) {
		const data = base64url(message.slice(piece * PIECE, (piece + 1) * PIECE));
		await ask("reply-put", { ...who(keys), reply, piece, data });
		progress((piece + 1) / pieces);
	}
	await ask("reply-send", { ...who(keys), reply });
}
