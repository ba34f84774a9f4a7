// One import in the worker: looks at what was chosen, runs, pauses, ends, and goes on where it stopped.
import type { Id, Session } from "../../jmap/types.ts";
import { BadFile, type BadFileCode } from "./bytes.ts";
import { FileWalk, type Look, type Picked, type Position } from "./files.ts";
import { around } from "./letter.ts";
import { Importer } from "./importer.ts";
import { mboxFolder, placeOf } from "./places.ts";
import { type Counts, type Failure, forget, keep, type Kept, kept, keptIds } from "./shelf.ts";
import { Halt, type StopReason, type Waiting, Wire } from "./wire.ts";

type Phase = "preparing" | "running" | "paused" | "done" | "halted" | "stopped";

export interface ImportState {
	name: string;
	phase: Phase;
	waiting: Waiting;
	reason: StopReason | "elsewhere" | BadFileCode | null;
	detail: string;
	counts: Counts;
	fraction: number;
}

export interface Seen {
	bytes: number;
	files: number;
	/** Mailboxes that the names of files tell of; empty where only reading tells. */
	folders: string[];
	/** How far the same files were imported before. */
	before: { fraction: number; changed: number } | null;
}

const start: Position = { file: 0, entry: 0, offset: 0 };
const none: Counts = { imported: 0, present: 0, skipped: 0, failed: 0 };
const telling = 250;

export class ImportJob {
	private walk: FileWalk | null = null;
	private look: Look | null = null;
	private session: Session | null = null;
	private record: Kept | null = null;
	private importer: Importer | null = null;
	private files: readonly Picked[] = [];
	private stop = new AbortController();
	private waiter: { promise: Promise<void>; go(): void } | null = null;
	private state: ImportState = { name: "", phase: "preparing", waiting: null, reason: null, detail: "", counts: none, fraction: 0 };
	private timer = 0;

	constructor(private readonly tell: (state: ImportState) => void) {}

	async open({ session, account, files, name }: { session: Session; account: string; files: Picked[]; name: string }): Promise<Seen> {
		this.session = session;
		this.files = files;
		this.walk = new FileWalk(files, this.largest());
		this.look = await this.walk.look();
		if (!this.look.manifest)
			await this.walk.probe();
		const key = `${account} ${this.look.fingerprint}`;
		const before = await kept(key).catch(() => null);
		this.record = before ?? { key, account, name, into: null, fraction: 0, position: start, counts: { ...none }, failures: [], changed: 0 };
		this.state = { ...this.state, name: this.record.name };
		return {
			bytes: this.look.bytes, files: this.look.files, folders: this.folders(this.look),
			before: before && { fraction: before.fraction, changed: before.changed },
		};
	}

	private largest(): number {
		const value = this.session?.capabilities["urn:ietf:params:jmap:core"]?.maxSizeUpload;
		return typeof value === "number" && value > 0 ? value : 50 << 20;
	}

	private folders(look: Look): string[] {
		if (look.manifest)
			return look.manifest.mailboxes.map((m) => m.name.join("/"));
		// Takeout's labels are in the messages.
		if (look.paths.some((p) => p.startsWith("Takeout/")))
			return [];
		const a = around(look.paths, null);
		const names = look.paths.slice(0, 20_000).map((p) => mboxFolder(p.split("/").slice(a.mboxDepth).join("/")));
		return look.paths.some((p) => /\.(mbox|mbx)$/i.test(p)) ? [...new Set(names.map((n) => placeOf(n).folder.join("/")))] : [];
	}

	/** Runs until it is done, paused for good, or something ends it; tells of it by events. */
	begin({ into }: { into: Id | null }): void {
		if (this.record && this.record.changed === 0)
			this.record.into = into;
		void this.lockedRun();
	}

	/** Two imports at a time, in two tabs, could double what both bring. */
	private async lockedRun(): Promise<void> {
		const name = `letterlock.import.${this.record?.account ?? ""}`;
		const locks = (navigator as Navigator & { locks?: LockManager }).locks;
		if (!locks)
			return await this.run();
		await locks.request(name, { ifAvailable: true }, async (lock) => {
			if (lock)
				await this.run();
			else
				this.end("halted", "elsewhere");
		});
	}

	private async run(): Promise<void> {
		const { session, look, record } = this;
		if (!session || !look || !record)
			return;
		this.stop = new AbortController();
		this.set({ phase: "preparing", reason: null, detail: "", waiting: null });
		const wire = new Wire(session, this.stop.signal, (waiting) => this.set({ waiting }));
		this.walk = new FileWalk(this.files, this.largest());
		try {
			await this.walk.look();
			const own = await keptIds(record.key).catch(() => new Set<Id>());
			await keep({ ...record, changed: Date.now() }, []).catch(() => undefined);
			this.importer = new Importer(wire, this.walk, look, record, own, this.stop, { changed: () => this.changed(), gate: () => this.gate() });
			await this.importer.run();
			await forget(record.key).catch(() => undefined);
			this.end("done", null);
		} catch (e) {
			this.ended(e);
		}
	}

	private ended(e: unknown): void {
		if (this.state.phase === "stopped")
			return;
		const cause = this.stop.signal.aborted ? this.stop.signal.reason as unknown : e;
		if (cause instanceof Halt)
			this.end("halted", cause.reason, cause.detail);
		else if (cause instanceof BadFile)
			this.end("halted", cause.code);
		else
			this.end("halted", "server", String(cause));
	}

	private end(phase: Phase, reason: ImportState["reason"], detail = ""): void {
		clearTimeout(this.timer);
		this.timer = 0;
		const { importer } = this;
		this.state = { ...this.state, phase, reason, detail, waiting: null, ...(importer ? { counts: { ...importer.counts } } : {}), fraction: phase === "done" ? 1 : importer?.fraction ?? this.state.fraction };
		this.tell(this.state);
	}

	private changed(): void {
		if (this.state.phase === "preparing")
			this.state.phase = "running";
		this.set({});
	}

	/** At most a few times a second. */
	private set(part: Partial<ImportState>): void {
		this.state = { ...this.state, ...part };
		this.timer ||= setTimeout(() => {
			this.timer = 0;
			if (this.importer)
				this.state = { ...this.state, counts: { ...this.importer.counts }, fraction: this.importer.fraction };
			this.tell(this.state);
		}, telling) as unknown as number;
	}

	private gate(): Promise<void> {
		if (this.state.phase === "preparing")
			this.set({ phase: "running" });
		return this.waiter?.promise ?? Promise.resolve();
	}

	pause(): void {
		if (this.waiter || (this.state.phase !== "running" && this.state.phase !== "preparing"))
			return;
		let go: () => void = () => undefined;
		const promise = new Promise<void>((done) => { go = done; });
		this.waiter = { promise, go };
		this.set({ phase: "paused" });
	}

	/** After a pause, or after something had ended it. */
	goOn(): void {
		if (this.waiter) {
			this.waiter.go();
			this.waiter = null;
			this.set({ phase: "running" });
		} else if (this.state.phase === "halted")
			void this.lockedRun();
	}

	/** What is here stays; the position is forgotten. */
	async cancel(): Promise<void> {
		this.end("stopped", null);
		this.waiter?.go();
		this.waiter = null;
		this.stop.abort(new Halt("server", "stopped"));
		if (this.record)
			await forget(this.record.key).catch(() => undefined);
	}

	failures(): Failure[] {
		return this.importer ? [...this.importer.failures] : [];
	}
}

