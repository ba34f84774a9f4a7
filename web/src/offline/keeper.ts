// Keeps recent mail on this device: what arrived in the last days and always the newest, at most so many. It follows
// the server by its change log; what has gone there, or become old, goes here.
import { fullProperties } from "../jmap/mail.ts";
import type { ChangesResult, Email, FullEmail, GetResult, Id, Identity, Mailbox, QueryResult, Session } from "../jmap/types.ts";
import type { Vault } from "./vault.ts";

export const days = 30;
export const most = 2000;
/** So many of the newest are kept however old they are. */
export const least = 200;
const longestBody = 256 * 1024;
const longestLetter = 1024 * 1024;
const largestImage = 150_000;
const portion = 20;

export type Ask = <T>(name: string, args: Record<string, unknown>) => Promise<T>;

/** What else is needed to show mail without the server. */
export interface Around {
	session: Session;
	address: string;
	state: string;
	mailboxes: Mailbox[];
	identities: Identity[];
	at: number;
}

const since = (now: number) => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;
const protectedForm = /multipart\/(?:encrypted|signed)|application\/pkcs7/i;
export const blobName = (email: Id, blob: Id) => `${email}:${blob}`;

/** Files of a letter without which it cannot be shown: the whole of a protected one, else small pictures in it. */
export function filesFor(email: FullEmail): Id[] {
	const inline = Object.values(email.bodyValues).some((v) => v.value.includes("-----BEGIN PGP"));
	if (inline || protectedForm.test(email["header:Content-Type:asText"] ?? ""))
		return email.size <= longestLetter ? [email.blobId] : [];
	return email.attachments.filter((a) => a.blobId && a.cid && a.type.startsWith("image/") && a.size <= largestImage).slice(0, 20).map((a) => a.blobId as Id);
}

export class Keeper {
	private running: Promise<void> | null = null;
	private again = false;
	stopped = false;

	constructor(
		private readonly vault: Vault,
		private readonly ask: Ask,
		private readonly download: (blobId: Id) => Promise<ArrayBuffer>,
		private readonly around: () => Omit<Around, "state" | "at">,
		private readonly clock: () => number = Date.now,
	) {}

	/** One at a time; what is asked for meanwhile makes one more. */
	run(): Promise<void> {
		if (this.running) {
			this.again = true;
			return this.running;
		}
		this.running = this.once().finally(() => {
			this.running = null;
			if (this.again && !this.stopped) {
				this.again = false;
				void this.run().catch(() => undefined);
			}
		});
		return this.running;
	}

	private async once(): Promise<void> {
		const before = await this.vault.get<Around>("state", "mail");
		const changes = before && await this.changes(before.state);
		const stale = !before || this.clock() - before.at > 86_400_000;
		if (changes && !stale && changes.created.length <= 100)
			await this.follow(changes);
		else
			await this.fill(changes);
		if (!before || !changes)
			return;
		await this.remember(changes.newState, stale ? this.clock() : before.at);
	}

	private remember(state: string, at: number): Promise<void> {
		return this.vault.put("state", [["mail", { ...this.around(), state, at } satisfies Around]]);
	}

	/** null: the log does not reach back so far. */
	private async changes(sinceState: string): Promise<ChangesResult | null> {
		const all: ChangesResult = { oldState: sinceState, newState: sinceState, hasMoreChanges: true, created: [], updated: [], destroyed: [] };
		try {
			while (all.hasMoreChanges) {
				const c = await this.ask<ChangesResult>("Email/changes", { sinceState: all.newState, maxChanges: 500 });
				all.created.push(...c.created);
				all.updated.push(...c.updated);
				all.destroyed.push(...c.destroyed);
				all.newState = c.newState;
				all.hasMoreChanges = c.hasMoreChanges;
			}
			return all;
		} catch (e) {
			if ((e as { type?: string }).type === "cannotCalculateChanges")
				return null;
			throw e;
		}
	}

	private async follow(c: ChangesResult): Promise<void> {
		const have = new Set(await this.vault.names("mail"));
		await this.drop(c.destroyed.filter((id) => have.has(id)));
		await this.refresh(c.updated.filter((id) => have.has(id)));
		const limit = since(this.clock());
		const fresh = c.created.filter((id) => !have.has(id));
		const got = fresh.length ? await this.ask<GetResult<Email>>("Email/get", { ids: fresh, properties: ["id", "receivedAt"] }) : null;
		await this.fetch((got?.list ?? []).filter((e) => e.receivedAt >= limit || have.size < least).map((e) => e.id));
	}

	/** Compares what is here with what should be. */
	private async fill(changes: ChangesResult | null | undefined): Promise<void> {
		const { state } = await this.ask<GetResult<Email>>("Email/get", { ids: [], properties: ["id"] });
		const wanted = await this.wanted();
		const have = await this.vault.names("mail");
		await this.drop(have.filter((id) => !wanted.has(id)));
		const known = have.filter((id) => wanted.has(id));
		const updated = changes && new Set(changes.updated);
		await this.refresh(updated ? known.filter((id) => updated.has(id)) : known);
		const here = new Set(have);
		// From now on it can be read without the server; the newest letters come first.
		if (!changes)
			await this.remember(state, 0);
		await this.fetch([...wanted].filter((id) => !here.has(id)));
		if (!changes)
			await this.remember(state, this.clock());
	}

	private async wanted(): Promise<Set<Id>> {
		const query = (filter: unknown, limit: number) => this.ask<QueryResult>("Email/query", {
			filter, sort: [{ property: "receivedAt", isAscending: false }], position: 0, limit,
		});
		const recent = await query({ after: since(this.clock()) }, most);
		const newest = await query(null, least);
		return new Set([...recent.ids, ...newest.ids]);
	}

	private async fetch(ids: readonly Id[]): Promise<void> {
		for (let i = 0; i < ids.length && !this.stopped; i += portion) {
			const got = await this.ask<GetResult<FullEmail>>("Email/get", {
				ids: ids.slice(i, i + portion), properties: fullProperties,
				bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
				fetchTextBodyValues: true, fetchHTMLBodyValues: true, maxBodyValueBytes: longestBody,
			});
			for (const email of got.list)
				await this.fetchFiles(email);
			await this.vault.put("mail", got.list.map((e) => [e.id, e] as const));
		}
	}

	private async fetchFiles(email: FullEmail): Promise<void> {
		for (const blob of filesFor(email)) {
			const body = await this.download(blob).catch(() => null);
			if (body)
				await this.vault.putBytes("blob", [[blobName(email.id, blob), new Uint8Array(body)]]);
		}
	}

	private async refresh(ids: readonly Id[]): Promise<void> {
		for (let i = 0; i < ids.length && !this.stopped; i += 200) {
			const some = ids.slice(i, i + 200);
			const got = await this.ask<GetResult<Email>>("Email/get", { ids: some, properties: ["id", "threadId", "mailboxIds", "keywords"] });
			await this.drop(got.notFound);
			for (const now of got.list) {
				const kept = await this.vault.get<FullEmail>("mail", now.id);
				if (kept)
					await this.vault.put("mail", [[now.id, { ...kept, ...now }]]);
			}
		}
	}

	private async drop(ids: readonly Id[]): Promise<void> {
		if (ids.length === 0)
			return;
		const gone = new Set(ids);
		await this.vault.drop("mail", ids);
		await this.vault.drop("blob", (await this.vault.names("blob")).filter((n) => gone.has(n.slice(0, n.indexOf(":")))));
	}
}
