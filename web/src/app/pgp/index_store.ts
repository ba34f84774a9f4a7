// The index of encrypted letters: what the server cannot search. It lives in the OpenPGP worker, which seals
// each entry; this browser keeps the sealed entries.
import type { FullEmail, Id } from "../../jmap/types.ts";
import { account } from "../session.ts";
import { dropEntries, keepEntry, keptIndex } from "./shelf.ts";
import { pgp } from "./worker.ts";

const accountId = () => account.peek()?.accountId ?? "";
let loaded: { account: string; done: Promise<unknown> } | null = null;

/** The worker with its index; whoever asks while it is being loaded waits, too. */
async function ready() {
	const p = await pgp();
	const id = accountId();
	if (loaded?.account !== id)
		loaded = { account: id, done: keptIndex(id).then((records) => p.call("indexLoad", { records })) };
	await loaded.done;
	return p;
}

export async function remember(email: FullEmail): Promise<void> {
	if (!email.pgp?.encrypted || email.pgp.failure !== "none")
		return;
	const p = await ready();
	const text = email.textBody.map((b) => email.bodyValues[b.partId ?? ""]?.value ?? "").join("\n");
	const people = [...(email.from ?? []), ...(email.to ?? []), ...(email.cc ?? [])].map((a) => `${a.name ?? ""} ${a.email}`);
	const record = await p.call("indexPut", {
		id: email.id, threadId: email.threadId, receivedAt: email.receivedAt, subject: email.subject ?? "", preview: email.preview,
		text: text.slice(0, 200_000), people: people.join("\n"), files: email.attachments.map((a) => a.name ?? "").join("\n"),
	});
	await keepEntry(accountId(), email.id, record);
}

/** Encrypted letters in which all words stand, newest first. */
export async function searchEncrypted(words: readonly string[]): Promise<Id[]> {
	const p = await ready();
	return p.call("indexSearch", { words: [...words] });
}

/** The real subjects of letters that were opened before, for the rows of a list. */
export async function knownRows(): Promise<{ id: Id; subject: string; preview: string }[]> {
	return (await ready()).call("indexRows");
}

export async function forgetLetters(ids: readonly Id[]): Promise<void> {
	const p = await ready();
	await p.call("indexDrop", { ids: [...ids] });
	await dropEntries(accountId(), ids);
}
