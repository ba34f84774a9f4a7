// Drafts and sending. The server holds a letter for the time in which it can be undone, so closing the page
// sends it all the same; a server that cannot hold it gets it when that time is over.
import { t } from "./texts.ts";
import type { FullEmail, GetResult, Id, Identity, QueryResult, SetResult } from "../../../jmap/types.ts";
import { toast } from "../../../ui/toast.tsx";
import { longDate } from "../../dates.ts";
import { prefs } from "../../prefs.ts";
import { cancelled, compose, type Pending } from "../compose_state.ts";
import { loadPending, longestHold } from "../pending.ts";
import { mail } from "../state.ts";
import { toEmail, type Attached, type Letter } from "./letter.ts";

class SendError extends Error {
	constructor(message: string, readonly type = "") {
		super(message);
	}
}

function firstError(r: SetResult): SendError {
	const e = Object.values(r.notCreated ?? {})[0];
	return new SendError(e ? e.description ?? e.type : "", e?.type);
}

/** The server could not be reached, or has no time: it can be tried again. */
export function isOffline(e: unknown): boolean {
	const { type, code, status } = (e ?? {}) as { type?: unknown; code?: unknown; status?: unknown };
	return type === "offline" || type === "serverUnavailable" || code === "unavailable" || (typeof status === "number" && status >= 500);
}

/** More than a message may have. */
export function isTooLarge(e: unknown): boolean {
	const { type, status } = (e ?? {}) as { type?: unknown; status?: unknown };
	return type === "tooLarge" || status === 413;
}

/** Makes the new version, then takes the old one away; so there is always one. */
export async function saveDraft(letter: Letter, files: readonly Attached[], old: Id | null, secret: boolean): Promise<Id> {
	if (secret)
		return saveSecretDraft(letter, files, old);
	const drafts = mail().role("drafts")?.id;
	if (!drafts)
		throw new SendError("no drafts mailbox");
	const identity = identityOf(letter);
	const result = await mail().client.call<SetResult>("Email/set", {
		create: { draft: toEmail(letter, files, identity, drafts) }, ...(old ? { destroy: [old] } : {}),
	});
	const id = result.created?.draft?.id;
	if (!id)
		throw firstError(result);
	if (old)
		mail().full.drop([old]);
	return id;
}

/** Encrypted to its writer; the server does not see what is being written. */
async function saveSecretDraft(letter: Letter, files: readonly Attached[], old: Id | null): Promise<Id> {
	const { putSecretDraft } = await import("../../pgp/letter_out.ts");
	const id = await putSecretDraft(letter, files);
	if (old) {
		await mail().client.call<SetResult>("Email/set", { destroy: [old] });
		mail().full.drop([old]);
	}
	return id;
}

export function identityOf(letter: Letter): Identity | undefined {
	return mail().identities.peek().find((i) => i.email.toLowerCase() === letter.from.toLowerCase());
}

/** A message on the server, and to whom it goes; to nobody: it is the author's own copy. The first one stays in Sent;
 * further ones, for blind copies of an encrypted letter, are sent and no more. */
export interface Ready { id: Id; to: readonly string[] }

export function everybody(letter: Letter): string[] {
	return [...new Set([...letter.to, ...letter.cc, ...letter.bcc].map((a) => a.email))];
}

/** For how many seconds the server holds a letter, or until when. */
type Hold = number | Date;

function parametersOf(hold: Hold): Record<string, string> | null {
	if (hold instanceof Date)
		return { HOLDUNTIL: `${hold.toISOString().slice(0, 19)}Z` };
	return hold > 0 ? { HOLDFOR: String(hold) } : null;
}

function envelope(letter: Letter, to: readonly string[], hold: Hold): Record<string, unknown> {
	return {
		mailFrom: { email: letter.from, parameters: parametersOf(hold) },
		rcptTo: to.map((email) => ({ email, parameters: null })),
	};
}

/** From Drafts to Sent, or the other way. */
function moved(toSent: boolean): Record<string, unknown> {
	const drafts = mail().role("drafts")?.id ?? "";
	const sent = mail().role("sent")?.id ?? "";
	return { [`mailboxIds/${drafts}`]: toSent ? null : true, [`mailboxIds/${sent}`]: toSent ? true : null, "keywords/$draft": toSent ? null : true };
}

const goes = (r: Ready | undefined): boolean => (r?.to.length ?? 0) > 0;

interface Made { id: Id; emailId: Id; undoStatus: string }

/** What was handed in already, and the state after which nothing more was. */
async function handedIn(ready: readonly Ready[]): Promise<{ state: string; made: Map<Id, Id> }> {
	const client = mail().client;
	const now = client.call<GetResult<Made>>("EmailSubmission/get", { ids: [], properties: ["id"] });
	const query = client.call<QueryResult>("EmailSubmission/query", { filter: { emailIds: ready.map((r) => r.id) } });
	const got = client.call<GetResult<Made>>("EmailSubmission/get", { "#ids": query.ref("/ids"), properties: ["id", "emailId", "undoStatus"] });
	const [{ state }, , { list }] = await Promise.all([now, query, got]);
	return { state, made: new Map(list.filter((m) => m.undoStatus !== "canceled").map((m) => [m.emailId, m.id])) };
}

/**
 * Hands in what was not handed in before: an answer that was lost does not send a letter twice. The server takes it
 * only if nothing was handed in since it was asked, so an attempt that is still on its way cannot come between.
 */
export async function submitOnce(letter: Letter, ready: readonly Ready[], hold: Hold): Promise<Id[]> {
	for (let attempt = 0; ; attempt++) {
		const { state, made } = await handedIn(ready);
		try {
			return await submit(letter, ready, made, state, hold);
		} catch (e) {
			if (attempt === 4 || (e as { type?: string }).type !== "stateMismatch")
				throw e;
		}
	}
}

async function submit(letter: Letter, ready: readonly Ready[], before: ReadonlyMap<Id, Id>, ifInState: string, hold: Hold): Promise<Id[]> {
	const identityId = identityOf(letter)?.id;
	const kept = ready[0];
	const named = ready.filter(goes).map((r, i) => [`send${i}`, r] as const);
	const create = Object.fromEntries(named.filter(([, r]) => !before.has(r.id)).map(([n, r]) => [n, { identityId, emailId: r.id, envelope: envelope(letter, r.to, hold) }]));
	const first = named.find(([n, r]) => r === kept && n in create)?.[0];
	const others = Object.keys(create).filter((n) => n !== first).map((n) => `#${n}`);
	const result = await mail().client.call<SetResult>("EmailSubmission/set", {
		ifInState, create,
		...(first ? { onSuccessUpdateEmail: { [`#${first}`]: moved(true) } } : {}),
		...(others.length ? { onSuccessDestroyEmail: others } : {}),
	});
	const made = named.map(([n, r]) => before.get(r.id) ?? result.created?.[n]?.id).filter((id) => id !== undefined);
	if (made.length < named.length)
		throw firstError(result);
	if (kept && !first)
		await mail().client.call<SetResult>("Email/set", { update: { [kept.id]: moved(true) } });
	if (letter.answers)
		mail().change(new Map([[letter.answers.id, { keywords: { [letter.answers.keyword]: true } }]]));
	return made;
}

async function writeOn(id: Id, bcc: Letter["bcc"]): Promise<void> {
	mail().full.drop([id]);
	await mail().read([id]);
	const email = mail().full.peek(id) as FullEmail | undefined;
	// An encrypted message does not say to whom blind copies go.
	if (email)
		compose({ mode: "draft", email: { ...email, bcc: email.bcc?.length ? email.bcc : [...bcc] } });
}

/** ownCopy: the message in Sent went to nobody. False: it is too late. */
async function cancel(submissions: readonly Id[], emailId: Id, ownCopy: boolean): Promise<boolean> {
	const first = submissions[0] ?? "";
	submissions.forEach((id) => cancelled.add(id));
	const result = await mail().client.call<SetResult>("EmailSubmission/set", {
		update: Object.fromEntries(submissions.map((id) => [id, { undoStatus: "canceled" }])),
		...(ownCopy ? {} : { onSuccessUpdateEmail: { [first]: moved(false) } }),
	});
	if (Object.keys(result.notUpdated ?? {}).length) {
		toast({ text: t("tooLateToUndo"), bad: true });
		return false;
	}
	if (ownCopy)
		await mail().client.call<SetResult>("Email/set", { update: { [emailId]: moved(false) } });
	return true;
}

/** Takes back what waits, with the letters that it announces. */
export async function takeBack(p: Pending): Promise<boolean> {
	if (!await cancel(p.ids, p.emailId, p.ownCopy ?? false))
		return false;
	if (p.letterOf)
		await (await import("../../letters/waiting.ts")).removeLettersOf(p.letterOf);
	return true;
}

export async function cancelWaiting(p: Pending, bcc: Letter["bcc"]): Promise<void> {
	if (await takeBack(p))
		await writeOn(p.emailId, bcc);
}

/** What else is to be undone with the sending. */
type Undone = () => Promise<void>;
const nothing: Undone = () => Promise.resolve();

/** Held by the server; what takes it back. */
async function submitHeld(letter: Letter, ready: readonly Ready[], hold: Hold, undone: Undone): Promise<() => Promise<void>> {
	const made = await submitOnce(letter, ready, hold);
	const id = ready[0]?.id ?? "";
	return async () => {
		if (!await cancel(made, id, !goes(ready[0])))
			return;
		await undone();
		await writeOn(id, letter.bcc);
	};
}

async function held(letter: Letter, ready: readonly Ready[], hold: number, undone: Undone): Promise<void> {
	const undo = await submitHeld(letter, ready, hold, undone);
	toast({ text: t("sent"), undo: () => void undo(), time: hold * 1000 });
}

/** The page holds it: it must stay open until the time is over. */
function heldHere(letter: Letter, ready: readonly Ready[], seconds: number, undone: Undone): Promise<void> {
	const id = ready[0]?.id ?? "";
	const before = (e: BeforeUnloadEvent) => e.preventDefault();
	const send = () => {
		removeEventListener("beforeunload", before);
		submitOnce(letter, ready, 0).catch((e: Error) => toast({ text: t("sendFailed", { why: e.message }), bad: true, action: { label: t("openDraft"), run: () => void writeOn(id, letter.bcc) } }));
	};
	const timer = setTimeout(send, seconds * 1000);
	addEventListener("beforeunload", before);
	toast({
		text: t("sending"), time: seconds * 1000,
		undo: () => { clearTimeout(timer); removeEventListener("beforeunload", before); void writeOn(id, letter.bcc).then(undone); },
	});
	return Promise.resolve();
}

/** Sends what is on the server; `at` is the time of a scheduled letter. */
export async function send(letter: Letter, ready: readonly Ready[], at: Date | null, undone: Undone = nothing): Promise<void> {
	const undo = prefs.peek().undoSeconds;
	if (at) {
		const undo = await submitHeld(letter, ready, at, undone);
		toast({ text: t("scheduledFor", { when: longDate(at.getTime()) }), undo: () => void undo().then(loadPending) });
		void loadPending().catch(() => undefined);
		return;
	}
	if (undo === 0)
		await submitOnce(letter, ready, 0).then(() => toast({ text: t("sent") }));
	else
		await (longestHold() >= undo ? held(letter, ready, undo, undone) : heldHere(letter, ready, undo, undone));
}

export function maySchedule(): boolean {
	return longestHold() > 3600;
}

/** Times that one usually means. */
export function scheduleTimes(now = new Date()): { key: "laterToday" | "tomorrowMorning" | "mondayMorning"; at: Date }[] {
	const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
	const times: { key: "laterToday" | "tomorrowMorning" | "mondayMorning"; at: Date }[] = [];
	if (now.getHours() < 16)
		times.push({ key: "laterToday", at: at(0, Math.max(18, now.getHours() + 2)) });
	times.push({ key: "tomorrowMorning", at: at(1, 8) });
	if (now.getDay() !== 0)
		times.push({ key: "mondayMorning", at: at(((8 - now.getDay()) % 7) || 7, 8) });
	return times;
}
