// Takes one letter from this device to the server, and sends it. Every step can be broken off and begun again:
// what is put on the server for a letter is noted before it is sent, and before it is sent the server is asked
// whether that has been done (submitOnce).
import type { QueryResult, SetResult } from "../../jmap/types.ts";
import { toast } from "../../ui/toast.tsx";
import { everybody, isOffline, saveDraft, submitOnce, type Ready } from "../mail/composer/send.ts";
import { freeTime } from "../mail/pending.ts";
import { mail } from "../mail/state.ts";
import { Guard, type Way } from "../pgp/guard.ts";
import { changeLetter, dropLetter, filesOf, type Waiting } from "./outbox.ts";
import { t } from "./texts.ts";

/** What an attempt left in the drafts that was broken off before it was noted. It was not sent. */
async function tidy(w: Waiting): Promise<void> {
	const drafts = mail().role("drafts")?.id;
	const found = await mail().client.call<QueryResult>("Email/query", {
		filter: { operator: "AND", conditions: [{ inMailbox: drafts }, { hasKeyword: "$draft" }, { header: ["Message-ID", w.messageId] }] },
	});
	const left = found.ids.filter((id) => id !== w.draft);
	if (left.length)
		await mail().client.call<SetResult>("Email/set", { destroy: left });
}

function guardOf(w: Waiting): Guard {
	const guard = new Guard(w.protection.threadEncrypted);
	guard.wish.value = w.protection.wish;
	guard.sign.value = w.protection.sign;
	if (w.protection.confirmed)
		guard.confirmPlain();
	return guard;
}

async function upload(files: Awaited<ReturnType<typeof filesOf>>): Promise<void> {
	for (const f of files)
		if (!f.blobId && f.data)
			f.blobId = (await mail().client.upload(f.data, () => undefined)).blobId;
}

async function put(w: Waiting, way: Exclude<Way, "letter">): Promise<Ready[]> {
	const files = await filesOf(w);
	await tidy(w);
	const letter = { ...w.letter, messageId: w.messageId };
	if (way !== "plain") {
		const { putMessages } = await import("../pgp/letter_out.ts");
		return putMessages(letter, files, way);
	}
	await upload(files);
	const id = await saveDraft(letter, files, null, false);
	return [{ id, to: everybody(w.letter) }];
}

async function send(w: Waiting): Promise<void> {
	let { ready } = w;
	if (!ready) {
		const guard = guardOf(w);
		const way = guard.plainConfirmed ? "plain" : await guard.decide(everybody(w.letter));
		// The password of a letter to somebody without a key is not kept here: its writer gives it again.
		if (way === "ask" || way === "stop" || way === "letter") {
			await changeLetter(w, { problem: "asks" });
			return toastProblem(w);
		}
		ready = await put(w, way);
		w = await changeLetter(w, { ready });
	}
	await submitOnce(w.letter, ready, w.sendAt > Date.now() ? await freeTime(new Date(w.sendAt)) : 0);
	await finish(w, ready);
}

async function finish(w: Waiting, ready: readonly Ready[]): Promise<void> {
	await dropLetter(w.key);
	if (w.draft && !ready.some((r) => r.id === w.draft))
		await mail().destroy([w.draft]).catch(() => undefined);
	toast({ text: t("sentLater", { what: w.letter.subject || t("noSubject") }) });
}

function toastProblem(w: Waiting): void {
	toast({ text: t("needsYou", { what: w.letter.subject || t("noSubject") }), bad: true });
}

/** A letter that was only being written becomes a draft on the server. */
async function saveThere(w: Waiting): Promise<void> {
	const files = await filesOf(w);
	const secret = guardOf(w).secret;
	if (!secret)
		await upload(files);
	await saveDraft(w.letter, files, w.draft, secret);
	await dropLetter(w.key);
}

export async function deliver(w: Waiting): Promise<void> {
	try {
		await (w.kind === "draft" ? saveThere(w) : send(w));
	} catch (e) {
		if (isOffline(e))
			throw e;
		await changeLetter(w, { problem: "refused", why: (e as Error).message });
		toastProblem(w);
	}
}
