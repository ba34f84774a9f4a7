// The mail of one account as the page sees it: mailboxes, messages, lists, and changes to them. Changes show
// at once and are taken back when the server refuses them; each gives the function that undoes it.
import { computed, signal } from "@preact/signals";
import { JmapClient } from "./client.ts";
import { MessageList, listProperties, type ListQuery } from "./list.ts";
import { Push } from "./push.ts";
import { Records } from "./records.ts";
import type {
	ChangesResult, Email, FullEmail, GetResult, Id, Identity, Mailbox, Session, SetError, SetResult, Thread,
} from "./types.ts";

export const fullProperties = [
	...listProperties, "messageId", "inReplyTo", "references", "cc", "bcc", "replyTo", "sender", "sentAt", "textBody", "htmlBody",
	"attachments", "bodyValues", "header:List-Unsubscribe:asURLs", "header:List-Unsubscribe-Post:asText",
	"header:Disposition-Notification-To:asAddresses", "header:Authentication-Results:asText:all", "header:Content-Type:asText", "header:Autocrypt:asText",
];
const bodyProperties = ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"];
const longestBody = 2_000_000;

/** Changes of one message: keywords and mailboxes, true to set and false to take away. */
export interface Change { keywords?: Record<string, boolean>; mailboxes?: Record<Id, boolean> }
export type Changes = ReadonlyMap<Id, Change>;

export class MailStore {
	readonly mailboxes = signal<ReadonlyMap<Id, Mailbox>>(new Map());
	readonly identities = signal<readonly Identity[]>([]);
	/** What the page has decrypted of letters' rows; the server's answers do not hide it again. */
	readonly revealed = new Map<Id, Partial<Email>>();
	readonly emails = new Records<Email>((e) => ({ ...e, ...this.revealed.get(e.id) }));
	readonly full = new Records<FullEmail>();
	readonly threads = new Records<Thread>();
	readonly online = signal(true);
	/** The state of ClientSettings, when it was told. */
	readonly settings = signal("");
	readonly list = signal<MessageList | null>(null);
	readonly byRole = computed(() => new Map([...this.mailboxes.value.values()].filter((m) => m.role).map((m) => [m.role as string, m])));
	readonly client: JmapClient;
	private readonly push: Push;
	private readonly lists = new Map<string, MessageList>();
	private emailState = "";
	private syncing: Promise<void> | null = null;
	private again = false;

	constructor(readonly session: Session) {
		this.client = new JmapClient(session);
		this.push = new Push(session, (types) => this.stateChanged(types), (on) => this.connected(on));
		this.client.onLost = this.push.doubt;
	}

	/** listen: the server can be reached. */
	async start(listen = true): Promise<void> {
		await this.loadMailboxes();
		void this.loadIdentities().catch(() => undefined);
		if (listen)
			this.listen();
	}

	/** Begins to hear of changes, or tries again at once. */
	listen(): void {
		this.push.now();
	}

	stop(): void {
		this.push.stop();
	}

	role(name: string): Mailbox | undefined {
		return this.byRole.peek().get(name);
	}

	async loadMailboxes(): Promise<void> {
		const got = await this.client.call<GetResult<Mailbox>>("Mailbox/get", { ids: null });
		this.mailboxes.value = new Map(got.list.map((m) => [m.id, m]));
	}

	async loadIdentities(): Promise<void> {
		const got = await this.client.call<GetResult<Identity>>("Identity/get", { ids: null });
		this.identities.value = got.list;
	}

	// --- lists ---

	open(query: ListQuery): MessageList {
		const key = JSON.stringify(query);
		let list = this.lists.get(key);
		const before = this.list.peek();
		if (before !== list)
			before?.leave();
		if (list)
			void list.refresh();
		else {
			list = new MessageList(query, this.client, {
				emails: this.emails, threads: this.threads,
				sawEmailState: (state) => { this.emailState ||= state; },
			});
			this.lists.set(key, list);
			list.show(0, 1);
		}
		this.list.value = list;
		if (this.lists.size > 12)
			this.lists.delete(this.lists.keys().next().value as string);
		return list;
	}

	// --- messages ---

	/** Whole messages, from memory where they are known. */
	async read(ids: readonly Id[]): Promise<void> {
		const missing = ids.filter((id) => !this.full.has(id));
		if (missing.length === 0)
			return;
		const got = await this.client.call<GetResult<FullEmail>>("Email/get", {
			ids: missing, properties: fullProperties, bodyProperties, fetchTextBodyValues: true, fetchHTMLBodyValues: true,
			maxBodyValueBytes: longestBody,
		});
		this.emails.put(got.list);
		this.full.put(got.list);
	}

	async readThread(threadId: Id): Promise<readonly Id[]> {
		if (!this.threads.has(threadId)) {
			const got = await this.client.call<GetResult<Thread>>("Thread/get", { ids: [threadId] });
			this.threads.put(got.list);
		}
		const ids = this.threads.peek(threadId)?.emailIds ?? [];
		await this.read(ids);
		return ids;
	}

	/** The messages that an action on a row means: of its conversation, those in the mailbox that is shown. */
	conversation(id: Id, mailbox: Id | null): Id[] {
		const email = this.emails.peek(id);
		const ids = (email && this.threads.peek(email.threadId)?.emailIds) ?? [id];
		const inBox = mailbox ? ids.filter((i) => this.emails.peek(i)?.mailboxIds[mailbox]) : ids;
		return inBox.length ? [...inBox] : [id];
	}

	// --- changes ---

	/** Shows the changes, sends them, and gives what undoes them. */
	change(changes: Changes): () => void {
		const inverse = this.apply(changes);
		this.commit(changes, () => this.apply(inverse));
		return () => {
			this.apply(inverse);
			this.commit(inverse, () => this.apply(changes));
		};
	}

	onRefused: (error: SetError | Error) => void = () => undefined;
	/** Told of mail that has changed, and that the way to the server is open again. */
	onChanged: () => void = () => undefined;
	onDelivery: () => void = () => undefined;
	onSubmissions: () => void = () => undefined;
	onConnected: () => void = () => void this.sync().then(() => this.loadMailboxes());

	private apply(changes: Changes): Changes {
		const inverse = new Map<Id, Change>();
		for (const [id, change] of changes) {
			const email = this.emails.peek(id);
			if (!email)
				continue;
			const keywords = merged(email.keywords, change.keywords);
			const mailboxIds = merged(email.mailboxIds, change.mailboxes);
			inverse.set(id, { keywords: keywords.inverse, mailboxes: mailboxIds.inverse });
			this.emails.put([{ ...email, keywords: keywords.now, mailboxIds: mailboxIds.now }]);
		}
		return inverse;
	}

	private async commit(changes: Changes, rollBack: () => void): Promise<void> {
		const limit = this.client.maximum("maxObjectsInSet", 500);
		const all = [...changes].map(([id, c]) => [id, patchOf(c)] as const).filter(([, p]) => Object.keys(p).length);
		for (let i = 0; i < all.length; i += limit) {
			try {
				const result = await this.client.call<SetResult>("Email/set", { update: Object.fromEntries(all.slice(i, i + limit)) });
				const refused = Object.values(result.notUpdated ?? {})[0];
				if (refused && refused.type !== "notFound")
					throw Object.assign(new Error(refused.description ?? refused.type), { type: refused.type });
			} catch (e) {
				rollBack();
				this.onRefused(e as Error);
				return;
			}
		}
		void this.loadMailboxes();
	}

	async destroy(ids: readonly Id[]): Promise<void> {
		await this.client.call<SetResult>("Email/set", { destroy: ids });
		this.emails.drop(ids);
		void this.loadMailboxes();
	}

	// --- what others changed ---

	private stateChanged(types: Record<string, string>): void {
		if (types.ClientSettings)
			this.settings.value = types.ClientSettings;
		if (types.Mailbox)
			void this.loadMailboxes();
		if (types.Identity)
			void this.loadIdentities();
		if (types.EmailSubmission)
			this.onSubmissions();
		if (types.EmailDelivery)
			this.onDelivery();
		if (types.Email && types.Email !== this.emailState) {
			void this.sync();
			this.onChanged();
		}
	}

	private connected(on: boolean): void {
		const before = this.online.peek();
		this.online.value = on && !this.client.fallback?.away;
		if (on && !before)
			this.onConnected();
	}

	/** One at a time; a change that comes meanwhile makes one more. */
	sync(): Promise<void> {
		if (this.syncing) {
			this.again = true;
			return this.syncing;
		}
		this.syncing = this.syncOnce().catch(() => undefined).finally(() => {
			this.syncing = null;
			if (this.again) {
				this.again = false;
				void this.sync();
			}
		});
		return this.syncing;
	}

	private async syncOnce(): Promise<void> {
		if (this.emailState) {
			for (let more = true; more;) {
				const c = await this.client.call<ChangesResult>("Email/changes", { sinceState: this.emailState, maxChanges: 500 });
				this.emailState = c.newState;
				more = c.hasMoreChanges;
				this.emails.drop(c.destroyed);
				await this.fetchAgain([...c.updated, ...c.created]);
			}
		}
		await this.list.peek()?.refresh();
	}

	private async fetchAgain(ids: readonly Id[]): Promise<void> {
		const known = ids.filter((id) => this.emails.has(id));
		if (known.length === 0)
			return;
		const got = await this.client.call<GetResult<Email>>("Email/get", { ids: known, properties: ["id", "threadId", "mailboxIds", "keywords"] });
		this.emails.put(got.list);
		const threads = [...new Set(got.list.map((e) => e.threadId))];
		const t = await this.client.call<GetResult<Thread>>("Thread/get", { ids: threads });
		this.threads.put(t.list);
	}
}

function merged(now: Record<string, boolean>, change: Record<string, boolean> = {}) {
	const out = { ...now };
	const inverse: Record<string, boolean> = {};
	for (const [key, on] of Object.entries(change)) {
		if (Boolean(now[key]) === on)
			continue;
		inverse[key] = !on;
		if (on)
			out[key] = true;
		else
			delete out[key];
	}
	return { now: out, inverse };
}

/** As JMAP patches: true, or null to remove. Slashes and tildes are escaped as in JSON pointers. */
export function patchOf(change: Change): Record<string, true | null> {
	const patch: Record<string, true | null> = {};
	const add = (name: string, set: Record<string, boolean> = {}) => {
		for (const [key, on] of Object.entries(set))
			patch[`${name}/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`] = on ? true : null;
	};
	add("keywords", change.keywords);
	add("mailboxIds", change.mailboxes);
	return patch;
}
