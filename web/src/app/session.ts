// Who is signed in, and what state that is in. Keys are in a worker (src/keys); this is what the page knows.
import { signal } from "@preact/signals";
import { answered, fetchJson, JmapError } from "../jmap/client.ts";
import { MailStore } from "../jmap/mail.ts";
import type { Session } from "../jmap/types.ts";
import { awaitPart, fetchPart } from "./fetch_part.ts";
import { overlay } from "./mail/commands.ts";
import { closeCompose, finishWriting } from "./mail/compose_state.ts";
import { store } from "./mail/state.ts";
import { keepsHere, strip, unsent } from "./offline/hooks.ts";
import { go } from "./router.ts";

export interface WebSession { state: "locked" | "open"; accountId: string; address: string; unlockKey: string }

/** Rejects with 401 when nobody is signed in. */
export async function askSession(init: RequestInit = {}): Promise<WebSession> {
	const session = await fetchJson<WebSession | { state: "out" }>("/api/v1/session", init);
	if (session.state === "out")
		throw new JmapError("urn:letterlock:signed-out", 401);
	return session;
}

type Stage = "starting" | "signedOut" | "locked" | "open" | "unreachable";
export const stage = signal<Stage>("starting");
export const account = signal<WebSession | null>(null);
/** Signed out, but not by anybody in this browser. */
export const ledOut = signal(false);

/** Somebody came in, as far as this tab knows. */
const cameIn = "letterlock.in";
/** Somebody signed out in this browser, be it in another tab. */
let left = false;
let tabs: BroadcastChannel | null = null;

function hearTabs(): void {
	tabs ??= new BroadcastChannel("letterlock-session");
	tabs.onmessage = () => { left = true; };
}

/** Somebody signed out while the server could not be told. */
const leaving = "letterlock.leaving";
const logout = () => fetchJson("/api/v1/auth/logout", { method: "POST", body: "{}" });

const problem = (e: unknown) => (e instanceof JmapError ? e.type.replace("urn:letterlock:", "") : "");

const PATIENCE_MS = [500, 1000, 2000, 4000];

/** What the server says; the page follows. */
export async function lookAround(attempt = 0): Promise<void> {
	try {
		if (localStorage.getItem(leaving) !== null)
			await leaveLate();
		const session = await askSession();
		account.value = session;
		if (session.state === "open")
			await enter();
		else
			await tryKept();
	} catch (e) {
		const status = e instanceof JmapError ? e.status : 0;
		if (status === 401 || status === 403)
			forgotten();
		else if (!(await startAway()))
			await later(attempt, status === 503);
	}
}

/** A process of the account that has just ended is there again in a moment, so that is tried before anything is said. */
async function later(attempt: number, soon: boolean): Promise<void> {
	const wait = PATIENCE_MS[attempt];
	if (!soon || wait === undefined) {
		stage.value = "unreachable";
		return;
	}
	await new Promise((done) => setTimeout(done, wait));
	await lookAround(attempt + 1);
}

async function leaveLate(): Promise<void> {
	await logout().catch((e) => {
		if (!(e instanceof JmapError))
			throw e;
	});
	localStorage.removeItem(leaving);
}

/** The session has ended: what was kept for it goes. */
function forgotten(): void {
	ledOut.value = !left && (sessionStorage.getItem(cameIn) !== null || keepsHere());
	sessionStorage.removeItem(cameIn);
	stage.value = "signedOut";
	if (keepsHere())
		void import("./offline/wipe.ts").then((m) => m.wipeEnded()).catch(() => undefined);
}

/** What this device keeps can be read without the server. */
async function startAway(): Promise<boolean> {
	return keepsHere() && import("./offline/start.ts").then((m) => m.startAway()).catch(() => false);
}

/** Keys that this browser keeps open the session without a question. */
async function tryKept(): Promise<void> {
	const { unlockKept } = await fetchPart("keys", () => import("./auth/keys.ts"));
	if (await unlockKept().catch(() => false))
		await enter();
	else
		stage.value = "locked";
}

/** The session is open: its mail can be shown. */
export async function enter(): Promise<void> {
	account.value ??= await askSession();
	const session = await fetchJson<Session>("/jmap/session");
	const mail = new MailStore(session);
	left = false;
	sessionStorage.setItem(cameIn, "1");
	await show(mail);
	// What other browsers know, and a key of one's own where there is none.
	const stays = () => store.peek() === mail;
	setTimeout(() => void awaitPart("sync", () => import("./pgp/sync.ts")).then((m) => (stays() ? m.begin() : undefined)), 300);
	setTimeout(() => void awaitPart("start", () => import("./offline/start.ts")).then((m) => (stays() ? m.follow(mail) : undefined)).catch(() => undefined), 600);
}

/** listen: the server can be reached. */
export async function show(mail: MailStore, listen = true): Promise<void> {
	mail.client.onProblem = (error) => {
		if (problem(error) === "locked" || error.status === 401)
			void ended();
	};
	hearTabs();
	store.value?.stop();
	store.value = mail;
	await mail.start(listen);
	stage.value = "open";
}

/** The session has ended or is locked: its mail leaves the page. */
export async function ended(): Promise<void> {
	if (stage.peek() !== "open")
		return;
	stage.value = "starting";
	strip.value = null;
	store.peek()?.stop();
	await lookAround();
}

/** sure: letters that were not sent yet may be lost. */
export async function signOut(sure = false): Promise<void> {
	if (unsent.peek() > 0 && !sure) {
		go("/mail/inbox");
		overlay.value = "leaving";
		return;
	}
	await finishWriting().catch(() => undefined);
	left = true;
	hearTabs();
	tabs?.postMessage("left");
	sessionStorage.removeItem(cameIn);
	ledOut.value = false;
	// Until all of it is done nobody can sign in, and an answer that says that the session has ended changes nothing.
	stage.value = "starting";
	strip.value = null;
	store.peek()?.stop();
	store.value = null;
	closeCompose();
	await answered(2000);
	const { forgetKeys } = await import("./auth/keys.ts");
	await forgetKeys().catch(() => undefined);
	await logout().catch((e) => { if (!(e instanceof JmapError)) localStorage.setItem(leaving, "1"); });
	await import("./offline/wipe.ts").then((m) => m.wipe({ letters: true })).catch(() => undefined);
	indexedDB.deleteDatabase("letterlock-transfer");
	account.value = null;
	stage.value = "signedOut";
	go("/");
}
