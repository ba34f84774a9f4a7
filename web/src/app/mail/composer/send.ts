// Drafts and sending. The server holds a letter for the time in which it can be undone, so closing the page
// sends it all the same; a server that cannot hold it gets it when that time is over.
import { t } from "../../../i18n/index.ts";
import type { FullEmail, Id, Identity, SetResult } from "../../../jmap/types.ts";
import { submission } from "../../../jmap/types.ts";
import { toast } from "../../../ui/toast.tsx";
import { longDate } from "../../dates.ts";
import { prefs } from "../../prefs.ts";
import { compose } from "../compose_state.ts";
import { mail } from "../state.ts";
import { toEmail, type Attached, type Letter } from "./letter.ts";

export class SendError extends Error {}

function firstError(r: SetResult): string | null {
	const e = Object.values(r.notCreated ?? {})[0];
	return e ? e.description ?? e.type : null;
}

/** Makes the new version, then takes the old one away; so there is always one. */
export async function saveDraft(letter: Letter, files: readonly Attached[], old: Id | null): Promise<Id> {
	const drafts = mail().role("drafts")?.id;
	if (!drafts)
		throw new SendError("no drafts mailbox");
	const identity = identityOf(letter);
	const result = await mail().client.call<SetResult>("Email/set", {
		create: { draft: toEmail(letter, files, identity, drafts) }, ...(old ? { destroy: [old] } : {}),
	});
	const id = result.created?.draft?.id;
	if (!id)
		throw new SendError(firstError(result) ?? "");
	if (old)
		mail().full.drop([old]);
	return id;
}

export function identityOf(letter: Letter): Identity | undefined {
	return mail().identities.peek().find((i) => i.email.toLowerCase() === letter.from.toLowerCase());
}

const longestHold = () => Number(mail().session.capabilities[submission]?.maxDelayedSend ?? 0);

function envelope(letter: Letter, hold: number): Record<string, unknown> {
	const all = [...letter.to, ...letter.cc, ...letter.bcc].map((a) => a.email);
	return {
		mailFrom: { email: letter.from, parameters: hold > 0 ? { HOLDFOR: String(hold) } : null },
		rcptTo: [...new Set(all)].map((email) => ({ email, parameters: null })),
	};
}

async function submit(letter: Letter, id: Id, hold: number): Promise<Id> {
	const drafts = mail().role("drafts")?.id ?? "";
	const sent = mail().role("sent")?.id ?? "";
	const result = await mail().client.call<SetResult>("EmailSubmission/set", {
		create: { send: { identityId: identityOf(letter)?.id, emailId: id, envelope: envelope(letter, hold) } },
		onSuccessUpdateEmail: { "#send": { [`mailboxIds/${drafts}`]: null, [`mailboxIds/${sent}`]: true, "keywords/$draft": null } },
	});
	const made = result.created?.send;
	if (!made)
		throw new SendError(firstError(result) ?? "");
	if (letter.answers)
		mail().change(new Map([[letter.answers.id, { keywords: { [letter.answers.keyword]: true } }]]));
	return made.id;
}

async function writeOn(id: Id): Promise<void> {
	mail().full.drop([id]);
	await mail().read([id]);
	const email = mail().full.peek(id) as FullEmail | undefined;
	if (email)
		compose({ mode: "draft", email });
}

async function cancel(submissionId: Id, emailId: Id): Promise<void> {
	const drafts = mail().role("drafts")?.id ?? "";
	const sent = mail().role("sent")?.id ?? "";
	const result = await mail().client.call<SetResult>("EmailSubmission/set", {
		update: { [submissionId]: { undoStatus: "canceled" } },
		onSuccessUpdateEmail: { [submissionId]: { [`mailboxIds/${sent}`]: null, [`mailboxIds/${drafts}`]: true, "keywords/$draft": true } },
	});
	if (result.notUpdated?.[submissionId]) {
		toast({ text: t("tooLateToUndo"), bad: true });
		return;
	}
	await writeOn(emailId);
}

function held(letter: Letter, id: Id, hold: number): Promise<void> {
	return submit(letter, id, hold).then((s) => {
		toast({ text: t("sent"), undo: () => void cancel(s, id), time: hold * 1000 });
	});
}

/** The page holds it: it must stay open until the time is over. */
function heldHere(letter: Letter, id: Id, seconds: number): Promise<void> {
	const before = (e: BeforeUnloadEvent) => e.preventDefault();
	const send = () => {
		removeEventListener("beforeunload", before);
		submit(letter, id, 0).catch((e: Error) => toast({ text: t("sendFailed", { why: e.message }), bad: true, action: { label: t("openDraft"), run: () => void writeOn(id) } }));
	};
	const timer = setTimeout(send, seconds * 1000);
	addEventListener("beforeunload", before);
	toast({
		text: t("sending"), time: seconds * 1000,
		undo: () => { clearTimeout(timer); removeEventListener("beforeunload", before); void writeOn(id); },
	});
	return Promise.resolve();
}

/** Sends a saved draft; `at` is the time of a scheduled one. */
export async function send(letter: Letter, id: Id, at: Date | null): Promise<void> {
	const undo = prefs.peek().undoSeconds;
	if (at) {
		const hold = Math.max(1, Math.round((at.getTime() - Date.now()) / 1000));
		const s = await submit(letter, id, hold);
		toast({ text: t("scheduledFor", { when: longDate(at.getTime()) }), undo: () => void cancel(s, id) });
		return;
	}
	if (undo === 0)
		await submit(letter, id, 0).then(() => toast({ text: t("sent") }));
	else
		await (longestHold() >= undo ? held(letter, id, undo) : heldHere(letter, id, undo));
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
	times.push({ key: "mondayMorning", at: at(((8 - now.getDay()) % 7) || 7, 8) });
	return times;
}
