// Letters that wait on the server for their time.
import { submission, type GetResult, type Id, type QueryResult } from "../../jmap/types.ts";
import { cancelled, pending, type Pending } from "./compose_state.ts";
import { mail, store } from "./state.ts";

export interface Submission { id: Id; emailId: Id; sendAt: string; undoStatus: "pending" | "final" | "canceled"; envelope: { rcptTo: { email: string }[] } | null }

/** What went within this time is asked for, too. */
const recently = 3_600_000;

/** What only waits for the time in which sending can be undone is not told of. */
const soon = 90_000;
/** No two letters are scheduled closer together, so that by its time each is known. */
const apart = 60_000;

/** Seconds for which the server can hold a letter; 0: it cannot. */
export function longestHold(): number {
	const session = store.peek()?.session;
	const account = session?.accounts?.[session.primaryAccounts[submission] ?? ""];
	return Number(account?.accountCapabilities?.[submission]?.maxDelayedSend ?? 0);
}

const waits = (s: Submission) => s.undoStatus === "pending";

/** Of the last hour, and those to come. */
async function fetchRecent(): Promise<Submission[]> {
	const client = mail().client;
	const after = `${new Date(Date.now() - recently).toISOString().slice(0, 19)}Z`;
	const query = client.call<QueryResult>("EmailSubmission/query", { filter: { after } });
	const get = client.call<GetResult<Submission>>("EmailSubmission/get", { "#ids": query.ref("/ids"), properties: ["id", "emailId", "sendAt", "undoStatus", "envelope"] });
	const [, { list }] = await Promise.all([query, get]);
	return list;
}

/** The time itself, or the next one at which nothing else goes. */
export async function freeTime(at: Date): Promise<Date> {
	const taken = (await fetchRecent()).filter(waits).map((s) => Date.parse(s.sendAt)).sort((a, b) => a - b);
	return new Date(taken.reduce((time, other) => (Math.abs(other - time) < apart ? other + apart : time), at.getTime()));
}

export async function loadPending(): Promise<void> {
	if (longestHold() === 0)
		return;
	const recent = await fetchRecent();
	const later = recent.filter((s) => waits(s) && Date.parse(s.sendAt) > Date.now() + soon);
	void noticeCancelled(recent).catch(() => undefined);
	await mail().read(later.map((s) => s.emailId));
	pending.value = (await Promise.all(byTime(later).map(pendingOf))).sort((a, b) => a.sendAt.localeCompare(b.sendAt));
}

/** Another program may take back the mail with the link of a protected letter; then nobody is told of the letter. */
async function noticeCancelled(recent: readonly Submission[]): Promise<void> {
	const gone = recent.filter((s) => s.undoStatus === "canceled" && !cancelled.has(s.id) && Date.parse(s.sendAt) > Date.now());
	const known = new Set((pending.peek() ?? []).flatMap((p) => (p.letterOf && gone.some((s) => p.ids.includes(s.id)) ? [p.letterOf] : [])));
	if (gone.length)
		await (await import("../letters/waiting.ts")).removeOrphans(recent, known);
}

/** What was handed in for one letter: at most some seconds lie between. */
function byTime(all: readonly Submission[]): Submission[][] {
	const groups: Submission[][] = [];
	for (const s of [...all].sort((a, b) => a.sendAt.localeCompare(b.sendAt))) {
		const last = groups.at(-1);
		if (last?.[0] && Date.parse(s.sendAt) - Date.parse(last[0].sendAt) < apart / 2)
			last.push(s);
		else
			groups.push([s]);
	}
	return groups;
}

/** The message that lies in Sent stands for the letter. Those for blind copies, and those with the link of a protected
 * letter, are destroyed once they wait to be sent. */
async function pendingOf(group: readonly Submission[]): Promise<Pending> {
	const here = group.find((s) => mail().full.peek(s.emailId) !== undefined);
	const strays = group.filter((s) => s !== here);
	const { sendAt = "", emailId = "" } = here ?? group[0] ?? {};
	const found = { ids: group.map((s) => s.id), emailId, sendAt };
	if (!strays.length)
		return found;
	const { copyOf } = await import("../letters/waiting.ts");
	const copy = await copyOf(strays.flatMap((s) => s.envelope?.rcptTo ?? []).map((a) => a.email), sendAt);
	return copy ? { ...found, emailId: here?.emailId ?? copy.emailId, ownCopy: !here, letterOf: copy.messageId } : found;
}
