// Opens letters that OpenPGP protects: the worker reads the whole message, and what it gives takes the place of
// what the server could show. Everything else of the client then works with the letter as with any other.
import { signal, type Signal } from "@preact/signals";
import type { Content, ReadMessage } from "../../pgp/client";
import { isAuthentic } from "../../jmap/auth_results.ts";
import type { MailStore } from "../../jmap/mail.ts";
import type { BodyPart, FullEmail, Id, PgpState } from "../../jmap/types.ts";
import { mail } from "../mail/state.ts";
import { remember } from "./index_store.ts";
import { findKeys, wasUnanswered } from "./lookup.ts";
import { KeysLocked, newerKeys, persist, pgp } from "./worker.ts";

export type Opening = "waiting" | "locked" | "failed" | "done";

/** As our own server says; it takes away what a sender wrote in its name. */
export function authentic(email: FullEmail): boolean {
	return isAuthentic(email["header:Authentication-Results:asText:all"]);
}

const states = new WeakMap<MailStore, Map<Id, Signal<Opening>>>();

function stateOf(id: Id): Signal<Opening> {
	const store = mail();
	const all = states.get(store) ?? new Map<Id, Signal<Opening>>();
	states.set(store, all);
	const s = all.get(id) ?? signal<Opening>("waiting");
	all.set(id, s);
	return s;
}

const running = new Map<Id, Promise<void>>();

/** Starts once for each letter; again after the keys were opened. */
export function open(email: FullEmail): Signal<Opening> {
	const state = stateOf(email.id);
	if (!email.pgp && state.peek() === "done")
		state.value = "waiting";
	if (!email.pgp && state.peek() !== "failed" && !running.has(email.id))
		running.set(email.id, openNow(email, state).finally(() => running.delete(email.id)));
	return state;
}

async function openNow(email: FullEmail, state: Signal<Opening>): Promise<void> {
	try {
		await reveal(email);
		state.value = "done";
	} catch (e) {
		state.value = e instanceof KeysLocked ? "locked" : "failed";
	}
}

/** How long a letter waits for its sender's keys: they are for its signature, and it can be read without them. */
const keysWait = 1500; // ms

/** Whether it came about in time. */
function soon(what: Promise<unknown>): Promise<boolean> {
	return Promise.race([what.then(() => true), new Promise<boolean>((done) => setTimeout(done, keysWait, false))]);
}

/** What the worker makes of the letter with the keys that it knows. */
async function readNow(store: MailStore, email: FullEmail): Promise<ReadMessage> {
	const p = await pgp();
	const message = new Uint8Array(await store.client.download(email.blobId, "message/rfc822"));
	const received = Math.floor(Date.parse(email.receivedAt) / 1000);
	const asked = { message, received, authentic: authentic(email) };
	let read = await p.call("read", asked);
	if (read.failure === "noKey" && await newerKeys().catch(() => false))
		read = await p.call("read", asked);
	persist();
	return read;
}

/** The letter as it is meant to be read; it also stands in the store from now on. */
export async function reveal(email: FullEmail): Promise<FullEmail> {
	const store = mail();
	await pgp();
	const from = email.from?.[0]?.email;
	const search = from ? findKeys([from]) : Promise.resolve();
	const searched = await soon(search);
	const read = await readNow(store, email);
	const shown = await opened(store, email, read);
	show(store, shown);
	if (from && read.signature.verdict !== "none")
		void search.then(() => goOn(email, from, read, searched)).catch(() => undefined);
	return shown;
}

function show(store: MailStore, shown: FullEmail): void {
	store.full.put([shown]);
	if (!shown.pgp?.hiddenSubject && !(shown.pgp?.encrypted && shown.pgp.failure === "none"))
		return;
	const { id, subject, preview, hasAttachment } = shown;
	store.revealed.set(id, { subject, preview, hasAttachment });
	const row = store.emails.peek(id);
	if (row)
		store.emails.put([row]);
	void remember(shown).catch(() => undefined);
}

/** What became known of the sender's keys after the letter was opened, or could not be asked for. */
async function goOn(email: FullEmail, from: string, read: ReadMessage, searched: boolean): Promise<void> {
	if (!wasUnanswered(from)) {
		if (!searched)
			await readAgain(email);
	} else if (read.signature.verdict === "unknownKey")
		readLater(email, from);
}

/** More is known of the sender's keys than when the letter was opened. It is shown anew only when that makes a difference. */
async function readAgain(email: FullEmail): Promise<void> {
	const store = mail();
	const read = await readNow(store, email);
	const before = store.full.peek(email.id)?.pgp;
	if (mail() === store && before && JSON.stringify(stateFrom(read)) !== JSON.stringify(before))
		show(store, await opened(store, email, read));
}

const laterWaits = [10, 30, 90, 270]; // seconds
const later = new Map<Id, number>();

/** The sender's keys could not be looked for, so little is known of the signature: once more after a while. */
function readLater(email: FullEmail, from: string): void {
	const n = later.get(email.id) ?? 0;
	const [wait, store] = [laterWaits[n], mail()];
	if (wait === undefined)
		return;
	later.set(email.id, n + 1);
	setTimeout(() => void (async () => {
		if (mail() !== store)
			return;
		await findKeys([from]);
		if (mail() !== store)
			return;
		if (wasUnanswered(from))
			readLater(email, from);
		else
			await readAgain(email);
	})().catch(() => undefined), wait * 1000);
}

/** Reads the message only for what its Autocrypt header says of the sender's key. */
export async function learnFrom(email: FullEmail): Promise<void> {
	if (!email["header:Autocrypt:asText"] || !authentic(email) || learnt.has(email.id))
		return;
	learnt.add(email.id);
	const p = await pgp();
	const message = new Uint8Array(await mail().client.download(email.blobId, "message/rfc822"));
	await p.call("read", { message, received: Math.floor(Date.parse(email.receivedAt) / 1000), authentic: true });
	persist();
}
const learnt = new Set<Id>();

function stateFrom(r: ReadMessage): PgpState {
	return {
		form: r.form, encrypted: r.encrypted, failure: r.failure, verdict: r.signature.verdict, fingerprint: r.signature.fingerprint,
		keyId: r.signature.keyId, signedAt: r.signature.created, sender: r.sender ?? "", fromDiffers: r.fromDiffers,
		hiddenSubject: r.encrypted && r.headers?.subject !== undefined,
	};
}

const noPart = { partId: null, blobId: null, size: 0, name: null, charset: null, disposition: null, cid: null };

function filesOf(store: MailStore, id: Id, content: Content): BodyPart[] {
	return content.attachments.map((a, i) => {
		const blobId = `opened/${id}/${i}`;
		store.client.putLocal(blobId, new Blob([a.content], { type: a.type }));
		return { ...noPart, blobId, size: a.content.length, name: a.name || null, type: a.type, disposition: a.inline ? "inline" : "attachment", cid: a.contentId || null };
	});
}

async function plainOf(html: string): Promise<string> {
	const { textOf } = await import("../mail/sanitize.ts");
	return textOf(html);
}

async function opened(store: MailStore, email: FullEmail, r: ReadMessage): Promise<FullEmail> {
	const pgp = stateFrom(r);
	const subject = r.headers?.subject ?? email.subject;
	const from = r.fromDiffers && r.headers?.from && r.sender ? [{ name: null, email: r.sender }] : email.from;
	if (!r.content)
		return { ...email, pgp };
	const { content } = r;
	const text = content.text ?? await plainOf(content.html ?? "");
	const textPart: BodyPart = { ...noPart, partId: "opened-text", type: "text/plain" };
	const value = (v: string) => ({ value: v, isEncodingProblem: false, isTruncated: false });
	const attachments = filesOf(store, email.id, content);
	return {
		...email, pgp, subject, from, attachments,
		preview: text.replace(/\s+/g, " ").trim().slice(0, 256),
		hasAttachment: attachments.some((a) => a.disposition !== "inline"),
		textBody: [textPart],
		htmlBody: content.html === undefined ? [textPart] : [{ ...noPart, partId: "opened-html", type: "text/html" }],
		bodyValues: { "opened-text": value(text), ...(content.html === undefined ? {} : { "opened-html": value(content.html) }) },
	};
}
