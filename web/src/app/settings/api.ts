// Commands of the account (docs/api/auth.md). One that needs a fresh proof of the password asks for it, once.
import { signal } from "@preact/signals";
import { fetchJson, JmapError } from "../../jmap/client.ts";
import { RpcError } from "../../keys/client";

export interface Question { answer(done: boolean): void }
export const passwordQuestion = signal<Question | null>(null);

function askPassword(): Promise<boolean> {
	return new Promise((done) => {
		passwordQuestion.value = { answer: (yes) => { passwordQuestion.value = null; done(yes); } };
	});
}

export class Cancelled extends Error {}

/** The server wants the password again, or the keys are not in this page since it was loaded anew. */
const needsProof = (e: unknown) =>
	(e instanceof JmapError && e.type === "urn:letterlock:confirm") || (e instanceof RpcError && (e.code === "confirm" || e.code === "state"));

/** Runs it; when the server wants the password first, asks and runs it again. */
export async function withProof<T>(act: () => Promise<T>): Promise<T> {
	try {
		return await act();
	} catch (e) {
		if (!needsProof(e))
			throw e;
		if (!await askPassword())
			throw new Cancelled();
		return act();
	}
}

export function command<T>(name: string, body: Record<string, unknown> = {}): Promise<T> {
	return withProof(() => fetchJson<T>(`/api/v1/auth/${name}`, { method: "POST", body: JSON.stringify(body) }));
}

export interface AccountInfo {
	account: string; session: string; address: string; created: number; quota: number; used: number; totp: boolean; passkey: boolean; alerts: boolean; language: string;
}
export interface WebSessionInfo { id: string; device: string; agent: string; ip: string; country: string; created: number; lastSeen: number; remember: boolean; current: boolean }
export interface Factor { id: string; type: "totp" | "passkey"; name: string; created: number; lastUsed: number; unlocker: string | null }
export interface Unlocker { id: string; type: "password" | "recovery" | "webauthn" | "app-password"; name: string; areas: number; protocols: number; created: number; expires: number; lastUsed: number }
