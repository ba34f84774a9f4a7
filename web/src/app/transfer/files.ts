// Walks what somebody has chosen (files, or a folder with all that is in it) and tells of each message in it.
// A position names a place to which everything has been told of; the walk can begin there again.
import { BadFile, type BadFileCode, type Bytes, chunksOf, concat, latin1, readSlice, sha256, bytesOf, textOf } from "./bytes.ts";
import { dovecotKeywords, maildirPlace, type MaildirPlace } from "./maildir.ts";
import { MboxSplitter } from "./mbox.ts";
import { looksLikeMessage } from "./message.ts";
import { looksLikeTar, walkTar } from "./tar.ts";
import { Ahead, inflated, readZip, streamOf, unpack, type ZipEntry } from "./zip.ts";
import { isSeparator } from "./mbox.ts";

export interface Picked { file: Blob; path: string; modified: number | null }

export interface Position { file: number; entry: number; offset: number }

/** One message as it was found. */
export interface Found {
	after: Position;
	/** Of the file that it lies in, within what was chosen. */
	path: string;
	form: "mbox" | "file";
	raw: Bytes;
	tooLarge: boolean;
	/** The separator line of an mbox file. */
	from: string;
	quoted: boolean;
	maildir: MaildirPlace | null;
	modified: number | null;
}

/** A file that could not be read, or not to its end. */
interface Broken { after: Position; path: string; code: BadFileCode }

export type Walked = Found | Broken;
export const isBroken = (w: Walked): w is Broken => "code" in w;

/** What the chosen files are, as far as that can be told without reading them. */
export interface Look {
	/** Names the same choice when it is made again. */
	fingerprint: string;
	bytes: number;
	files: number;
	/** Paths of what may hold mail; of a compressed tar file only its own. */
	paths: string[];
	/** Whether this is a Takeout file, whose labels count. */
	manifest: Manifest | null;
}

/** Of our own exports. */
export interface Manifest {
	mailboxes: Array<{ path: string; name: string[]; role: string | null }>;
	messages: Map<string, { receivedAt: string; keywords: string[] }>;
}

type Kind = "mbox" | "message" | "zip" | "gzip" | "tar" | "other";
const headSize = 64 << 10;
/** How much is looked through for a first message. */
const mostProbed = 128 << 20;

class Enough extends Error {}

export function kindOf(head: Uint8Array): Kind {
	const begin = latin1(head.subarray(0, 4));
	if (begin === "PK\u0003\u0004" || begin === "PK\u0005\u0006")
		return "zip";
	if (head[0] === 0x1f && head[1] === 0x8b)
		return "gzip";
	if (looksLikeTar(head))
		return "tar";
	const text = latin1(head.subarray(0, 2048)).replace(/^(?:\r?\n)+/, "");
	if (isSeparator((text.split("\n", 1)[0] ?? "").replace(/\r$/, "")))
		return "mbox";
	return looksLikeMessage(head) ? "message" : "other";
}

/** Indexes and settings of mail programs, and what a Maildir was still receiving: not looked into. */
const noMail = /\.(msf|json|jsonl|html?|js|css|ics|vcf|png|jpe?g|gif|pdf|sqlite\d?|emlxpart)$|(^|\/)(\.DS_Store|__MACOSX\/.*|dovecot-(keywords|uidlist|uidvalidity[^/]*)|dovecot\.(index|list|mailbox)[a-z.]*|maildirsize|maildirfolder|courierimap[^/]*|tmp\/\d{8,10}\.[^/]+)$/i;

export class FileWalk {
	private readonly files: Picked[];
	private readonly dovecot = new Map<string, Map<string, string>>();
	private readonly zips = new Map<number, ZipEntry[]>();
	/** Bytes behind us; of compressed files, of what was unpacked. */
	private passed = 0;
	private total = 0;
	/** Bytes that were read, and how many may be. */
	private probed = 0;
	private most = Infinity;

	constructor(files: readonly Picked[], private readonly largest: number) {
		this.files = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
	}

	/** How much of it has been read, from 0 to 1. */
	get fraction(): number {
		return this.total ? Math.min(1, this.passed / this.total) : 1;
	}

	async look(): Promise<Look> {
		const parts: string[] = [];
		const paths: string[] = [];
		let manifest: Manifest | null = null;
		let bytes = 0;
		this.total = 0;
		for (const [i, f] of this.files.entries()) {
			bytes += f.file.size;
			parts.push(`${f.path} ${f.file.size}`);
			const zip = await this.zipOf(i);
			this.total += zip ? zip.reduce((n, e) => n + e.size, 0) : f.file.size;
			paths.push(...(zip ? zip.map((e) => e.name) : [f.path]).filter((p) => !noMail.test(p)));
			if (zip)
				manifest ??= await readManifest(f.file, zip);
		}
		return { fingerprint: await this.fingerprint(parts), bytes, files: this.files.length, paths, manifest };
	}

	/** Of one file, its begin and its end are in it, so that its name does not matter; of a folder, every name and size. */
	private async fingerprint(parts: string[]): Promise<string> {
		const only = this.files.length === 1 ? this.files[0] : undefined;
		if (!only)
			return sha256(bytesOf(`folder\n${parts.join("\n")}`));
		const { file } = only;
		return sha256(concat([bytesOf(`file ${file.size}\n`), await readSlice(file, 0, Math.min(headSize, file.size)), await readSlice(file, Math.max(0, file.size - headSize), file.size)]));
	}

	private async zipOf(index: number): Promise<ZipEntry[] | null> {
		const file = this.files[index]?.file;
		if (!file)
			return null;
		const known = this.zips.get(index);
		if (known || kindOf(await readSlice(file, 0, Math.min(4, file.size))) !== "zip")
			return known ?? null;
		const entries = await readZip(file);
		this.zips.set(index, entries);
		return entries;
	}

	/** Throws BadFile where no message is found. In what is very large, one is supposed behind what was looked through. */
	async probe(most = mostProbed): Promise<void> {
		let bad: BadFileCode = "notMail";
		this.most = most;
		try {
			for await (const w of this.walk({ file: 0, entry: 0, offset: 0 })) {
				if (!isBroken(w))
					return;
				bad = w.code;
			}
		} catch (e) {
			if (e instanceof Enough)
				return;
			throw e;
		} finally {
			this.most = Infinity;
		}
		throw new BadFile(bad);
	}

	private async *probing(chunks: AsyncGenerator<Bytes>): AsyncGenerator<Bytes> {
		for await (const c of chunks) {
			this.probed += c.length;
			if (this.probed > this.most)
				throw new Enough();
			yield c;
		}
	}

	async *walk(from: Position): AsyncGenerator<Walked> {
		await this.readKeywords();
		for (let i = 0; i < this.files.length; i++) {
			const f = this.files[i] as Picked;
			const here = i === from.file ? from : { file: i, entry: 0, offset: 0 };
			if (i < from.file)
				this.passed += f.file.size;
			else if (!noMail.test(f.path))
				yield* this.guarded(f, { file: i + 1, entry: 0, offset: 0 }, this.walkFile(f, here));
		}
	}

	/** One bad file is told of, and the rest goes on. */
	private async *guarded(f: { path: string }, after: Position, walk: AsyncGenerator<Walked>): AsyncGenerator<Walked> {
		try {
			yield* walk;
		} catch (e) {
			if (!(e instanceof BadFile))
				throw e;
			yield { after, path: f.path, code: e.code };
		}
	}

	private async *walkFile(f: Picked, from: Position): AsyncGenerator<Walked> {
		const kind = kindOf(await readSlice(f.file, 0, Math.min(headSize, f.file.size)));
		if (kind === "zip")
			return yield* this.walkZip(f, from);
		if (kind === "gzip" || kind === "tar")
			return yield* this.walkPacked(f, from, kind);
		if (kind === "mbox") {
			this.passed += from.offset;
			return yield* this.walkMbox(f.path, this.counted(chunksOf(f.file, from.offset)), from);
		}
		if (kind === "message")
			yield await this.single(f.path, f.file.size, chunksOf(f.file), { file: from.file + 1, entry: 0, offset: 0 }, f.modified);
		else if (this.files.length === 1)
			throw new BadFile("notMail");
		this.passed += f.file.size;
	}

	private async *counted(chunks: AsyncGenerator<Bytes>): AsyncGenerator<Bytes> {
		for await (const c of this.probing(chunks)) {
			this.passed += c.length;
			yield c;
		}
	}

	private async *walkMbox(path: string, chunks: AsyncGenerator<Bytes>, from: Position): AsyncGenerator<Found> {
		const splitter = new MboxSplitter(this.largest, from.offset);
		const tell = (m: ReturnType<MboxSplitter["push"]>[number]): Found => ({
			after: { ...from, offset: m.end }, path, form: "mbox", raw: m.raw, tooLarge: m.tooLarge, from: m.from, quoted: m.quoted, maildir: null, modified: null,
		});
		for await (const chunk of chunks)
			for (const m of splitter.push(chunk))
				yield tell(m);
		for (const m of splitter.end())
			yield tell(m);
	}

	private async single(path: string, size: number, chunks: AsyncGenerator<Bytes>, after: Position, modified: number | null): Promise<Found> {
		const parts: Bytes[] = [];
		let n = 0;
		for await (const c of chunks) {
			if (n <= this.largest)
				parts.push(c);
			n += c.length;
		}
		const maildir = maildirPlace(path);
		if (maildir) {
			const names = this.dovecot.get(maildir.folder.join("/")) ?? new Map<string, string>();
			maildir.keywords.push(...maildir.more.flatMap((l) => names.get(l) ?? []));
		}
		return { after, path, form: "file", raw: concat(parts), tooLarge: size > this.largest, from: "", quoted: false, maildir, modified };
	}

	// --- archives ---

	private async *walkZip(f: Picked, from: Position): AsyncGenerator<Walked> {
		const entries = await this.zipOf(from.file) ?? [];
		const ahead = new Ahead(f.file);
		for (const [n, e] of entries.entries()) {
			const after = { file: from.file, entry: n + 1, offset: 0 };
			if (n < from.entry || noMail.test(e.name))
				this.passed += e.size;
			else
				yield* this.guarded({ path: `${f.path}: ${e.name}` }, after,
					this.walkEntry(e.name, e.size, () => this.counted(unpack(ahead, e)), { file: from.file, entry: n, offset: n === from.entry ? from.offset : 0 }, e.modified));
		}
	}

	private async *walkEntry(path: string, size: number, open: () => AsyncGenerator<Bytes>, here: Position, modified: number | null): AsyncGenerator<Walked> {
		const chunks = open();
		const { head, all } = await peek(chunks);
		const kind = kindOf(head);
		if (kind === "mbox")
			yield* this.walkMbox(path, skipping(all, here.offset), here);
		else if (kind === "message")
			yield await this.single(path, size, all, { file: here.file, entry: here.entry + 1, offset: 0 }, modified);
		await chunks.return(undefined);
	}

	/** A tar file, compressed or not; also an mbox file that is compressed alone. */
	private async *walkPacked(f: Picked, from: Position, kind: "gzip" | "tar"): AsyncGenerator<Walked> {
		const saw = (n: number) => { this.passed += n; };
		const raw = kind === "tar" ? this.counted(chunksOf(f.file)) : this.probing(inflated(streamOf(f.file, saw), "gzip"));
		const { head, all } = await peek(raw);
		if (!looksLikeTar(head)) {
			if (kindOf(head) !== "mbox")
				throw new BadFile("notMail");
			return yield* this.walkMbox(f.path.replace(/\.gz$/i, ""), skipping(all, from.offset), from);
		}
		let n = 0;
		for await (const e of walkTar(all)) {
			const here = { file: from.file, entry: n, offset: n === from.entry ? from.offset : 0 };
			if (n++ < from.entry || noMail.test(e.name))
				continue;
			yield* this.walkEntry(e.name, e.size, () => e.chunks(), here, e.modified);
		}
	}

	/** Names of keywords that Dovecot keeps beside each folder of a Maildir. */
	private async readKeywords(): Promise<void> {
		for (const [i, f] of this.files.entries()) {
			if (/(^|\/)dovecot-keywords$/.test(f.path) && f.file.size < 65_536)
				this.putKeywords(f.path, await readSlice(f.file, 0, f.file.size));
			for (const e of this.zips.get(i) ?? [])
				if (/(^|\/)dovecot-keywords$/.test(e.name) && e.size < 65_536)
					this.putKeywords(e.name, concat(await all(unpack(f.file, e))));
		}
	}

	private putKeywords(path: string, bytes: Uint8Array): void {
		const place = maildirPlace(path.replace(/dovecot-keywords$/, "cur/0"));
		this.dovecot.set((place?.folder ?? []).join("/"), dovecotKeywords(textOf(bytes)));
	}
}

async function all(chunks: AsyncGenerator<Bytes>): Promise<Bytes[]> {
	const out: Bytes[] = [];
	for await (const c of chunks)
		out.push(c);
	return out;
}

/** The first bytes, and everything from the begin. */
async function peek(chunks: AsyncGenerator<Bytes>): Promise<{ head: Bytes; all: AsyncGenerator<Bytes> }> {
	const first: Bytes[] = [];
	let n = 0;
	while (n < headSize) {
		const { done, value } = await chunks.next();
		if (done)
			break;
		first.push(value);
		n += value.length;
	}
	return {
		head: concat(first).subarray(0, headSize),
		all: (async function* () {
			yield* first;
			yield* chunks;
		})(),
	};
}

async function* skipping(chunks: AsyncGenerator<Bytes>, n: number): AsyncGenerator<Bytes> {
	let left = n;
	for await (const c of chunks) {
		if (left < c.length)
			yield left ? c.subarray(left) : c;
		left = Math.max(0, left - c.length);
	}
}

// --- what our own exports say of themselves ---

const largestManifest = 256 << 20;

async function readManifest(file: Blob, entries: readonly ZipEntry[]): Promise<Manifest | null> {
	const find = (name: string) => entries.find((e) => e.name === name && e.size < largestManifest);
	const boxes = find("mailboxes.json");
	if (!boxes)
		return null;
	try {
		const messages = find("messages.jsonl");
		return { mailboxes: parseMailboxes(await text(file, boxes)), messages: parseMessages(messages ? await text(file, messages) : "") };
	} catch {
		// It was somebody else's file with this name, or it is broken: the names of the files still say enough.
		return null;
	}
}

const text = async (file: Blob, e: ZipEntry): Promise<string> => textOf(concat(await all(unpack(file, e))));
const isText = (v: unknown): v is string => typeof v === "string";

function parseMailboxes(json: string): Manifest["mailboxes"] {
	const list = (JSON.parse(json) as { mailboxes?: unknown }).mailboxes;
	return (Array.isArray(list) ? list : []).flatMap((m: { path?: unknown; name?: unknown; role?: unknown }) =>
		(isText(m.path) && Array.isArray(m.name) && m.name.every(isText) ? [{ path: m.path, name: m.name, role: isText(m.role) ? m.role : null }] : []));
}

function parseMessages(lines: string): Manifest["messages"] {
	const out: Manifest["messages"] = new Map();
	for (const line of lines.split("\n").filter(Boolean)) {
		const m = JSON.parse(line) as { path?: unknown; receivedAt?: unknown; keywords?: unknown };
		if (isText(m.path) && isText(m.receivedAt) && Array.isArray(m.keywords))
			out.set(m.path, { receivedAt: m.receivedAt, keywords: m.keywords.filter(isText) });
	}
	return out;
}
