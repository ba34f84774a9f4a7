// One list of messages: a query of the server seen through windows. Only windows that are looked at are
// fetched; a change on the server fetches the ones in sight again. To count what a search finds, the server must
// read every letter that may match: so the first rows come before the count.
import { signal } from "@preact/signals";
import { CallGroup, type JmapClient } from "./client.ts";
import type { Records } from "./records.ts";
import { snoozing, type Comparator, type Email, type Filter, type GetResult, type Id, type QueryResult, type Thread } from "./types.ts";

export const listProperties = [
	"id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "from", "to", "subject", "preview", "hasAttachment",
];
const windowSize = 50;

const rowProperties = (client: JmapClient) => (snoozing in client.session.capabilities ? [...listProperties, "snoozedUntil"] : listProperties);

export interface ListQuery {
	filter: Filter | null;
	sort: Comparator[];
	collapseThreads: boolean;
}

export interface Caches { emails: Records<Email>; threads: Records<Thread>; sawEmailState(state: string): void }

/** Whether letters must be read to say what matches. */
export function readsLetters(filter: Filter | null): boolean {
	if (filter === null)
		return false;
	if ("operator" in filter)
		return filter.conditions.some(readsLetters);
	return ["text", "from", "to", "cc", "bcc", "subject", "body", "header"].some((key) => key in filter);
}

export class MessageList {
	/** A row that has not been fetched is undefined; while the total is not known, the last one is. */
	readonly ids = signal<readonly (Id | undefined)[]>([]);
	/** null: not counted yet. */
	readonly total = signal<number | null>(null);
	/** There was an answer. */
	readonly answered = signal(false);
	readonly failed = signal(false);
	private readonly loading = new Set<number>();
	private span = { from: 0, to: windowSize };
	private generation = 0;
	private queryState = "";
	private readonly countLater: boolean;
	private counting = "";
	private stop = new AbortController();
	/** Rows before those of the server: what only the page could find. */
	private ahead: readonly Id[] = [];

	constructor(readonly query: ListQuery, private readonly client: JmapClient, private readonly caches: Caches) {
		this.countLater = readsLetters(query.filter);
	}

	/** Fetches what is missing of these rows. */
	show(from: number, to: number): void {
		this.span = { from, to };
		const ids = this.ids.peek();
		const shift = this.ahead.length;
		const end = (this.total.peek() ?? Math.max(ids.length, windowSize + shift)) - shift;
		for (let page = Math.floor(Math.max(0, from - shift) / windowSize); page * windowSize < Math.min(to - shift, end); page++) {
			const first = page * windowSize;
			for (let i = first; i < Math.min(first + windowSize, end); i++)
				if (ids[i + shift] === undefined) {
					void this.load(page);
					break;
				}
		}
	}

	/** Asks again for what is in sight, and forgets the rest when the result has changed. */
	async refresh(): Promise<void> {
		const pages = new Set<number>();
		const at = (row: number) => Math.floor(Math.max(0, row - this.ahead.length) / windowSize);
		for (let i = this.span.from; i < Math.max(this.span.to, this.span.from + 1); i += windowSize)
			pages.add(at(i));
		pages.add(at(Math.max(this.span.from, this.span.to - 1)));
		this.generation++;
		this.loading.clear();
		await Promise.all([...pages].map((page) => this.load(page, true)));
	}

	/** Done when the first answer has come. */
	loaded(): Promise<void> {
		return new Promise((done) => {
			const stop = this.answered.subscribe((yes) => {
				if (!yes)
					return;
				queueMicrotask(() => stop());
				done();
			});
		});
	}

	/** Nobody looks at it any more: what is under way is given up. */
	leave(): void {
		this.stop.abort();
		this.stop = new AbortController();
		this.generation++;
		this.loading.clear();
		this.counting = "";
	}

	private async load(page: number, again = false): Promise<void> {
		if (this.loading.has(page))
			return;
		const generation = this.generation;
		this.loading.add(page);
		try {
			const result = await this.fetch(page * windowSize);
			if (generation === this.generation)
				this.take(result, again);
			this.failed.value = false;
		} catch {
			this.failed.value = generation === this.generation && !this.answered.peek();
		} finally {
			if (generation === this.generation)
				this.loading.delete(page);
		}
	}

	private async fetch(position: number): Promise<QueryResult> {
		const c = this.client;
		const group = this.countLater ? new CallGroup(this.stop.signal) : undefined;
		const query = c.call<QueryResult>("Email/query", {
			...this.query, position, limit: windowSize, calculateTotal: !this.countLater,
		}, group);
		const get = c.call<GetResult<Email>>("Email/get", { "#ids": query.ref("/ids"), properties: rowProperties(c) }, group);
		const threads = this.query.collapseThreads
			? c.call<GetResult<Thread>>("Thread/get", { "#ids": get.ref("/list/*/threadId") }, group)
			: null;
		const others = threads
			? c.call<GetResult<Email>>("Email/get", { "#ids": threads.ref("/list/*/emailIds"), properties: rowProperties(c) }, group)
			: null;
		const [q, emails, t, rest] = await Promise.all([query, get, threads, others]);
		this.caches.emails.put([...emails.list, ...(rest?.list ?? [])]);
		this.caches.threads.put(t?.list ?? []);
		this.caches.sawEmailState(emails.state);
		return q;
	}

	private take(result: QueryResult, again: boolean): void {
		const changed = result.queryState !== this.queryState;
		const ids = changed && again ? this.inSight() : [...this.ids.peek()];

		this.queryState = result.queryState;
		this.dropAhead(ids, new Set(result.ids));
		const shift = this.ahead.length;
		this.ahead.forEach((id, i) => { ids[i] = id; });
		result.ids.forEach((id, i) => { ids[result.position + shift + i] = id; });
		const end = result.position + result.ids.length;
		const total = result.total ?? (result.ids.length < windowSize ? end : null);
		if (total === null)
			void this.count();
		else
			this.total.value = total + shift;
		const known = this.total.peek();
		ids.length = known === null ? Math.max(ids.length, end + shift + 1) : Math.max(known, end + shift);
		this.ids.value = ids;
		this.answered.value = true;
	}

	/** Once for each state of the result; what was counted before stays until then. */
	private async count(): Promise<void> {
		const state = this.queryState;
		const { signal } = this.stop;
		if (this.counting === state)
			return;
		this.counting = state;
		try {
			const result = await this.client.call<QueryResult>("Email/query", { ...this.query, limit: 0, calculateTotal: true }, new CallGroup(signal));
			if (signal.aborted || this.counting !== state || result.total === undefined)
				return;
			const ids = [...this.ids.peek()];
			ids.length = result.total + this.ahead.length;
			this.ids.value = ids;
			this.total.value = ids.length;
		} catch {
			if (this.counting === state)
				this.counting = "";
		}
	}

	/** What the server has found as well stands in its place there. */
	private dropAhead(ids: (Id | undefined)[], found: ReadonlySet<Id>): void {
		const left = this.ahead.filter((id) => !found.has(id));
		ids.splice(0, this.ahead.length, ...left);
		this.ahead = left;
	}

	/** Puts rows before all others; the caches must have them. */
	lead(found: readonly Id[]): void {
		const here = new Set(this.ids.peek());
		const fresh = found.filter((id) => !here.has(id));
		if (fresh.length === 0)
			return;
		this.ahead = [...fresh, ...this.ahead];
		this.ids.value = [...fresh, ...this.ids.peek()];
		const total = this.total.peek();
		this.total.value = total === null ? null : total + fresh.length;
	}

	/** What is in sight stays until its answer has come, so that nothing flickers. */
	private inSight(): (Id | undefined)[] {
		const out: (Id | undefined)[] = [];
		this.ids.peek().forEach((id, i) => {
			if (i >= this.span.from - windowSize && i < this.span.to + windowSize)
				out[i] = id;
		});
		return out;
	}

	/** Takes rows out at once; the returned function puts them back. */
	remove(gone: ReadonlySet<Id>): () => void {
		const before = this.ids.peek();
		const total = this.total.peek();
		const left = without(before, gone);
		const ahead = this.ahead;

		this.ahead = ahead.filter((id) => !gone.has(id));
		this.ids.value = left;
		this.total.value = total === null ? null : total - (before.length - left.length);
		return () => {
			this.ahead = ahead;
			this.ids.value = before;
			this.total.value = total;
		};
	}

	indexOf(id: Id): number {
		return this.ids.peek().indexOf(id);
	}
}

/** Rows that have not been fetched are undefined, and move up with the others. */
export function without(before: readonly (Id | undefined)[], gone: ReadonlySet<Id>): (Id | undefined)[] {
	const out: (Id | undefined)[] = [];
	for (let i = 0; i < before.length; i++) {
		const id = before[i];
		if (id === undefined || !gone.has(id))
			out.push(id);
	}
	return out;
}
