// The server's way of finding messages (docs/api/jmap.md), over those that this device keeps.
import type { Comparator, Condition, Filter, FullEmail, Address } from "../jmap/types.ts";

/** Without regard to case and accents. */
export function fold(text: string): string {
	return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Words, and what stands in quotation marks as it stands. */
export function wordsOf(text: string): string[] {
	return [...fold(text).matchAll(/"([^"]*)"?|(\S+)/g)].map((m) => m[1] ?? m[2] ?? "").filter(Boolean);
}

const people = (list: readonly Address[] | null | undefined) => (list ?? []).map((a) => `${a.name ?? ""} ${a.email}`).join("\n");
const entities = new Map([["amp", "&"], ["lt", "<"], ["gt", ">"], ["quot", '"'], ["nbsp", " "], ["apos", "'"]]);

/** What somebody reads of HTML, roughly: enough to search in. */
export function textOfHtml(html: string): string {
	return html.replace(/<(style|script|head)\b[\s\S]*?(<\/\1\s*>|$)/gi, " ").replace(/<[^>]*>/g, " ")
		.replace(/&(?:#(\d{1,7})|(\w{1,8}));/g, (whole, n: string | undefined, name: string | undefined) =>
			n !== undefined ? Number(n) < 0x110000 ? String.fromCodePoint(Number(n)) : " " : entities.get(name ?? "") ?? whole);
}

export function bodyOf(email: FullEmail): string {
	const parts = new Map([...email.textBody, ...email.htmlBody].map((p) => [p.partId, p]));
	return [...parts.values()].map((p) => {
		const value = email.bodyValues[p.partId ?? ""]?.value ?? "";
		return p.type === "text/html" ? textOfHtml(value) : value;
	}).join("\n");
}

type Field = "from" | "to" | "cc" | "bcc" | "subject" | "body";
const fields: Readonly<Record<Field, (e: FullEmail) => string>> = {
	from: (e) => people(e.from), to: (e) => people(e.to), cc: (e) => people(e.cc), bcc: (e) => people(e.bcc),
	subject: (e) => e.subject ?? "", body: (e) => `${bodyOf(e)}\n${e.attachments.map((a) => a.name ?? "").join("\n")}`,
};

/** Folded texts of the letters, made when they are first searched. */
const texts = new WeakMap<FullEmail, Map<Field, string>>();

function textOf(email: FullEmail, field: Field): string {
	const known = texts.get(email) ?? new Map<Field, string>();
	texts.set(email, known);
	let text = known.get(field);
	if (text === undefined)
		known.set(field, text = fold(fields[field](email)));
	return text;
}

const finds = (email: FullEmail, field: Field, text: string) => wordsOf(text).every((w) => textOf(email, field).includes(w));
const everywhere = (email: FullEmail, text: string) =>
	wordsOf(text).every((w) => (Object.keys(fields) as Field[]).some((f) => textOf(email, f).includes(w)));

export interface Around { threadOf(email: FullEmail): readonly FullEmail[] }

type Test<K extends keyof Condition> = (e: FullEmail, v: NonNullable<Condition[K]>, around: Around) => boolean;
const has = (e: FullEmail, keyword: string) => Boolean(e.keywords[keyword.toLowerCase()] ?? e.keywords[keyword]);

const tests: { readonly [K in keyof Condition]-?: Test<K> } = {
	inMailbox: (e, id) => Boolean(e.mailboxIds[id]),
	inMailboxOtherThan: (e, ids) => Object.keys(e.mailboxIds).some((id) => !ids.includes(id)),
	before: (e, at) => Date.parse(e.receivedAt) < Date.parse(at),
	after: (e, at) => Date.parse(e.receivedAt) >= Date.parse(at),
	minSize: (e, n) => e.size >= n,
	maxSize: (e, n) => e.size < n,
	hasKeyword: has,
	notKeyword: (e, k) => !has(e, k),
	someInThreadHaveKeyword: (e, k, around) => around.threadOf(e).some((o) => has(o, k)),
	noneInThreadHaveKeyword: (e, k, around) => !around.threadOf(e).some((o) => has(o, k)),
	hasAttachment: (e, on) => e.hasAttachment === on,
	text: everywhere,
	from: (e, v) => finds(e, "from", v),
	to: (e, v) => finds(e, "to", v),
	cc: (e, v) => finds(e, "cc", v),
	bcc: (e, v) => finds(e, "bcc", v),
	subject: (e, v) => finds(e, "subject", v),
	body: (e, v) => finds(e, "body", v),
	// Of the header only what was kept is known; a search for more finds nothing.
	header: (e, [name, value]) => name.toLowerCase() === "message-id" && (e.messageId ?? []).some((id) => !value || `<${id}>`.includes(value)),
};

export function matches(email: FullEmail, filter: Filter | null | undefined, around: Around): boolean {
	if (!filter)
		return true;
	if ("operator" in filter) {
		const one = (f: Filter) => matches(email, f, around);
		if (filter.operator === "AND")
			return filter.conditions.every(one);
		return filter.operator === "OR" ? filter.conditions.some(one) : !filter.conditions.some(one);
	}
	return (Object.entries(filter) as [keyof Condition, never][]).every(([key, value]) => Object.hasOwn(tests, key) && tests[key](email, value, around));
}

const first = (list: readonly Address[] | null) => fold(list?.[0]?.name || list?.[0]?.email || "");
const keysOf: Readonly<Record<string, (e: FullEmail) => string | number>> = {
	receivedAt: (e) => Date.parse(e.receivedAt),
	sentAt: (e) => Date.parse(e.sentAt ?? e.receivedAt),
	size: (e) => e.size,
	from: (e) => first(e.from),
	to: (e) => first(e.to),
	subject: (e) => fold(e.subject ?? ""),
};

function keyOf(email: FullEmail, c: Comparator): string | number {
	if (c.property === "hasKeyword")
		return has(email, c.keyword ?? "") ? 1 : 0;
	return (keysOf[c.property] ?? keysOf.receivedAt)?.(email) ?? 0;
}

export function compare(a: FullEmail, b: FullEmail, sort: readonly Comparator[]): number {
	for (const c of sort) {
		const [x, y] = [keyOf(a, c), keyOf(b, c)];
		if (x !== y)
			return (x < y ? -1 : 1) * (c.isAscending === false ? -1 : 1);
	}
	return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
