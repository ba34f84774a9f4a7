// Who is signed in, and what state that is in. Keys are in a worker (src/keys); this is what the page knows.
import { signal } from "@preact/signals";
import { fetchJson, JmapError } from "../jmap/client.ts";
import { MailStore } from "../jmap/mail.ts";
import type { Session } from "../jmap/types.ts";
import { closeCompose } from "./mail/compose_state.ts";
import { store } from "./mail/state.ts";
import { go } from "./router.ts";

export interface WebSession { state: "locked" | "open"; accountId: string; address: string; unlockKey: string }

export type Stage = "starting" | "signedOut" | "locked" | "open" | "unreachable";
export const stage = signal<Stage>("starting");
export const account = signal<WebSession | null>(null);

const problem = (e: unknown) => (e instanceof JmapError ? e.type.replace("urn:letterlock:", "") : "");

/** What the server says; the page follows. */
export async function lookAround(): Promise<void> {
	try {
		const session = await fetchJson<WebSession>("/api/v1/session");
		account.value = session;
		if (session.state === "open")
			await enter();
		else
			await tryKept();
	} catch (e) {
		const status = e instanceof JmapError ? e.status : 0;
		stage.value = status === 401 || status === 403 ? "signedOut" : "unreachable";
	}
}

/** Keys that this browser keeps open the session without a question. */
async function tryKept(): Promise<void> {
	const { unlockKept } = await import("./auth/keys.ts");
	if (await unlockKept().catch(() => false))
		await enter();
	else
		stage.value = "locked";
}

/** The session is open: its mail can be shown. */
export async function enter(): Promise<void> {
	account.value ??= await fetchJson<WebSession>("/api/v1/session");
	const session = await fetchJson<Session>("/jmap/session");
	const mail = new MailStore(session);
	mail.client.onProblem = (error) => {
		if (problem(error) === "locked" || error.status === 401)
			void leave();
	};
	store.value?.stop();
	store.value = mail;
	await mail.start();
	stage.value = "open";
	// What other browsers know, and a key of one's own where there is none.
	setTimeout(() => void import("./pgp/sync.ts").then((m) => m.begin()), 300);
}

/** The session has ended or is locked: its mail leaves the page. */
async function leave(): Promise<void> {
	if (stage.peek() !== "open")
		return;
	stage.value = "starting";
	store.peek()?.stop();
	await lookAround();
}

export async function signOut(): Promise<void> {
	const { forgetKeys } = await import("./auth/keys.ts");
	await forgetKeys().catch(() => undefined);
	await fetchJson("/api/v1/auth/logout", { method: "POST", body: "{}" }).catch(() => undefined);
	store.peek()?.stop();
	closeCompose();
	indexedDB.deleteDatabase("letterlock-transfer");
	store.value = null;
	account.value = null;
	stage.value = "signedOut";
	go("/");
}
