// The search language of the search field, as a JMAP filter. What is not an operator is text.
//
//   from:anna subject:"travel plan" has:attachment is:unread before:2026-03-01 in:archive -newsletter
import type { Condition, Filter, Mailbox } from "./types.ts";

interface Term { not: boolean; key: string; value: string }

const keys = new Set(["from", "to", "cc", "bcc", "subject", "body", "has", "is", "in", "before", "after", "older", "newer", "larger", "smaller", "label"]);

export function tokenize(text: string): Term[] {
	const terms: Term[] = [];
	for (const m of text.matchAll(/(-?)(?:(\w+):)?(?:"([^"]*)"?|(\S+))/gu)) {
		const [whole, minus, rawKey, quoted, word] = m;
		const key = rawKey?.toLowerCase() ?? "";
		const value = quoted ?? word ?? "";
		if (key && keys.has(key))
			terms.push({ not: minus === "-", key, value });
		else if (whole !== "-" && !(value.endsWith(":") && keys.has(value.slice(0, -1).toLowerCase())))
			terms.push({ not: minus === "-", key: "text", value: rawKey ? `${rawKey}:${value}` : value });
	}
	return terms;
}

/** A day as the instant it begins here; also 7d, 2w, 3m, 1y before now. */
export function parseDate(text: string, now: Date): string | null {
	const ago = /^(\d{1,4})([dwmy])$/.exec(text);
	if (ago) {
		const days = Number(ago[1]) * { d: 1, w: 7, m: 30, y: 365 }[ago[2] as "d" | "w" | "m" | "y"];
		return utc(new Date(now.getTime() - days * 86_400_000));
	}
	const day = /^(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?$/.exec(text);
	if (!day)
		return null;
	const date = new Date(Number(day[1]), Number(day[2] ?? 1) - 1, Number(day[3] ?? 1));
	return Number.isNaN(date.getTime()) ? null : utc(date);
}

const utc = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;

function parseSize(text: string): number | null {
	const m = /^(\d+)\s*([kmg]?)b?$/i.exec(text);
	return m ? Number(m[1]) * { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(m[2] ?? "").toLowerCase() as "" | "k" | "m" | "g"] : null;
}

const states: Record<string, Condition> = {
	unread: { notKeyword: "$seen" },
	read: { hasKeyword: "$seen" },
	starred: { hasKeyword: "$flagged" },
	flagged: { hasKeyword: "$flagged" },
	unstarred: { notKeyword: "$flagged" },
	replied: { hasKeyword: "$answered" },
	draft: { hasKeyword: "$draft" },
};

function findMailbox(name: string, mailboxes: Iterable<Mailbox>): Mailbox | undefined {
	const wanted = name.toLocaleLowerCase();
	const all = [...mailboxes];
	return all.find((m) => m.role === wanted || (wanted === "spam" && m.role === "junk")) ??
		all.find((m) => m.name.toLocaleLowerCase() === wanted) ??
		all.find((m) => m.name.toLocaleLowerCase().startsWith(wanted));
}

/** What was typed in quotation marks is looked for as it stands; the server takes other words one by one. */
const asTyped = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/** A term that means nothing (before:yesterday-ish) is searched as text, so that nothing is silently left out. */
function condition(term: Term, mailboxes: Iterable<Mailbox>, now: Date): Condition {
	const { key, value } = term;
	const asText = { text: asTyped(key === "text" ? value : `${key}:${value}`) };
	const date = () => parseDate(value, now);
	const size = () => parseSize(value);
	const known: Record<string, () => Condition | null | undefined> = {
		has: () => ({ attachment: { hasAttachment: true }, star: { hasKeyword: "$flagged" } } as Record<string, Condition>)[value.toLowerCase()],
		is: () => states[value.toLowerCase()],
		in: () => {
			const box = findMailbox(value, mailboxes);
			return box && { inMailbox: box.id };
		},
		label: () => ({ hasKeyword: value.toLowerCase() }),
		before: () => withDate("before", date()),
		older: () => withDate("before", date()),
		after: () => withDate("after", date()),
		newer: () => withDate("after", date()),
		larger: () => (size() === null ? null : { minSize: size() as number }),
		smaller: () => (size() === null ? null : { maxSize: size() as number }),
	};
	const make = known[key];
	if (make)
		return make() ?? asText;
	return { [key]: asTyped(value) };
}

function withDate(key: "before" | "after", date: string | null): Condition | null {
	return date ? { [key]: date } : null;
}

/** Searches leave out spam and trash unless a mailbox is named. */
export function parseSearch(text: string, mailboxes: Iterable<Mailbox>, now = new Date()): Filter | null {
	const boxes = [...mailboxes];
	const terms = tokenize(text).filter((term) => term.value !== "");
	if (terms.length === 0)
		return null;
	const conditions: Filter[] = terms.map((term) => {
		const c = condition(term, boxes, now);
		return term.not ? { operator: "NOT", conditions: [c] } : c;
	});
	const hidden = boxes.filter((m) => m.role === "junk" || m.role === "trash").map((m) => m.id);
	if (hidden.length && !terms.some((term) => term.key === "in"))
		conditions.push({ inMailboxOtherThan: hidden });
	return conditions.length === 1 ? conditions[0] ?? null : { operator: "AND", conditions };
}

/** The words of a search that asks for nothing but words; null when it asks for more. */
export function plainWords(text: string): string[] | null {
	const terms = tokenize(text).filter((term) => term.value !== "");
	const plain = terms.every((term) => !term.not && ["text", "subject", "from", "to", "body"].includes(term.key));
	return plain ? terms.map((term) => term.value) : null;
}
