// Rules as the server keeps them (docs/api/jmap.md), and what they would do to mail that is here already.
import { signal } from "@preact/signals";
import type { Email, Filter, FullEmail, GetResult, Id, QueryResult, SetResult } from "../../jmap/types.ts";
import type { Change } from "../../jmap/mail.ts";
import { listProperties } from "../../jmap/list.ts";
import { mail } from "./state.ts";

export type Match = "contains" | "is" | "domain";
export type TextField = "from" | "to" | "subject" | "listId" | "header";
export interface Condition {
	field: TextField | "hasAttachment" | "size";
	name?: string;
	match?: Match;
	value?: string;
	atLeast?: number;
	below?: number;
}
export interface Actions { moveTo: Id | null; keywords: string[]; seen: boolean; flagged: boolean; trash: boolean; stop: boolean }
export interface Rule { id: Id; name: string; order: number; isEnabled: boolean; matchAll: boolean; conditions: Condition[]; actions: Actions }
export type NewRule = Omit<Rule, "id">;

/** A rule that was begun from a message; the page of rules opens it. */
export const begun = signal<NewRule | null>(null);

export const emptyRule = (): NewRule => ({
	name: "", order: 0, isEnabled: true, matchAll: true, conditions: [{ field: "from", match: "contains", value: "" }],
	actions: { moveTo: null, keywords: [], seen: false, flagged: false, trash: false, stop: false },
});

/** What the message has in common with those like it: its list, else its sender. */
export function ruleFrom(email: FullEmail, listId: string | null): NewRule {
	const from = email.from?.[0];
	const id = /<([^<>]+)>/.exec(listId ?? "")?.[1];
	const condition: Condition = id ? { field: "listId", match: "contains", value: id } : { field: "from", match: "is", value: from?.email ?? "" };
	return { ...emptyRule(), name: (id ? id.split(".")[0] : from?.name || from?.email) ?? "", conditions: [condition] };
}

export async function listIdOf(id: Id): Promise<string | null> {
	const property = "header:List-Id:asText";
	const got = await mail().client.call<GetResult<Record<string, string | null>>>("Email/get", { ids: [id], properties: [property] });
	return got.list[0]?.[property] ?? null;
}

export async function loadRules(): Promise<Rule[]> {
	const got = await mail().client.call<GetResult<Rule>>("Rule/get", { ids: null });
	return got.list.sort((a, b) => a.order - b.order);
}

export async function setRules(args: { create?: Record<string, NewRule>; update?: Record<Id, Partial<NewRule>>; destroy?: Id[] }): Promise<void> {
	const result = await mail().client.call<SetResult>("Rule/set", args);
	const refused = Object.values({ ...result.notCreated, ...result.notUpdated, ...result.notDestroyed })[0];
	if (refused)
		throw new Error(refused.description ?? refused.type);
}

// --- mail that is here already ---

const quoted = (text: string) => `"${text.replace(/["\\]/g, " ").trim()}"`;

/** What the server can search for; at least what the condition means. */
function searchFor(c: Condition): Filter {
	const text = c.value ?? "";
	switch (c.field) {
	case "from":
	case "subject":
		return { [c.field]: quoted(text) };
	case "to":
		return { operator: "OR", conditions: (["to", "cc", "bcc"] as const).map((f) => ({ [f]: quoted(text) })) };
	case "listId":
		return { header: ["List-Id", text] };
	case "header":
		return { header: [c.name ?? "", text] };
	case "hasAttachment":
		return { hasAttachment: true };
	default:
		return c.atLeast !== undefined ? { minSize: c.atLeast } : { maxSize: c.below ?? 0 };
	}
}

const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** The server's search finds what contains a text; "is" and "domain" are looked at here. */
export function holds(c: Condition, email: Email & { cc?: FullEmail["cc"]; bcc?: FullEmail["bcc"] }, header: string | null): boolean {
	if (c.match !== "is" && c.match !== "domain")
		return true;
	const want = fold(c.value ?? "").replace(/^@/, "");
	if (c.field === "from" || c.field === "to") {
		const people = c.field === "from" ? email.from ?? [] : [...(email.to ?? []), ...(email.cc ?? []), ...(email.bcc ?? [])];
		return people.some((a) => {
			const domain = fold(a.email.split("@").at(-1) ?? "");
			return c.match === "domain" ? domain === want || domain.endsWith(`.${want}`) : fold(a.email) === want || fold(a.name ?? "") === want;
		});
	}
	return fold(c.field === "subject" ? email.subject ?? "" : header ?? "") === want;
}

const headerOf = (c: Condition) => `header:${c.field === "listId" ? "List-Id" : c.name ?? ""}:asText`;

async function matching(rule: NewRule, inbox: Id): Promise<Email[]> {
	const client = mail().client;
	const filter: Filter = { operator: "AND", conditions: [{ inMailbox: inbox }, { operator: rule.matchAll ? "AND" : "OR", conditions: rule.conditions.map(searchFor) }] };
	const headers = [...new Set(rule.conditions.filter((c) => c.field === "listId" || c.field === "header").map(headerOf))];
	const found: Email[] = [];
	const step = client.maximum("maxObjectsInGet", 500);
	for (let position = 0, more = true; more; position += step) {
		const query = client.call<QueryResult>("Email/query", { filter, sort: [{ property: "receivedAt", isAscending: false }], position, limit: step });
		const get = client.call<GetResult<Email>>("Email/get", { "#ids": query.ref("/ids"), properties: [...listProperties, "cc", "bcc", ...headers] });
		const [q, got] = await Promise.all([query, get]);
		const test = (e: Email) => (c: Condition) => holds(c, e, (e as unknown as Record<string, string | null>)[headerOf(c)] ?? null);
		found.push(...got.list.filter((e) => (rule.matchAll ? rule.conditions.every(test(e)) : rule.conditions.some(test(e)))));
		more = q.ids.length === step;
	}
	return found;
}

function changeOf(actions: Actions, inbox: Id, trash: Id | undefined): Change {
	const to = actions.trash ? trash : actions.moveTo;
	const keywords: Record<string, boolean> = Object.fromEntries(actions.keywords.map((k) => [k, true]));
	if (actions.seen)
		keywords.$seen = true;
	if (actions.flagged)
		keywords.$flagged = true;
	return { keywords, mailboxes: to && to !== inbox ? { [inbox]: false, [to]: true } : {} };
}

/** Does to the inbox what the rule does to mail that arrives. Gives how many messages, and what undoes it. */
export async function applyRule(rule: NewRule): Promise<{ n: number; undo(): void }> {
	const inbox = mail().role("inbox")?.id ?? "";
	const found = await matching(rule, inbox);
	mail().emails.put(found);
	const change = changeOf(rule.actions, inbox, mail().role("trash")?.id);
	const undo = mail().change(new Map(found.map((e) => [e.id, change])));
	return { n: found.length, undo };
}
