// People that mail was exchanged with, for completion: those written to count more than those who wrote.
import { signal } from "@preact/signals";
import type { MailStore } from "../../jmap/mail.ts";
import type { Address, FullEmail, GetResult, Id } from "../../jmap/types.ts";
import { mail } from "./state.ts";

/** How many of the newest letters that were sent say who is known. */
const sentLetters = 500;
const written = signal<ReadonlyMap<string, string>>(new Map());
let asked: MailStore | null = null;

async function askWritten(store: MailStore): Promise<void> {
	const sent = store.role("sent")?.id;
	if (!sent)
		return;
	const query = store.client.call<{ ids: Id[] }>("Email/query", { filter: { inMailbox: sent }, sort: [{ property: "receivedAt", isAscending: false }], limit: sentLetters });
	const get = store.client.call<GetResult<Pick<FullEmail, "to" | "cc">>>("Email/get", { "#ids": query.ref("/ids"), properties: ["to", "cc"] });
	await query;
	const { list } = await get;
	if (asked === store)
		written.value = new Map(list.flatMap((e) => [...e.to ?? [], ...e.cc ?? []]).map((a) => [a.email.toLowerCase(), a.name ?? ""]));
}

/** Whom we have written to, with their names: no strangers. Asked of the server when it is first wanted; until then, nobody. */
export function writtenTo(): ReadonlyMap<string, string> {
	const store = mail();
	if (asked !== store) {
		asked = store;
		written.value = new Map();
		void askWritten(store).catch(() => { asked = null; });
	}
	return written.value;
}

interface Known extends Address { weight: number }

export function knownAddresses(typed: string, without: ReadonlySet<string> = new Set()): Address[] {
	const want = typed.toLocaleLowerCase();
	const found = new Map<string, Known>();
	const sent = mail().role("sent")?.id ?? "";
	const junk = mail().role("junk")?.id ?? "";
	const add = (list: readonly Address[] | null, weight: number) => {
		for (const a of list ?? []) {
			const email = a.email.toLowerCase();
			if (!matches(a, want) || without.has(email))
				continue;
			const known = found.get(email) ?? { name: a.name, email: a.email, weight: 0 };
			known.weight += weight;
			known.name ||= a.name;
			found.set(email, known);
		}
	};
	for (const id of mail().emails.ids()) {
		const e = mail().emails.peek(id);
		if (!e || e.mailboxIds[junk])
			continue;
		add(e.from, e.mailboxIds[sent] ? 0 : 1);
		add(e.to, e.mailboxIds[sent] ? 5 : 0.2);
	}
	return [...found.values()].sort((a, b) => b.weight - a.weight).map(({ name, email }) => ({ name, email }));
}

/** The beginning of the address or of any word of the name. */
function matches(a: Address, want: string): boolean {
	return a.email.toLowerCase().startsWith(want) || (a.name ?? "").toLocaleLowerCase().split(/[\s.,-]+/).some((w) => w.startsWith(want))
		|| (a.name ?? "").toLocaleLowerCase().startsWith(want);
}
