// Brings letters into the account: reads them, leaves out what is there, and sends the rest in batches, several
// at a time. After each batch that the server has acknowledged, and all before it, the position is kept.
import type { Id, Mailbox } from "../../jmap/types.ts";
import { base64 } from "./bytes.ts";
import { type FileWalk, isBroken, type Look, type Walked } from "./files.ts";
import { KnownMail, type Known } from "./known.ts";
import { type Around, around, type Letter, letterOf } from "./letter.ts";
import { type Counts, type Failure, type Kept, keep, mostFailures, type Reason } from "./shelf.ts";
import { Target } from "./target.ts";
import { type Call, Halt, Refused, Transient, type Wire } from "./wire.ts";

/** One message of a batch, and what became of it. */
interface Item {
	letter: Letter;
	/** The same message, earlier in this import. */
	twin: Twin | Fate | undefined;
	own: Twin;
	boxes: Id[];
	blobId: Id | null;
	result: "imported" | "present" | "skipped" | "failed" | null;
	failure: Failure | null;
	/** Without keywords of other programs, after the server had too many. */
	bare: boolean;
	/** How often the server failed with it. */
	faults: number;
}

/** The Email's id; null: it was there before; false: it could not be imported. */
type Fate = Id | null | false;

/** A message whose fate is not known yet. */
class Twin {
	private done: (fate: Fate) => void = () => undefined;
	private readonly known = new Promise<Fate>((done) => { this.done = done; });
	fate: Fate | undefined;

	settle(fate: Fate): void {
		if (this.fate === undefined)
			this.fate = fate;
		this.done(fate);
	}

	wait(): Promise<Fate> {
		return this.known;
	}
}

interface Batch { items: Item[]; fraction: number; done: boolean; ids: Id[] }

interface Created { created?: Record<string, { id: Id; size: number; blobId: Id }> | null; notCreated?: Record<string, { type: string; description?: string; existingId?: Id }> | null }

const mostItems = 100;
const mostBytes = 5 << 20;
/** Larger ones are uploaded by themselves. */
const inlineBytes = 512 << 10;
const parallel = 3;
/** After so many faults of the server a letter counts as one that it does not take. */
const mostFaults = 5;

interface ImportHooks {
	changed(): void;
	/** Resolves at once unless the person has paused. */
	gate(): Promise<void>;
}

export class Importer {
	readonly counts: Counts;
	readonly failures: Failure[];
	fraction: number;
	private readonly around: Around;
	private readonly known: KnownMail;
	/** By SHA-256. Of 100,000 letters nothing else may stay in memory. */
	private readonly seen = new Map<string, Twin | Fate>();
	private target: Target | null = null;
	/** Batches that are not acknowledged yet, in their order. */
	private open: Batch[] = [];
	private running = 0;
	private freed: (() => void) | null = null;
	private error: unknown = null;
	private saving: Promise<void> = Promise.resolve();

	constructor(private readonly wire: Wire, private readonly walk: FileWalk, look: Look, private readonly record: Kept,
		own: ReadonlySet<Id>, private readonly halt: AbortController, private readonly hooks: ImportHooks) {
		this.around = around(look.paths, look.manifest);
		this.known = new KnownMail(wire, own);
		this.counts = { ...record.counts };
		this.failures = [...record.failures];
		this.fraction = record.fraction;
	}

	async run(): Promise<void> {
		const { list } = await this.wire.call<{ list: Mailbox[] }>("Mailbox/get", { ids: null });
		this.target = new Target(this.wire, list, this.record.into, this.around.manifest !== null);
		// Of our own exports; those without messages are made as well.
		for (const m of this.around.manifest?.mailboxes ?? [])
			await this.target.find([{ role: m.role, folder: m.name }]);
		await this.known.load();
		try {
			await this.read();
		} catch (e) {
			this.fail(e);
		}
		while (this.running > 0)
			await this.oneFreed();
		await this.saving;
		if (this.error)
			throw this.error;
	}

	/** The first error ends everything; the others only follow from it. */
	private fail(e: unknown): void {
		this.error ??= e;
		this.halt.abort(e);
	}

	private async read(): Promise<void> {
		let items: Item[] = [];
		let bytes = 0;
		const flush = async () => {
			if (items.length)
				await this.start(items);
			items = [];
			bytes = 0;
		};
		for await (const w of this.walk.walk(this.record.position)) {
			await this.hooks.gate();
			if (this.halt.signal.aborted)
				return;
			const item = await this.itemOf(w);
			if (items.length >= mostItems || bytes + item.letter.bytes.length > mostBytes)
				await flush();
			items.push(item);
			bytes += item.letter.bytes.length;
		}
		await flush();
	}

	private async itemOf(w: Walked): Promise<Item> {
		const item: Item = { letter: isBroken(w) ? brokenLetter(w.path, w.after, w.code) : await letterOf(w, this.around), twin: undefined, own: new Twin(), boxes: [], blobId: null, result: null, failure: null, bare: false, faults: 0 };
		const { letter } = item;
		if (letter.failed)
			settleFailed(item, letter.failed);
		else if (letter.skip)
			item.result = "skipped";
		else {
			item.twin = this.seen.get(letter.sha);
			if (item.twin === undefined)
				this.seen.set(letter.sha, item.own);
		}
		return item;
	}

	private async start(items: Item[]): Promise<void> {
		while (this.running >= parallel)
			await this.oneFreed();
		if (this.halt.signal.aborted)
			return;
		const batch: Batch = { items, fraction: this.walk.fraction, done: false, ids: [] };
		this.open.push(batch);
		this.running++;
		void this.send(batch).then(() => this.acknowledge(batch), (e) => this.fail(e)).finally(() => {
			this.running--;
			for (const i of items)
				this.settle(i);
			this.freed?.();
		});
	}

	/** What nothing was said of was there. */
	private settle(i: Item): void {
		i.own.settle(null);
		if (this.seen.get(i.letter.sha) === i.own)
			this.seen.set(i.letter.sha, i.own.fate ?? null);
	}

	private oneFreed(): Promise<void> {
		return new Promise((done) => { this.freed = done; });
	}

	/** Everything before this is on the server: the position moves. */
	private acknowledge(batch: Batch): void {
		batch.done = true;
		const ids: Id[] = [];
		const { record } = this;
		while (this.open[0]?.done) {
			const first = this.open.shift() as Batch;
			record.position = first.items.at(-1)?.letter.after ?? record.position;
			record.fraction = this.fraction = first.fraction;
			for (const i of first.items) {
				record.counts[i.result ?? "failed"]++;
				if (i.failure && record.failures.length < mostFailures)
					record.failures.push(i.failure);
			}
			ids.push(...first.ids);
		}
		record.changed = Date.now();
		const copy: Kept = structuredClone(record);
		this.saving = this.saving.then(() => keep(copy, ids)).catch(() => undefined);
	}

	// --- one batch ---

	private async send(batch: Batch): Promise<void> {
		await this.wire.again(() => this.attempt(batch), () => this.known.refresh());
		for (const i of batch.items) {
			this.counts[i.result ?? "failed"]++;
			if (i.failure && this.failures.length < mostFailures)
				this.failures.push(i.failure);
		}
		this.hooks.changed();
	}

	private async attempt(batch: Batch): Promise<void> {
		await this.leaveOut(batch);
		const todo = batch.items.filter((i) => i.result === null && i.twin === undefined);
		for (const i of todo)
			i.boxes = await (this.target as Target).find(i.letter.places);
		await this.bring(todo, batch);
		await this.twins(batch);
	}

	/** What is in the account already, or was brought by a request whose answer was lost. */
	private async leaveOut(batch: Batch): Promise<void> {
		const todo = batch.items.filter((i) => i.result === null && i.twin === undefined);
		const found = await this.known.find(todo.map((i) => ({ size: i.letter.bytes.length, messageId: i.letter.messageId, sha: i.letter.sha })));
		await this.findOriginals(todo, found);
		const copies: Array<{ item: Item; id: Id }> = [];
		todo.forEach((item, n) => {
			const there: Known | null = found[n] ?? null;
			if (!there)
				return;
			item.result = there.late ? "imported" : "present";
			if (there.late)
				batch.ids.push(there.id);
			if (there.own)
				copies.push({ item, id: there.id });
			item.own.settle(there.own || there.late ? there.id : null);
		});
		await this.intoMore(copies);
	}

	/** In another form than here: as it was before it was exported. */
	private async findOriginals(items: readonly Item[], found: Array<Known | null>): Promise<void> {
		const changed = items.flatMap((i, at) => (i.letter.original && !found[at] ? [{ at, ...i.letter.original, messageId: i.letter.messageId }] : []));
		const originals = changed.length ? await this.known.find(changed) : [];
		changed.forEach(({ at }, n) => { found[at] = originals[n] ?? null; });
	}

	private async bring(items: readonly Item[], batch: Batch): Promise<void> {
		if (items.length === 0)
			return;
		await Promise.all(items.filter((i) => !i.blobId && (!this.wire.hasBlobs || i.letter.bytes.length > inlineBytes)).map((i) => this.upload(i)));
		const able = items.filter((i) => i.result === null);
		try {
			const again = this.readAnswer(await this.wire.once(this.calls(able)), able, batch);
			if (again.length)
				await this.bring(again, batch);
		} catch (e) {
			if (!(e instanceof Refused))
				throw e;
			await this.apart(able, batch, e);
		}
	}

	private async upload(i: Item): Promise<void> {
		try {
			i.blobId = await this.wire.upload(i.letter.bytes);
		} catch (e) {
			if (!(e instanceof Refused))
				throw e;
			settleFailed(i, e.type.endsWith("too-large") || e.type.endsWith(":limit") ? "tooLarge" : "refused", e.message);
		}
	}

	/** A request that the server refuses as a whole is halved until it is known which letter it is. */
	private async apart(items: readonly Item[], batch: Batch, e: Refused): Promise<void> {
		const [only] = items;
		if (items.length > 1) {
			const half = items.length >> 1;
			await this.bring(items.slice(0, half), batch);
			await this.bring(items.slice(half), batch);
		} else if (only && !only.blobId) {
			await this.upload(only);
			await this.bring([only].filter((i) => i.result === null), batch);
		} else if (only)
			settleFailed(only, "refused", e.message);
	}

	/** The small ones travel in the request itself (RFC 9404), and are imported by it. */
	private calls(items: readonly Item[]): Call[] {
		const inline = items.flatMap((i, n) => (i.blobId ? [] : [[`b${n}`, { type: "message/rfc822", data: [{ "data:asBase64": base64(i.letter.bytes) }] }] as const]));
		const emails = items.map((i, n) => [`m${n}`, {
			blobId: i.blobId ?? `#b${n}`, mailboxIds: Object.fromEntries(i.boxes.map((id) => [id, true])),
			keywords: Object.fromEntries(i.letter.keywords.filter((k) => !i.bare || k.startsWith("$")).map((k) => [k, true])),
			...(i.letter.receivedAt ? { receivedAt: i.letter.receivedAt } : {}),
		}] as const);
		const bring: Call = ["Email/import", { emails: Object.fromEntries(emails) }, "import"];
		return inline.length ? [["Blob/upload", { create: Object.fromEntries(inline) }, "blobs"], bring] : [bring];
	}

	/** What shall be tried once more, differently. */
	private readAnswer(answer: ReadonlyMap<string, unknown>, items: readonly Item[], batch: Batch): Item[] {
		const again: Item[] = [];
		const [blobs, result] = [answer.get("blobs"), answer.get("import")];
		for (const r of [blobs, result])
			if (r instanceof Refused)
				throw r;
		items.forEach((i, n) => {
			const made = (result as Created | undefined)?.created?.[`m${n}`];
			if (made)
				return this.made(i, made, batch);
			const why = (blobs as Created | undefined)?.notCreated?.[`b${n}`] ?? (result as Created | undefined)?.notCreated?.[`m${n}`];
			if (why?.type === "tooManyKeywords" && !i.bare) {
				i.bare = true;
				again.push(i);
			} else
				this.refused(i, why);
		});
		return again;
	}

	private made(i: Item, made: { id: Id; size: number; blobId: Id }, batch: Batch): void {
		i.result = "imported";
		batch.ids.push(made.id);
		this.known.brought(made.id);
		i.own.settle(made.id);
	}

	private refused(i: Item, why: { type: string; description?: string; existingId?: Id } | undefined): void {
		// One letter with which the server always fails must not hold up the others.
		const passing = !why || ["serverFail", "rateLimit", "serverUnavailable"].includes(why.type);
		if (passing && ++i.faults < mostFaults)
			throw new Transient("busy", 0);
		if (why?.type === "overQuota")
			throw new Halt("full");
		if (why?.type === "alreadyExists") {
			i.result = "present";
			return i.own.settle(why.existingId ?? null);
		}
		settleFailed(i, why?.type === "tooLarge" ? "tooLarge" : why?.type === "invalidEmail" ? "notMessage" : "refused", `${why?.type ?? ""} ${why?.description ?? ""}`.trim());
	}

	/** The second of two equal letters puts the first one into its mailboxes, too. */
	private async twins(batch: Batch): Promise<void> {
		const copies: Array<{ item: Item; id: Id }> = [];
		for (const item of batch.items.filter((i) => i.result === null && i.twin !== undefined)) {
			const id = item.twin instanceof Twin ? await item.twin.wait() : item.twin;
			if (id === false) {
				settleFailed(item, "refused");
				continue;
			}
			item.result = "present";
			if (id)
				copies.push({ item, id });
		}
		await this.intoMore(copies);
	}

	private async intoMore(copies: ReadonlyArray<{ item: Item; id: Id }>): Promise<void> {
		const update: Record<Id, Record<string, true>> = {};
		for (const { item, id } of copies)
			for (const box of await (this.target as Target).find(item.letter.places))
				(update[id] ??= {})[`mailboxIds/${box}`] = true;
		if (Object.keys(update).length)
			await this.wire.call("Email/set", { update });
	}
}

function settleFailed(i: Item, reason: Reason, detail = ""): void {
	const { path, subject, from } = i.letter;
	i.result = "failed";
	// A copy: a part of a string keeps the whole header in memory.
	i.failure = structuredClone({ path, subject, from, reason, detail });
	i.own.settle(false);
}

function brokenLetter(path: string, after: Letter["after"], failed: Reason): Letter {
	return { after, path, subject: "", from: "", bytes: new Uint8Array(0), sha: "", original: null, messageId: null, keywords: [], receivedAt: null, places: [], skip: false, failed };
}
