// Letters under a password whose mail with the link waits on the server for its time: which they are, and taking them
// back together with that mail.
import { signal } from "@preact/signals";
import type { Id, QueryResult } from "../../jmap/types.ts";
import { fetchJson } from "../../jmap/client.ts";
import { toast } from "../../ui/toast.tsx";
import type { Submission } from "../mail/pending.ts";
import { mail } from "../mail/state.ts";
import { drift, orphansOf } from "./orphans.ts";
import { t } from "./texts.ts";

export interface LetterInfo {
	id: string; state: "draft" | "open" | "expired" | "withdrawn"; to: string; messageId: string; created: number; sendAt: number; expires: number; size: number; opens: number;
	maxOpens: number; firstOpened: number; lastOpened: number; replies: number; note: string;
}

export const order = <T = unknown>(name: string, body: Record<string, unknown>) => fetchJson<T>(`/api/v1/auth/${name}`, { method: "POST", body: JSON.stringify(body) });

export async function allLetters(): Promise<LetterInfo[]> {
	const all: LetterInfo[] = [];
	for (let more = true; more;) {
		const page = await order<{ more: boolean; letters: LetterInfo[] }>("letters", { skip: all.length });
		all.push(...page.letters);
		more = page.more && page.letters.length > 0;
	}
	return all;
}

/** The author's copy, in Sent, of the letter that these are told of at that time. */
export async function copyOf(people: readonly string[], sendAt: string): Promise<{ emailId: Id; messageId: string } | null> {
	const at = Date.parse(sendAt) / 1000;
	const off = (l: LetterInfo) => Math.abs(l.sendAt - at);
	const names = people.map((p) => p.toLowerCase());
	const [letter] = (await allLetters()).filter((l) => l.state === "open" && names.includes(l.to.toLowerCase()) && off(l) < drift).sort((a, b) => off(a) - off(b));
	if (!letter)
		return null;
	const { ids } = await mail().client.call<QueryResult>("Email/query", {
		filter: { operator: "AND", conditions: [{ inMailbox: mail().role("sent")?.id ?? "" }, { header: ["Message-ID", letter.messageId.slice(1, -1)] }] },
	});
	await mail().read(ids);
	return ids[0] ? { emailId: ids[0], messageId: letter.messageId } : null;
}

export async function removeLetter(id: string): Promise<void> {
	await order("letter-withdraw", { id }).catch(() => undefined);
	await order("letter-forget", { id }).catch(() => undefined);
}

/** Counts when letters went that nobody looked at. */
export const removed = signal(0);

/** Letters whose mail with the link was taken back elsewhere. known: by which messages these surely go together. */
export async function removeOrphans(recent: readonly Submission[], known: ReadonlySet<string>): Promise<void> {
	const orphans = orphansOf(await allLetters(), recent, known, Date.now() / 1000);
	await Promise.all(orphans.map((l) => removeLetter(l.id)));
	removed.value += orphans.length;
	for (const l of orphans)
		toast({ text: t("carrierCancelled", { who: l.to }) });
}

/** All letters of one message, each for somebody else. */
export async function removeLettersOf(messageId: string): Promise<void> {
	const all = (await allLetters()).filter((l) => l.messageId === messageId && l.state === "open");
	await Promise.all(all.map((l) => removeLetter(l.id)));
}
