// People that mail was exchanged with, for completion: those written to count more than those who wrote.
import type { Address } from "../../jmap/types.ts";
import { mail } from "./state.ts";

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
