// Letters that wait on the server for their time.
import { submission, type GetResult, type Id, type QueryResult } from "../../jmap/types.ts";
import { pending, type Pending } from "./compose_state.ts";
import { mail, store } from "./state.ts";

interface Submission { id: Id; emailId: Id; sendAt: string }

/** What only waits for the time in which sending can be undone is not told of. */
const soon = 90_000;

/** Seconds for which the server can hold a letter; 0: it cannot. */
export function longestHold(): number {
	const session = store.peek()?.session;
	const account = session?.accounts?.[session.primaryAccounts[submission] ?? ""];
	return Number(account?.accountCapabilities?.[submission]?.maxDelayedSend ?? 0);
}

export async function loadPending(): Promise<void> {
	if (longestHold() === 0)
		return;
	const client = mail().client;
	const query = client.call<QueryResult>("EmailSubmission/query", { filter: { undoStatus: "pending" } });
	const get = client.call<GetResult<Submission>>("EmailSubmission/get", { "#ids": query.ref("/ids"), properties: ["id", "emailId", "sendAt"] });
	const [, got] = await Promise.all([query, get]);
	const later = got.list.filter((s) => Date.parse(s.sendAt) > Date.now() + soon);
	await mail().read(later.map((s) => s.emailId));
	pending.value = lettersOf(later).sort((a, b) => a.sendAt.localeCompare(b.sendAt));
}

/** The message that lies in Sent stands for the letter. Those for blind copies are destroyed once they wait to
 * be sent, so they are known by their time only. */
function lettersOf(all: readonly Submission[]): Pending[] {
	const here = (s: Submission) => mail().full.peek(s.emailId) !== undefined;
	const letters: Pending[] = all.filter(here).map((s) => ({ ids: [s.id], emailId: s.emailId, sendAt: s.sendAt }));
	for (const s of all.filter((o) => !here(o))) {
		const letter = letters.find((l) => Math.abs(Date.parse(l.sendAt) - Date.parse(s.sendAt)) <= 1000);
		if (letter)
			letter.ids.push(s.id);
		else
			letters.push({ ids: [s.id], emailId: s.emailId, sendAt: s.sendAt });
	}
	return letters;
}
