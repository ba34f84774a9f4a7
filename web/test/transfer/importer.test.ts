// The importer against a server that refuses, fails, is busy, and loses its answers; nothing is lost or doubled.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Session } from "../../src/jmap/types.ts";
import { bytesOf, concat } from "../../src/app/transfer/bytes.ts";
import { FileWalk, type Picked } from "../../src/app/transfer/files.ts";
import { mboxEntry, originalNote } from "../../src/app/transfer/mail_write.ts";
import { Importer } from "../../src/app/transfer/importer.ts";
import type { Kept } from "../../src/app/transfer/shelf.ts";
import { Halt, Wire } from "../../src/app/transfer/wire.ts";
import { useInflate, zip } from "./make.ts";

useInflate();

const core = "urn:ietf:params:jmap:core";
const blob = "urn:ietf:params:jmap:blob";
const mail = "urn:ietf:params:jmap:mail";
type Args = Record<string, never> & Record<string, unknown>;
interface Mail { id: string; bytes: Buffer; mailboxIds: Record<string, boolean>; keywords: Record<string, boolean>; receivedAt?: string }

/** As much of a JMAP server as an import uses. */
class Server {
	mails: Mail[] = [];
	boxes = [{ id: "inbox", name: "Inbox", parentId: null, role: "inbox" }] as Array<{ id: string; name: string; parentId: string | null; role: string | null }>;
	uploads = new Map<string, Buffer>();
	requests = 0;
	/** What happens to the nth request that imports; lost: it is done, and nobody hears of it. */
	trouble: (n: number) => "lost" | "busy" | "broken" | undefined = () => undefined;
	refuse: (m: Buffer, keywords: Record<string, boolean>) => string | undefined = () => undefined;
	private imports = 0;

	readonly session = {
		apiUrl: "http://server/api", uploadUrl: "http://server/upload/{accountId}", downloadUrl: "http://server/{blobId}", primaryAccounts: { [mail]: "a" },
		capabilities: { [core]: { maxObjectsInGet: 7, maxSizeUpload: 1e6 }, [blob]: {} }, accounts: { a: { accountCapabilities: { [mail]: { maxMailboxDepth: 3 } } } },
	} as unknown as Session;

	async fetch(url: string, init: RequestInit): Promise<Response> {
		if (init.signal?.aborted)
			throw init.signal.reason;
		this.requests++;
		if (url.includes("upload"))
			return Response.json({ blobId: this.keep(Buffer.from(await (init.body as Blob).arrayBuffer())) });
		const { methodCalls } = JSON.parse(String(init.body)) as { methodCalls: Array<[string, Args, string]> };
		const trouble = methodCalls.some(([name]) => name === "Email/import") ? this.trouble(++this.imports) : undefined;
		if (trouble === "busy")
			return new Response("{}", { status: 503, headers: { "Retry-After": "0" } });
		const made = new Map<string, string>();
		const methodResponses = methodCalls.map(([name, args, id]) => [name, this.answer(name, args, made), id]);
		if (trouble === "lost")
			throw new TypeError("the connection is gone");
		return trouble === "broken" ? new Response("{\"method") : Response.json({ methodResponses });
	}

	private keep(bytes: Buffer): string {
		this.uploads.set(`U${this.uploads.size}`, bytes);
		return `U${this.uploads.size - 1}`;
	}

	private answer(name: string, args: Args, made: Map<string, string>): unknown {
		const of = args as Record<string, Record<string, Record<string, unknown>>>;
		const ids = args.ids as unknown as string[] | null;
		switch (name) {
		case "Mailbox/get":
			return { list: this.boxes };
		case "Mailbox/set": {
			const box = { id: `box${this.boxes.length}`, role: null, parentId: null, ...of.create?.m } as (typeof this.boxes)[number];
			this.boxes.push(box);
			return { created: { m: { id: box.id } } };
		}
		case "Email/query":
			return { ids: this.mails.map((m) => m.id).slice(Number(args.position)), total: this.mails.length };
		case "Email/changes":
			return { created: this.mails.slice(Number(args.sinceState)).map((m) => m.id), newState: String(this.mails.length), hasMoreChanges: false };
		case "Email/get":
			return { state: String(this.mails.length), list: this.mails.filter((m) => ids?.includes(m.id)).map((m) => ({ ...m, bytes: undefined, blobId: `B${m.id}`, size: m.bytes.length, messageId: /Message-ID: <(.*)>/.exec(m.bytes.toString())?.slice(1) ?? null })) };
		case "Blob/get":
			return { list: this.mails.filter((m) => ids?.includes(`B${m.id}`)).map((m) => ({ id: `B${m.id}`, "digest:sha-256": createHash("sha256").update(m.bytes).digest("base64") })) };
		case "Email/set":
			for (const [id, patch] of Object.entries(of.update ?? {}))
				for (const path of Object.keys(patch))
					(this.mails.find((m) => m.id === id) as Mail).mailboxIds[path.split("/")[1] ?? ""] = true;
			return {};
		case "Blob/upload":
			for (const [id, { data }] of Object.entries(of.create ?? {}))
				made.set(`#${id}`, this.keep(Buffer.from((data as Array<Record<string, string>>)[0]?.["data:asBase64"] ?? "", "base64")));
			return { created: {} };
		default:
			return this.import(of.emails ?? {}, made);
		}
	}

	private import(emails: Record<string, Record<string, unknown>>, made: Map<string, string>): unknown {
		const out = { created: {} as Record<string, unknown>, notCreated: {} as Record<string, unknown> };
		for (const [id, e] of Object.entries(emails)) {
			const bytes = this.uploads.get(made.get(String(e.blobId)) ?? String(e.blobId)) as Buffer;
			const type = this.refuse(bytes, e.keywords as Record<string, boolean>);
			if (type) {
				out.notCreated[id] = { type };
				continue;
			}
			const m = { id: `M${this.mails.length}`, bytes, mailboxIds: { ...e.mailboxIds as Record<string, boolean> }, keywords: e.keywords as Record<string, boolean>, receivedAt: e.receivedAt as string };
			this.mails.push(m);
			out.created[id] = { id: m.id, blobId: `B${m.id}`, size: bytes.length };
		}
		return out;
	}
}

const letter = (n: number | string, more = "") => bytesOf(`From a@b Mon Jan  1 12:00:00 2024\nMessage-ID: <${n}@x>\nSubject: ${n}\n${more}\ntext ${n}\n\n`);
const file = (path: string, data: Uint8Array<ArrayBuffer>): Picked => ({ path, file: new Blob([data]), modified: null });
const many = (n: number) => file("Work.mbox", concat(Array.from({ length: n }, (_, i) => letter(i))));

async function run(server: Server, files: Picked[], own: ReadonlySet<string> = new Set(), record?: Kept): Promise<{ kept: Kept; error: unknown; importer: Importer }> {
	const before = globalThis.fetch;
	globalThis.fetch = server.fetch.bind(server) as typeof fetch;
	const stop = new AbortController();
	const kept: Kept = record ?? { key: "k", account: "a", name: "x", into: null, fraction: 0, position: { file: 0, entry: 0, offset: 0 }, counts: { imported: 0, present: 0, skipped: 0, failed: 0 }, failures: [], changed: 0 };
	const walk = new FileWalk(files, 1e6);
	const look = await walk.look();
	const importer = new Importer(new Wire(server.session, stop.signal, () => undefined), walk, look, kept, own, stop, { changed: () => undefined, gate: async () => undefined });
	try {
		await importer.run();
		return { kept, error: null, importer };
	} catch (error) {
		return { kept, error, importer };
	} finally {
		globalThis.fetch = before;
	}
}

const subjects = (server: Server) => server.mails.map((m) => /Subject: (.*)/.exec(m.bytes.toString())?.[1]).sort();
const wanted = (n: number) => Array.from({ length: n }, (_, i) => String(i)).sort();

test("all come, with mailbox, flags and date", async () => {
	const server = new Server();
	const { kept } = await run(server, [many(250)]);
	assert.deepEqual(subjects(server), wanted(250));
	assert.deepEqual(kept.counts, { imported: 250, present: 0, skipped: 0, failed: 0 });
	assert.deepEqual(server.boxes.map((b) => b.name), ["Inbox", "Work"]);
	assert.deepEqual(server.mails[0]?.mailboxIds, { box1: true });
	assert.deepEqual(server.mails[0]?.keywords, { $seen: true });
	assert.equal(server.mails[0]?.receivedAt, "2024-01-01T12:00:00Z");
	assert.equal(kept.position.offset, many(250).file.size);
});

for (const trouble of ["lost", "broken", "busy"] as const)
	test(`an answer that is ${trouble} doubles nothing`, async () => {
		const server = new Server();
		server.trouble = (n) => (n <= 4 ? trouble : undefined);
		const { kept } = await run(server, [many(250)]);
		assert.deepEqual(subjects(server), wanted(250));
		assert.deepEqual(kept.counts, { imported: 250, present: 0, skipped: 0, failed: 0 });
	});

test("what is there is left as it is; what only looks alike is not taken for it", async () => {
	const server = new Server();
	await run(server, [many(120)]);
	for (const m of server.mails)
		m.mailboxIds = { elsewhere: true };
	const like = letter(7).map((c) => (c === 116 ? 84 : c)); // "t" becomes "T": the same length, the same id
	const { kept } = await run(server, [file("Other.mbox", concat([letter(3), like, letter(119), letter("new")]))]);
	assert.deepEqual(kept.counts, { imported: 2, present: 2, skipped: 0, failed: 0 });
	assert.deepEqual(server.mails[3]?.mailboxIds, { elsewhere: true });
	assert.equal(server.mails.length, 122);
});

test("one message in several folders comes once, in all of them, also after a break", async () => {
	const server = new Server();
	const files = [file("f/A.mbox", concat([letter(1), letter(2)])), file("f/B.mbox", concat([letter(2), letter(1)])), file("f/C.mbox", letter(1))];
	await run(server, files.slice(0, 2));
	assert.equal(server.mails.length, 2);
	assert.deepEqual(server.mails.map((m) => Object.keys(m.mailboxIds).sort()), [["box1", "box2"], ["box1", "box2"]]);
	await run(server, files, new Set(["M0"]));
	assert.equal(server.mails.length, 2);
	assert.deepEqual(server.mails.map((m) => Object.keys(m.mailboxIds).length), [3, 2]);
});

test("the position is kept, and the rest comes from there", async () => {
	const server = new Server();
	server.refuse = () => (server.mails.length >= 150 ? "overQuota" : undefined);
	const { kept, error } = await run(server, [many(400)]);
	assert.ok(error instanceof Halt && error.reason === "full");
	assert.ok(kept.position.offset > 0 && kept.counts.imported <= 150);
	server.refuse = () => undefined;
	const again = await run(server, [many(400)], new Set(), kept);
	assert.equal(again.error, null);
	assert.deepEqual(subjects(server), wanted(400));
});

test("one letter that the server refuses or fails with does not hold up the others", async () => {
	const server = new Server();
	server.refuse = (m) => ({ 3: "invalidEmail", 5: "serverFail", 6: "tooLarge" } as Record<string, string>)[/Subject: (.*)/.exec(m.toString())?.[1]?.trim() ?? ""];
	const { kept } = await run(server, [many(8)]);
	assert.deepEqual(kept.counts, { imported: 5, present: 0, skipped: 0, failed: 3 });
	assert.deepEqual(kept.failures.map((f) => [f.subject, f.reason]), [["3", "notMessage"], ["5", "refused"], ["6", "tooLarge"]]);
});

test("keywords that are too many are left out, the flags stay", async () => {
	const server = new Server();
	server.refuse = (_, keywords) => (keywords.odd ? "tooManyKeywords" : undefined);
	await run(server, [file("A.mbox", letter(1, "Status: RO\nX-Keywords: odd\n"))]);
	assert.deepEqual(server.mails[0]?.keywords, { $seen: true });
});

test("large messages are uploaded by themselves", async () => {
	const server = new Server();
	const big = concat([letter(1), bytesOf(`From a@b Mon Jan  1 12:00:00 2024\nSubject: 2\n\n${`${"x".repeat(70)}\n`.repeat(9000)}\n`)]);
	await run(server, [file("A.mbox", big)]);
	assert.deepEqual(server.mails.map((m) => m.bytes.length).sort((a, b) => a - b), [41, 648014]);
});

test("signed out or locked: it stops and says so", async () => {
	const server = new Server();
	const fetch = server.fetch.bind(server);
	server.fetch = async (url, init) => (String(init.body).includes("Email/import") ? new Response("{\"type\":\"urn:letterlock:locked\"}", { status: 403 }) : fetch(url, init));
	const { error } = await run(server, [many(10)]);
	assert.ok(error instanceof Halt && error.reason === "locked");
});

test("nested folders deeper than the server has them become one name", async () => {
	const server = new Server();
	await run(server, [file("top/a/b/c/d/e.mbox", letter(1)), file("top/x.mbox", letter(2))]);
	assert.deepEqual(server.boxes.slice(1).map((b) => b.name), ["a", "b", "c - d - e", "x"]);
});

test("names that differ by case are one mailbox, but for exports of ours", async () => {
	const server = new Server();
	await run(server, [file("f/Work.mbox", letter(1)), file("f/work.mbox", letter(2)), file("f/x/A.mbox", letter(3))]);
	assert.deepEqual(server.boxes.slice(1).map((b) => b.name), ["Work", "x", "A"]);
	const own = new Server();
	const names = ["Work", "work"];
	const entries = names.map((n) => ({ name: `mail/${n}.mbox`, data: concat([letter(n)]) }));
	const data = zip([...entries, { name: "mailboxes.json", data: bytesOf(JSON.stringify({ mailboxes: names.map((n) => ({ path: `mail/${n}.mbox`, name: [n], role: null })) })) }]);
	await run(own, [{ path: "export.zip", file: data, modified: null }]);
	assert.deepEqual(own.mails.map((m) => Object.keys(m.mailboxIds).map((id) => own.boxes.find((b) => b.id === id)?.name)), [["Work"], ["work"]]);
});

test("what an export has changed is known again, and comes where it is not", async () => {
	const server = new Server();
	const bytes = bytesOf("Message-ID: <1@x>\r\nSubject: 1\r\n\r\nno line end");
	server.mails.push({ id: "M0", bytes: Buffer.from(bytes), mailboxIds: {}, keywords: {} });
	const entry = mboxEntry({ id: "M0", blobId: "B", keywords: {}, receivedAt: "2024-01-02T03:04:05Z", from: [], subject: "1", size: 1 }, bytes, await originalNote(bytes));
	const data = zip([{ name: "mail/Work.mbox", data: entry }, { name: "mailboxes.json", data: bytesOf(JSON.stringify({ mailboxes: [{ path: "mail/Work.mbox", name: ["Work"], role: null }] })) }]);
	const files = [{ path: "export.zip", file: data, modified: null }];
	assert.deepEqual((await run(server, files)).kept.counts, { imported: 0, present: 1, skipped: 0, failed: 0 });
	const empty = new Server();
	for (const present of [0, 1])
		assert.deepEqual((await run(empty, files)).kept.counts, { imported: 1 - present, present, skipped: 0, failed: 0 });
	assert.equal(empty.mails[0]?.bytes.toString(), `${Buffer.from(bytes).toString()}\r\n`);
});

test("nothing of a letter stays in memory but its digest and its id", async () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const used = () => {
		collect();
		const { heapUsed, external } = process.memoryUsage();
		return heapUsed + external;
	};
	const count = 2000;
	const trace = `X-Trace: ${"t".repeat(20_000)}\n`;
	const files = [file("Work.mbox", concat(Array.from({ length: count }, (_, i) => letter(`${i}-a-rather-long-identifier`, trace))))];
	const server = new Server();
	const fetch = server.fetch.bind(server);
	server.fetch = async (url, init) => {
		const answer = await fetch(url, init);
		server.uploads.clear();
		for (const m of server.mails)
			m.bytes = Buffer.alloc(0);
		return answer;
	};
	const before = used();
	const { importer } = await run(server, files);
	const each = (used() - before) / count;
	assert.equal(importer.counts.imported, count);
	assert.ok(each < 4000, `${Math.round(each)} bytes for each letter`);
});
