// What is in the account already. A message is there when one has the same size, the same Message-ID (where
// both have one) and the same SHA-256. Sizes of all are read at the begin, the rest only of those whose
// size is that of a message to be imported: so 100,000 messages stay a matter of seconds.
import type { Id } from "../../jmap/types.ts";
import { sha256, type Bytes } from "./bytes.ts";
import { Refused, type Wire } from "./wire.ts";

export interface Known {
	id: Id;
	/** These are undefined until they have been asked for. */
	blobId?: Id;
	messageId?: string | null;
	sha?: string | null;
	/** This import has brought it. */
	own: boolean;
	/** Came after this import had begun. */
	late: boolean;
}

interface Row { id: Id; blobId: Id; size: number; messageId: string[] | null }
interface Got<T> { state: string; list: T[]; notFound: Id[] }

const page = 1000;

export class KnownMail {
	private readonly bySize = new Map<number, Known[]>();
	private readonly ids = new Set<Id>();
	private state = "";
	private loaded = false;

	constructor(private readonly wire: Wire, private readonly own: ReadonlySet<Id>) {}

	async load(): Promise<void> {
		const most = this.wire.limit("maxObjectsInGet", page);
		// The state first: what comes while the list is read is asked for afterwards.
		this.state = (await this.wire.call<Got<Row>>("Email/get", { ids: [], properties: ["id"] })).state;
		for (let position = 0, more = true; more;) {
			const found = await this.wire.call<{ ids: Id[]; total?: number }>("Email/query", { position, limit: 50_000, calculateTotal: true });
			for (let i = 0; i < found.ids.length; i += most)
				await this.read(found.ids.slice(i, i + most));
			position += found.ids.length;
			more = found.ids.length > 0 && position < (found.total ?? position);
		}
		await this.refresh();
		this.loaded = true;
	}

	/** What has come since; after a request whose answer was lost this tells what it did. */
	async refresh(): Promise<void> {
		const most = this.wire.limit("maxObjectsInGet", page);
		for (let more = true; more;) {
			const c = await this.wire.call<{ created: Id[]; newState: string; hasMoreChanges: boolean }>("Email/changes", { sinceState: this.state, maxChanges: most })
				.catch((e: unknown) => {
					if (e instanceof Refused && e.type === "cannotCalculateChanges")
						return null;
					throw e;
				});
			if (!c)
				return await this.load();
			await this.read(c.created.filter((id) => !this.ids.has(id)));
			this.state = c.newState;
			more = c.hasMoreChanges;
		}
	}

	private async read(ids: readonly Id[]): Promise<void> {
		if (ids.length === 0)
			return;
		const got = await this.wire.call<Got<Row>>("Email/get", { ids, properties: ["id", "size"] });
		for (const row of got.list)
			this.put(row.size, { id: row.id, own: this.own.has(row.id), late: this.loaded });
	}

	/** Of what this import has just brought, the importer itself knows the rest. */
	brought(id: Id): void {
		this.ids.add(id);
	}

	private put(size: number, entry: Known): void {
		if (this.ids.has(entry.id))
			return;
		this.ids.add(entry.id);
		const list = this.bySize.get(size);
		if (list)
			list.push(entry);
		else
			this.bySize.set(size, [entry]);
	}

	/** For each message the one that is there already, or null. */
	async find(messages: ReadonlyArray<{ size: number; messageId: string | null; sha: string }>): Promise<Array<Known | null>> {
		const near = messages.map((m) => this.bySize.get(m.size) ?? []);
		await this.readIds(near.flat().filter((k) => k.messageId === undefined));
		const close = messages.map((m, i) => (near[i] ?? []).filter((k) => !m.messageId || !k.messageId || k.messageId === m.messageId));
		await this.readDigests(close.flat().filter((k) => k.sha === undefined));
		return messages.map((m, i) => (close[i] ?? []).find((k) => k.sha === m.sha) ?? null);
	}

	private async readIds(wanted: readonly Known[]): Promise<void> {
		const most = this.wire.limit("maxObjectsInGet", page);
		const unique = [...new Set(wanted)];
		for (let i = 0; i < unique.length; i += most) {
			const part = unique.slice(i, i + most);
			const got = await this.wire.call<Got<Row>>("Email/get", { ids: part.map((k) => k.id), properties: ["id", "blobId", "messageId"] });
			const byId = new Map(got.list.map((r) => [r.id, r]));
			for (const k of part) {
				k.blobId = byId.get(k.id)?.blobId;
				k.messageId = byId.get(k.id)?.messageId?.[0] ?? null;
			}
		}
	}

	private async readDigests(wanted: readonly Known[]): Promise<void> {
		const unique = [...new Set(wanted)];
		if (!this.wire.hasBlobs)
			for (const k of unique)
				k.sha = k.blobId === undefined ? null : await this.wire.download(k.blobId).then((b: Bytes) => sha256(b), () => null);
		else
			for (let i = 0; i < unique.length; i += 100)
				await this.digests(unique.slice(i, i + 100));
	}

	private async digests(part: readonly Known[]): Promise<void> {
		const got = await this.wire.call<Got<{ id: Id; "digest:sha-256"?: string }>>("Blob/get", { ids: part.flatMap((k) => k.blobId ?? []), properties: ["digest:sha-256"] });
		const byId = new Map(got.list.map((b) => [b.id, b["digest:sha-256"] ?? null]));
		for (const k of part)
			k.sha = byId.get(k.blobId ?? "") ?? null;
	}
}
