// One export in the worker: reads mailbox after mailbox, and writes as it reads.
import type { Id, Mailbox, Session } from "../../jmap/types.ts";
import { rulesOf, submission, vacation } from "../../jmap/types.ts";
import { type Bytes, bytesOf, chunksOf, Gathered } from "./bytes.ts";
import { idsOf, type Loss, type Read, readLetters } from "./export_read.ts";
import { emlName, type Exported, fileName, KeywordLetters, maildirName, mboxEntry, originalNote } from "./mail_write.ts";
import { Halt, type StopReason, type Waiting, Wire } from "./wire.ts";
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
	reason: StopReason | "disk" | "lost" | null;
	done: number;
	total: number;
	/** Deleted by somebody while the export went on. */
	gone: number;
	/** The server cannot open them any more. */
	damaged: number;
	bytes: number;
}

const blobPart = 8 << 20;
/** Files are written in pieces of this size: each goes through another process of the browser. */
const filePart = 1 << 20;
const telling = 250;

interface Output { sink: Sink; close(): Promise<Blob | null>; abort(): Promise<void> }

/** Hands on what comes in large pieces. */
function inPieces(most: number, take: (pieces: Bytes[]) => Promise<void> | void): { sink: Sink; rest(): Promise<void> } {
	let waiting: Bytes[] = [];
	let size = 0;
	const rest = async () => {
		const pieces = waiting;
		waiting = [];
		size = 0;
		if (pieces.length)
			await take(pieces);
	};
	return {
		rest,
		async sink(bytes) {
			waiting.push(bytes);
			size += bytes.length;
			if (size >= most)
				await rest();
		},
	};
}

/** Pieces that the browser may put on its disk. */
function toBlob(): Output {
	const parts: Blob[] = [];
	const { sink, rest } = inPieces(blobPart, (pieces) => void parts.push(new Blob(pieces)));
	return {
		sink,
		async close() {
			await rest();
			return new Blob(parts);
		},
		async abort() { parts.length = 0; },
	};
}

class DiskFault extends Error {}

async function toFile(handle: FileSystemFileHandle): Promise<Output> {
	const fault = (e: unknown) => { throw new DiskFault(String(e)); };
	const file = await handle.createWritable().catch(fault) as FileSystemWritableFileStream;
	const { sink, rest } = inPieces(filePart, (pieces) => file.write(new Blob(pieces)).catch(fault));
	return {
		sink,
		async close() {
			await rest();
			await file.close().catch(fault);
			return null;
		},
		abort: () => file.abort().catch(() => undefined),
	};
}

/** None of what was asked for can be opened. */
class Lost extends Error {}

/** A folder or file of the export, for a mailbox. */
interface Box { mailbox: Mailbox; name: string[]; path: string }

export class ExportJob {
	private readonly stop = new AbortController();
	private state: ExportState = { phase: "running", waiting: null, reason: null, done: 0, total: 0, gone: 0, damaged: 0, bytes: 0 };
	private timer = 0;
	private readonly lines = new Gathered();
	/** What could not be opened, as a list for people. */
	private readonly damaged = new Gathered();

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
				this.end("halted", e instanceof Halt ? e.reason : e instanceof DiskFault ? "disk" : e instanceof Lost ? "lost" : "server", null);
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
		for await (const { email, raw } of this.letters(wire, "", ids))
			await sink(ids.length === 1 ? raw : mboxEntry(email, raw, await originalNote(raw)));
		if (this.state.damaged && this.state.done === 0)
			throw new Lost();
	}

	// --- mailboxes, in a zip file ---

	private async boxes(wire: Wire, order: ExportOrder, zip: ZipWriter): Promise<void> {
		const { list } = await wire.call<{ list: Mailbox[] }>("Mailbox/get", { ids: null });
		const boxes = layout(list, order.form).filter((b) => order.mailboxes?.includes(b.mailbox.id) ?? true);
		// What is there now: letters that are moved while the export goes on are in it, too.
		const ids: Id[][] = [];
		for (const { mailbox } of boxes)
			ids.push(await idsOf(wire, mailbox.id));
		this.set({ total: ids.reduce((n, i) => n + i.length, 0) });
		const now = Date.now();
		await zip.add("README.txt", now, [bytesOf(order.readme)]);
		for (const [i, box] of boxes.entries())
			await this.box(wire, order.form, box, ids[i] ?? [], zip);
		await zip.add("mailboxes.json", now, [json({ format: "letterlock-export-1", address: order.address, exported: new Date(now).toISOString(),
			mailboxes: boxes.map((b) => ({ path: b.path, name: b.name, role: b.mailbox.role, subscribed: b.mailbox.isSubscribed ?? true, sortOrder: b.mailbox.sortOrder })) })]);
		if (order.form !== "mbox")
			await zip.add("messages.jsonl", now, chunksOf(this.lines.blob()));
		if (this.state.damaged)
			await zip.add("damaged.txt", now, chunksOf(this.damaged.blob()));
		if (!order.mailboxes)
			await zip.add("settings.json", now, [json({ ...order.settings, ...await settings(wire) })]);
		await zip.end();
	}

	private async box(wire: Wire, form: Form, box: Box, ids: readonly Id[], zip: ZipWriter): Promise<void> {
		const messages = this.letters(wire, box.name.join("/"), ids);
		if (form === "mbox")
			return await zip.add(box.path, Date.now(), entries(messages));
		const letters = new KeywordLetters();
		const taken = new Set<string>();
		for await (const { email, raw } of messages) {
			const path = form === "eml" ? `${box.path}/${emlName(email, taken)}` : `${box.path}/cur/${maildirName(email, letters)}`;
			this.lines.put(bytesOf(`${JSON.stringify({ path, receivedAt: email.receivedAt, keywords: Object.keys(email.keywords) })}\n`));
			await zip.add(path, Date.parse(email.receivedAt), [raw]);
		}
		if (form === "maildir" && letters.file)
			await zip.add(`${box.path}/dovecot-keywords`, Date.now(), [bytesOf(letters.file)]);
	}

	/** In order; what cannot be had is counted, and the others come. */
	private async *letters(wire: Wire, box: string, ids: readonly Id[]): AsyncGenerator<Read> {
		const lost = (email: Exported | null, why: Loss) => {
			this.set({ [why]: this.state[why] + 1 });
			if (why === "damaged")
				this.damaged.put(bytesOf(`${[box, email?.receivedAt, email?.from?.[0]?.email, email?.subject].filter(Boolean).join("\t")}\n`));
		};
		for await (const read of readLetters(wire, ids, lost)) {
			yield read;
			this.set({ done: this.state.done + 1 });
		}
	}
}

async function* entries(messages: AsyncGenerator<Read>): AsyncGenerator<Bytes> {
	for await (const { email, raw } of messages)
		yield mboxEntry(email, raw, await originalNote(raw));
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
