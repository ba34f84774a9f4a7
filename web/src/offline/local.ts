// Answers JMAP calls from what this device keeps while the server cannot be reached: the views of the client ask as
// they always do. Reading, searching, and changes of keywords and mailboxes; everything else is "offline". Changes
// are noted, to be made on the server later, and show at once.
import type { Email, FullEmail, Id, Identity, Mailbox, QueryResult, Comparator, Filter } from "../jmap/types.ts";
import { compare, matches } from "./filter.ts";

export type Invocation = [name: string, args: Record<string, unknown>, id: string];
type Args = Record<string, unknown>;
type Patch = Record<string, unknown>;

/** What was done while the server could not be reached. */
export interface Noted { update?: Record<Id, Patch>; destroy?: Id[] }

export interface Content {
	mailboxes: Mailbox[];
	identities: Identity[];
	emails: FullEmail[];
	/** The server's state of Email when this was fetched. */
	state: string;
}

class Unanswered extends Error {
	constructor(readonly type: string) {
		super(type);
	}
}

/** Sets one member of a patch: "keywords/$seen", or "mailboxIds" as a whole. */
export function patched(email: FullEmail, patch: Patch): FullEmail {
	const out: FullEmail = { ...email, keywords: { ...email.keywords }, mailboxIds: { ...email.mailboxIds } };
	for (const [path, value] of Object.entries(patch)) {
		const [name, rest] = [path.split("/", 1)[0], path.slice(path.indexOf("/") + 1)];
		if (name !== "keywords" && name !== "mailboxIds")
			throw new Unanswered("offline");
		if (!path.includes("/"))
			out[name] = { ...(value as Record<string, boolean>) };
		else {
			const key = rest.replace(/~1/g, "/").replace(/~0/g, "~");
			if (value === true)
				out[name][key] = true;
			else
				delete out[name][key];
		}
	}
	return out;
}

/** "#name": {resultOf, path}: what an earlier call of the same request answered. */
function resolve(args: Args, before: readonly Invocation[]): Args {
	const out: Args = {};
	for (const [key, value] of Object.entries(args)) {
		if (!key.startsWith("#")) {
			out[key] = value;
			continue;
		}
		const ref = value as { resultOf: string; name: string; path: string };
		const result = before.find((r) => r[2] === ref.resultOf && r[0] === ref.name);
		if (!result)
			throw new Unanswered("invalidResultReference");
		out[key.slice(1)] = walk(result[1], ref.path.split("/").slice(1));
	}
	return out;
}

function walk(value: unknown, path: readonly string[]): unknown {
	const [step, ...rest] = path;
	if (step === undefined)
		return value;
	if (step === "*")
		return (value as unknown[]).flatMap((v) => walk(v, rest));
	return walk((value as Record<string, unknown> | undefined)?.[step], rest);
}

export class Local {
	readonly emails = new Map<Id, FullEmail>();
	private readonly threads = new Map<Id, FullEmail[]>();
	mailboxes: Map<Id, Mailbox>;
	private serial = 0;

	/** note: puts away a change, and the letters as they are after it (undefined: gone). */
	constructor(private readonly content: Content, private readonly note: (noted: Noted, now: ReadonlyMap<Id, FullEmail | undefined>, boxes: readonly Mailbox[]) => Promise<void>) {
		for (const e of content.emails)
			this.emails.set(e.id, e);
		this.mailboxes = new Map(content.mailboxes.map((m) => [m.id, m]));
		this.group();
	}

	private group(): void {
		this.threads.clear();
		const sorted = [...this.emails.values()].sort((a, b) => compare(a, b, [{ property: "receivedAt" }]));
		for (const e of sorted)
			this.threads.set(e.threadId, [...(this.threads.get(e.threadId) ?? []), e]);
	}

	private readonly threadOf = (e: FullEmail): readonly FullEmail[] => this.threads.get(e.threadId) ?? [e];

	async answer(calls: readonly Invocation[]): Promise<Invocation[]> {
		const out: Invocation[] = [];
		for (const [name, args, id] of calls) {
			try {
				const method = Object.hasOwn(this.methods, name) ? this.methods[name] : undefined;
				if (!method)
					throw new Unanswered("offline");
				out.push([name, await method(resolve(args, out)), id]);
			} catch (e) {
				out.push(["error", { type: e instanceof Unanswered ? e.type : "offline" }, id]);
			}
		}
		return out;
	}

	private readonly methods: Readonly<Record<string, (args: Args) => Args | Promise<Args>>> = {
		"Mailbox/get": (a) => this.get([...this.mailboxes.values()], a),
		"Identity/get": (a) => this.get(this.content.identities, a),
		"Thread/get": (a) => this.get([...this.threads].map(([id, list]) => ({ id, emailIds: list.map((e) => e.id) })), a),
		"Email/get": (a) => this.get([...this.emails.values()], a),
		"Email/query": (a) => ({ ...this.query(a) }),
		"Email/set": (a) => this.set(a),
	};

	private get(all: readonly { id: Id }[], args: Args): Args {
		const ids = args.ids as readonly Id[] | null | undefined;
		const byId = new Map(all.map((o) => [o.id, o]));
		const wanted = ids ? [...new Set(ids)] : [...byId.keys()];
		const list = wanted.map((id) => byId.get(id)).filter((o) => o !== undefined);
		const names = args.properties as readonly string[] | null | undefined;
		const pick = (o: { id: Id }) => (names ? Object.fromEntries(Object.entries(o).filter(([k]) => k === "id" || names.includes(k))) : o);
		return { state: this.content.state, list: list.map(pick), notFound: wanted.filter((id) => !byId.has(id)) };
	}

	private query(args: Args): QueryResult {
		const around = { threadOf: this.threadOf };
		const sort = (args.sort as Comparator[] | null | undefined) ?? [{ property: "receivedAt", isAscending: false }];
		let found = [...this.emails.values()].filter((e) => matches(e, args.filter as Filter | null, around)).sort((a, b) => compare(a, b, sort));
		if (args.collapseThreads) {
			const seen = new Set<Id>();
			found = found.filter((e) => !seen.has(e.threadId) && seen.add(e.threadId));
		}
		const from = Math.max(0, Number(args.position ?? 0));
		const limit = typeof args.limit === "number" ? args.limit : found.length;
		return {
			queryState: `kept-${this.serial}`, canCalculateChanges: false, position: from,
			ids: found.slice(from, from + limit).map((e) => e.id), total: found.length,
		};
	}

	private async set(args: Args): Promise<Args> {
		const update = (args.update ?? {}) as Record<Id, Patch>;
		const destroy = (args.destroy ?? []) as Id[];
		if (args.create && Object.keys(args.create).length)
			throw new Unanswered("offline");
		const now = new Map<Id, FullEmail | undefined>();
		const missing: Record<Id, { type: string }> = {};
		for (const [id, patch] of Object.entries(update)) {
			const email = this.emails.get(id);
			if (email)
				now.set(id, patched(email, patch));
			else
				missing[id] = { type: "notFound" };
		}
		for (const id of destroy)
			now.set(id, undefined);
		const known = Object.fromEntries(Object.entries(update).filter(([id]) => now.has(id)));
		this.take(now);
		await this.note({ ...(Object.keys(known).length ? { update: known } : {}), ...(destroy.length ? { destroy } : {}) }, now, [...this.mailboxes.values()]);
		return {
			oldState: this.content.state, newState: this.content.state, updated: Object.fromEntries(Object.keys(known).map((id) => [id, null])),
			destroyed: destroy, notUpdated: missing,
		};
	}

	private take(now: ReadonlyMap<Id, FullEmail | undefined>): void {
		for (const [id, after] of now) {
			const before = this.emails.get(id);
			if (after)
				this.emails.set(id, after);
			else
				this.emails.delete(id);
			this.count(before, -1);
			this.count(after, 1);
		}
		this.serial++;
		this.group();
	}

	/** The counters of the mailboxes follow, as far as this device can know. */
	private count(email: Email | undefined, by: 1 | -1): void {
		for (const id of Object.keys(email?.mailboxIds ?? {})) {
			const box = this.mailboxes.get(id);
			const unread = email?.keywords.$seen ? 0 : by;
			if (box)
				this.mailboxes.set(id, { ...box, totalEmails: Math.max(0, box.totalEmails + by), unreadEmails: Math.max(0, box.unreadEmails + unread) });
		}
	}
}
