// One export in the worker: reads mailbox after mailbox, and writes as it reads.
import type { Id, Mailbox, Session } from "../../jmap/types.ts";
import { rulesOf, submission, vacation } from "../../jmap/types.ts";
import { type Bytes, bytesOf } from "./bytes.ts";
import { emlName, type Exported, fileName, KeywordLetters, maildirName, mboxEntry } from "./mail_write.ts";
import { Halt, Refused, type StopReason, type Waiting, Wire } from "./wire.ts";
import { ZipWriter, type Sink } from "./zip_write.ts";

export type Form = "mbox" | "maildir" | "eml";

interface ExportOrder {
	session: Session;
	address: string;
	form: Form;
	/** Mailboxes; null: all, with the settings. */
	mailboxes: readonly Id[] | null;
	/** These messages alone, without a zip file around them: one as it is, several as mbox. */
	emails: readonly Id[] | null;
	/** Where to write to; without it the answer is a blob. */
	handle: FileSystemFileHandle | null;
	/** The text that goes with it, for people. */
	readme: string;
	settings: Record<string, unknown>;
}

export interface ExportState {
	phase: "running" | "done" | "halted" | "stopped";
	waiting: Waiting;
	reason: StopReason | "disk" | null;
	done: number;
	total: number;
	/** Deleted by somebody while the export went on. */
	gone: number;
	bytes: number;
}

const properties = ["id", "blobId", "keywords", "receivedAt", "from", "subject", "size"];
const page = 500;
/** Messages that are fetched ahead. */
const ahead = { messages: 12, bytes: 24 << 20 };
const blobPart = 8 << 20;
const telling = 250;

interface Output { sink: Sink; close(): Promise<Blob | null>; abort(): Promise<void> }

/** Pieces that the browser may put on its disk. */
function toBlob(): Output {
	const parts: Blob[] = [];
	let waiting: Bytes[] = [];
	let size = 0;
	const gather = () => {
		parts.push(new Blob(waiting));
		waiting = [];
		size = 0;
	};
	return {
		async sink(bytes) {
			waiting.push(bytes);
			size += bytes.length;
			if (size >= blobPart)
				gather();
		},
		async close() {
			gather();
			return new Blob(parts);
		},
		async abort() { parts.length = 0; },
	};
}

class DiskFault extends Error {}

async function toFile(handle: FileSystemFileHandle): Promise<Output> {
	const fault = (e: unknown) => { throw new DiskFault(String(e)); };
	const file = await handle.createWritable().catch(fault) as FileSystemWritableFileStream;
	return {
		sink: (bytes) => file.write(bytes).catch(fault),
		close: () => file.close().then(() => null, fault) as Promise<null>,
		abort: () => file.abort().catch(() => undefined),
	};
}

/** A folder or file of the export, for a mailbox. */
interface Box { mailbox: Mailbox; name: string[]; path: string }

export class ExportJob {
	private readonly stop = new AbortController();
	private state: ExportState = { phase: "running", waiting: null, reason: null, done: 0, total: 0, gone: 0, bytes: 0 };
	private timer = 0;
	private readonly lines: string[] = [];

	constructor(private readonly tell: (state: ExportState, result: Blob | null) => void) {}

	begin(order: ExportOrder): void {
		void this.run(order);
	}

	cancel(): void {
		this.state.phase = "stopped";
		this.stop.abort(new Halt("server", "stopped"));
	}

	private async run(order: ExportOrder): Promise<void> {
		const wire = new Wire(order.session, this.stop.signal, (waiting) => this.set({ waiting }));
		let output: Output | null = null;
		try {
			output = order.handle ? await toFile(order.handle) : toBlob();
			const { sink, close } = output;
			const counted: Sink = async (bytes) => {
				this.state.bytes += bytes.length;
				await sink(bytes);
			};
			await (order.emails ? this.some(wire, order.emails, counted) : this.boxes(wire, order, new ZipWriter(counted)));
			this.end("done", null, await close());
		} catch (e) {
			await output?.abort();
			if (this.state.phase !== "stopped")
				this.end("halted", e instanceof Halt ? e.reason : e instanceof DiskFault ? "disk" : "server", null);
			else
				this.end("stopped", null, null);
		}
	}

	private end(phase: ExportState["phase"], reason: ExportState["reason"], result: Blob | null): void {
		clearTimeout(this.timer);
		this.timer = -1;
		this.state = { ...this.state, phase, reason, waiting: null };
		this.tell(this.state, result);
	}

	private set(part: Partial<ExportState>): void {
		Object.assign(this.state, part);
		this.timer ||= setTimeout(() => {
			this.timer = 0;
			this.tell({ ...this.state }, null);
		}, telling) as unknown as number;
	}

	// --- a few messages ---

	private async some(wire: Wire, ids: readonly Id[], sink: Sink): Promise<void> {
		this.set({ total: ids.length });
		for await (const { email, raw } of this.messages(wire, ids))
			await sink(ids.length === 1 ? raw : mboxEntry(email, raw));
	}

	// --- mailboxes, in a zip file ---

	private async boxes(wire: Wire, order: ExportOrder, zip: ZipWriter): Promise<void> {
		const { list } = await wire.call<{ list: Mailbox[] }>("Mailbox/get", { ids: null });
		const boxes = layout(list, order.form).filter((b) => order.mailboxes?.includes(b.mailbox.id) ?? true);
		this.set({ total: boxes.reduce((n, b) => n + b.mailbox.totalEmails, 0) });
		const now = Date.now();
		await zip.add("README.txt", now, [bytesOf(order.readme)]);
		for (const box of boxes)
			await this.box(wire, order.form, box, zip);
		await zip.add("mailboxes.json", now, [json({ format: "letterlock-export-1", address: order.address, exported: new Date(now).toISOString(),
			mailboxes: boxes.map((b) => ({ path: b.path, name: b.name, role: b.mailbox.role, subscribed: b.mailbox.isSubscribed ?? true, sortOrder: b.mailbox.sortOrder })) })]);
		if (this.lines.length)
			await zip.add("messages.jsonl", now, this.lines.map(bytesOf));
		if (!order.mailboxes)
			await zip.add("settings.json", now, [json({ ...order.settings, ...await settings(wire) })]);
		await zip.end();
	}

	private async box(wire: Wire, form: Form, box: Box, zip: ZipWriter): Promise<void> {
		const ids = await idsOf(wire, box.mailbox.id);
		const messages = this.messages(wire, ids);
		if (form === "mbox")
			return await zip.add(box.path, Date.now(), entries(messages));
		const letters = new KeywordLetters();
		const taken = new Set<string>();
		for await (const { email, raw } of messages) {
			const path = form === "eml" ? `${box.path}/${emlName(email, taken)}` : `${box.path}/cur/${maildirName(email, letters)}`;
			this.lines.push(`${JSON.stringify({ path, receivedAt: email.receivedAt, keywords: Object.keys(email.keywords) })}\n`);
			await zip.add(path, Date.parse(email.receivedAt), [raw]);
		}
		if (form === "maildir" && letters.file)
			await zip.add(`${box.path}/dovecot-keywords`, Date.now(), [bytesOf(letters.file)]);
	}

	/** In order, some of them fetched ahead. */
	private async *messages(wire: Wire, ids: readonly Id[]): AsyncGenerator<{ email: Exported; raw: Bytes }> {
		const queue: Array<{ email: Exported; raw: Promise<Bytes | null> }> = [];
		let bytes = 0;
		const next = async () => {
			const { email, raw } = queue.shift() as (typeof queue)[number];
			bytes -= email.size;
			const got = await raw;
			this.set(got ? { done: this.state.done + 1 } : { gone: this.state.gone + 1 });
			return got ? { email, raw: got } : null;
		};
		for await (const email of this.emails(wire, ids)) {
			const raw = fetchOne(wire, email);
			raw.catch(() => undefined);
			queue.push({ email, raw });
			bytes += email.size;
			while (queue.length > ahead.messages || (bytes > ahead.bytes && queue.length > 1)) {
				const one = await next();
				if (one)
					yield one;
			}
		}
		while (queue.length) {
			const one = await next();
			if (one)
				yield one;
		}
	}

	private async *emails(wire: Wire, ids: readonly Id[]): AsyncGenerator<Exported> {
		const most = Math.min(page, wire.limit("maxObjectsInGet", page));
		for (let i = 0; i < ids.length; i += most) {
			const part = ids.slice(i, i + most);
			const got = await wire.call<{ list: Exported[]; notFound: Id[] }>("Email/get", { ids: part, properties });
			this.set({ gone: this.state.gone + got.notFound.length });
			const byId = new Map(got.list.map((e) => [e.id, e]));
			yield* part.flatMap((id) => byId.get(id) ?? []);
		}
	}
}

async function* entries(messages: AsyncGenerator<{ email: Exported; raw: Bytes }>): AsyncGenerator<Bytes> {
	for await (const { email, raw } of messages)
		yield mboxEntry(email, raw);
}

/** null: it was deleted meanwhile. */
async function fetchOne(wire: Wire, email: Exported): Promise<Bytes | null> {
	try {
		return await wire.download(email.blobId);
	} catch (e) {
		if (e instanceof Refused)
			return null;
		throw e;
	}
}

async function idsOf(wire: Wire, inMailbox: Id): Promise<Id[]> {
	const out: Id[] = [];
	const seen = new Set<Id>();
	for (let position = 0; ;) {
		const { ids } = await wire.call<{ ids: Id[] }>("Email/query", { filter: { inMailbox }, sort: [{ property: "receivedAt", isAscending: true }], position, limit: 50_000 });
		if (ids.length === 0)
			return out;
		for (const id of ids)
			if (!seen.has(id)) {
				seen.add(id);
				out.push(id);
			}
		position += ids.length;
	}
}

const json = (value: unknown): Bytes => bytesOf(`${JSON.stringify(value, null, "\t")}\n`);

/** What else of the account a program could use. */
async function settings(wire: Wire): Promise<Record<string, unknown>> {
	const has = (capability: string) => capability in wire.session.capabilities;
	const get = async (type: string, ids: readonly string[] | null = null) => (await wire.call<{ list: unknown[] }>(`${type}/get`, { ids })).list;
	return {
		...(has(submission) ? { identities: await get("Identity") } : {}),
		...(has(vacation) ? { vacationResponse: (await get("VacationResponse", ["singleton"]))[0] ?? null } : {}),
		...(has(rulesOf) ? { rules: await get("Rule") } : {}),
	};
}

/** Where each mailbox goes: below "mail", by its levels; no two in one place. */
export function layout(list: readonly Mailbox[], form: Form): Box[] {
	const byId = new Map(list.map((m) => [m.id, m]));
	const taken = new Set<string>();
	const names = (m: Mailbox): string[] => [...(m.parentId && byId.has(m.parentId) ? names(byId.get(m.parentId) as Mailbox) : []), m.name];
	return list.map((mailbox) => {
		const name = names(mailbox);
		const base = `mail/${name.map(fileName).join("/")}`;
		const end = form === "mbox" ? ".mbox" : "";
		let path = `${base}${end}`;
		for (let n = 2; taken.has(path.toLowerCase()); n++)
			path = `${base} ${n}${end}`;
		taken.add(path.toLowerCase());
		return { mailbox, name, path };
	});
}
