// Serves the built client and a small JMAP from memory, for tests of the client alone: its views, its list of
// 100,000 messages, its accessibility. It is no model of the server; the tests of both together run the real one.
//
//   node browser/memory_jmap.mjs [PORT [MESSAGES]]
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { letters, mailboxes } from "./letters.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function unpack(file) {
	let at = 11;
	const take = (n) => file.subarray(at, (at += n));
	const text = () => take(take(2).readUInt16BE()).toString();
	const entries = new Map();
	while (at < file.length) {
		const path = text(), type = text();
		take(1);
		const csp = text();
		const [size, small] = [take(4).readUInt32BE(), take(4).readUInt32BE()];
		entries.set(path, { type, csp, body: take(size) });
		take(small);
	}
	return entries;
}

export class Memory {
	constructor(count, now = Date.now()) {
		this.emails = new Map(letters(count, now).map((e) => [e.id, e]));
		this.order = [...this.emails.values()].sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1));
		this.state = 1;
		this.boxes = new Map(mailboxes.map((m) => [m.id, m]));
		this.threads = new Map();
		this.streams = new Set();
		this.blobs = new Map();
		this.serial = 0;
		this.identities = [{ id: "i1", name: "Alice Moreau", email: "alice@letterlock.test", replyTo: null, bcc: null, textSignature: "Alice", htmlSignature: "<p>Alice</p>", mayDelete: false }];
		for (const e of this.order)
			this.threads.set(e.threadId, [e.id, ...(this.threads.get(e.threadId) ?? [])]);
	}

	changed() {
		this.state++;
		const text = `event: state\ndata: ${JSON.stringify({ "@type": "StateChange", changed: { a: { Email: String(this.state), Mailbox: String(this.state) } } })}\n\n`;
		for (const s of this.streams)
			s.write(text);
	}

	matches(e, f) {
		if (!f)
			return true;
		if (f.operator) {
			const hits = f.conditions.map((c) => this.matches(e, c));
			return f.operator === "AND" ? hits.every(Boolean) : f.operator === "OR" ? hits.some(Boolean) : !hits.some(Boolean);
		}
		const has = (text, want) => text.toLowerCase().includes(want.toLowerCase());
		const who = (list) => (list ?? []).map((a) => `${a.name} ${a.email}`).join(" ");
		const tests = {
			inMailbox: (v) => e.mailboxIds[v], inMailboxOtherThan: (v) => Object.keys(e.mailboxIds).some((m) => !v.includes(m)),
			hasKeyword: (v) => e.keywords[v], notKeyword: (v) => !e.keywords[v], hasAttachment: (v) => e.hasAttachment === v,
			from: (v) => has(who(e.from), v), to: (v) => has(who(e.to), v), subject: (v) => has(e.subject ?? "", v), body: (v) => has(e.text, v),
			before: (v) => e.receivedAt < v, after: (v) => e.receivedAt >= v, minSize: (v) => e.size >= v, maxSize: (v) => e.size < v,
			text: (v) => has(`${who(e.from)} ${who(e.to)} ${e.subject} ${e.text}`, v),
		};
		return Object.entries(f).every(([k, v]) => tests[k]?.(v));
	}

	full(e, properties) {
		const body = {
			bodyValues: { 1: { value: e.text, isEncodingProblem: false, isTruncated: false }, 2: { value: e.html ?? "", isEncodingProblem: false, isTruncated: false } },
			textBody: [{ partId: "1", blobId: null, size: e.text.length, name: null, type: "text/plain", charset: "utf-8", disposition: null, cid: null }],
			htmlBody: [{ partId: e.html ? "2" : "1", blobId: null, size: 1, name: null, type: e.html ? "text/html" : "text/plain", charset: "utf-8", disposition: null, cid: null }],
			messageId: [`${e.id}@letters.example`], inReplyTo: null, references: null, bcc: null, replyTo: null, sender: null, sentAt: e.receivedAt,
			"header:List-Unsubscribe:asURLs": e.unsubscribe, "header:Authentication-Results:asText:all": e.auth && [e.auth, "relay.example; dmarc=pass header.from=relay.example"],
		};
		return Object.fromEntries((properties ?? []).map((p) => [p, p in e ? e[p] : body[p] ?? null]));
	}

	methods = {
		"Mailbox/get": () => ({
			state: String(this.state), notFound: [],
			list: [...this.boxes.values()].map((m) => {
				const inBox = this.order.filter((e) => e.mailboxIds[m.id]);
				const unread = inBox.filter((e) => !e.keywords.$seen).length;
				return { ...m, totalEmails: inBox.length, unreadEmails: unread, totalThreads: inBox.length, unreadThreads: unread };
			}),
		}),
		"Identity/get": () => ({ state: "1", list: this.identities, notFound: [] }),
		"Identity/set": (a) => {
			for (const [id, patch] of Object.entries(a.update ?? {}))
				Object.assign(this.identities.find((i) => i.id === id), patch);
			return { newState: "2", updated: a.update };
		},
		"VacationResponse/get": () => ({ state: "1", notFound: [], list: [{ id: "singleton", isEnabled: false, fromDate: null, toDate: null, subject: null, textBody: null, htmlBody: null }] }),
		"VacationResponse/set": (a) => ({ newState: "2", updated: a.update }),
		"Email/query": (a) => {
			const seen = new Set();
			const all = this.order.filter((e) => this.matches(e, a.filter)).filter((e) => {
				if (!a.collapseThreads)
					return true;
				const first = !seen.has(e.threadId);
				seen.add(e.threadId);
				return first;
			});
			return { queryState: String(this.state), canCalculateChanges: false, position: a.position ?? 0, ids: all.slice(a.position ?? 0, (a.position ?? 0) + (a.limit ?? 50)).map((e) => e.id), total: all.length };
		},
		"Email/get": (a) => ({ state: String(this.state), list: [...new Set(a.ids)].map((id) => this.emails.get(id)).filter(Boolean).map((e) => this.full(e, a.properties)), notFound: [] }),
		"Thread/get": (a) => ({ state: "1", list: [...new Set(a.ids)].map((id) => ({ id, emailIds: this.threads.get(id) ?? [] })), notFound: [] }),
		"Email/changes": (a) => ({ oldState: a.sinceState, newState: String(this.state), hasMoreChanges: false, created: [], updated: [], destroyed: [] }),
		"Email/set": (a) => {
			const created = {};
			for (const [key, e] of Object.entries(a.create ?? {}))
				created[key] = { id: this.create(e) };
			for (const [id, patch] of Object.entries(a.update ?? {}))
				this.patch(this.emails.get(id), patch);
			for (const id of a.destroy ?? []) {
				this.emails.delete(id);
				this.order = this.order.filter((e) => e.id !== id);
			}
			this.changed();
			return { newState: String(this.state), created, updated: a.update, destroyed: a.destroy };
		},
		"EmailSubmission/set": (a, made) => {
			const created = {};
			for (const [key, s] of Object.entries(a.create ?? {}))
				created[key] = { id: `s${++this.serial}`, undoStatus: "pending", emailId: s.emailId };
			for (const [key, patch] of Object.entries(a.onSuccessUpdateEmail ?? {})) {
				const id = a.create?.[key.slice(1)]?.emailId ?? "";
				this.patch(this.emails.get(id.startsWith("#") ? made[id.slice(1)] : id), patch);
			}
			this.changed();
			return { newState: "2", created, updated: a.update };
		},
	};

	create(e) {
		const id = `n${++this.serial}`;
		const text = e.bodyValues?.text?.value ?? "";
		const made = { ...letters(1, Date.now())[0], id, blobId: `b-${id}`, threadId: `t-${id}`, attachments: [], hasAttachment: false, ...e, text, preview: text.slice(0, 160), html: e.bodyValues?.html?.value ?? null, receivedAt: new Date().toISOString() };
		delete made.bodyValues, delete made.textBody, delete made.htmlBody, delete made.bodyStructure;
		this.emails.set(id, made);
		this.order.unshift(made);
		this.threads.set(made.threadId, [id]);
		return id;
	}

	patch(e, patch) {
		for (const [path, value] of Object.entries(e ? patch : {})) {
			const [name, key] = path.split("/");
			if (!key)
				e[name] = value;
			else if (value)
				e[name] = { ...e[name], [key.replace(/~1/g, "/").replace(/~0/g, "~")]: true };
			else {
				e[name] = { ...e[name] };
				delete e[name][key];
			}
		}
	}

	api({ methodCalls }) {
		const results = new Map();
		const made = {};
		const methodResponses = methodCalls.map(([name, args, id]) => {
			for (const [key, ref] of Object.entries(args))
				if (key.startsWith("#")) {
					let values = [results.get(ref.resultOf)];
					for (const part of ref.path.slice(1).split("/"))
						values = part === "*" ? values.flat() : values.flatMap((v) => v[part]);
					args[key.slice(1)] = values.flat();
				}
			const method = this.methods[name];
			if (!method)
				return ["error", { type: "unknownMethod" }, id];
			const result = { accountId: "a", ...method(args, made) };
			results.set(id, result);
			for (const [key, c] of Object.entries(result.created ?? {}))
				made[key] = c.id;
			return [name, result, id];
		});
		return { methodResponses, sessionState: "1" };
	}
}

const jmapSession = {
	apiUrl: "/jmap/api", uploadUrl: "/jmap/upload/{accountId}", downloadUrl: "/jmap/download/{accountId}/{blobId}/{name}?type={type}",
	eventSourceUrl: "/jmap/events?types={types}&closeafter={closeafter}&ping={ping}", state: "1", username: "alice@letterlock.test",
	primaryAccounts: { "urn:ietf:params:jmap:mail": "a" },
	accounts: { a: { accountCapabilities: { "urn:ietf:params:jmap:mail": {} } } },
	capabilities: { "urn:ietf:params:jmap:core": { maxCallsInRequest: 16, maxObjectsInSet: 500 } },
};

export function serve(port, count, pack = join(root, "dist", "web.pack")) {
	const memory = new Memory(count);
	const files = unpack(readFileSync(pack));
	const server = createServer((req, res) => {
		const url = new URL(req.url, "http://localhost");
		const json = (body, status = 200) => res.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json" }).end(JSON.stringify(body));
		const chunks = [];
		req.on("data", (c) => chunks.push(c));
		req.on("end", () => {
			const body = Buffer.concat(chunks);
			if (url.pathname === "/api/v1/session")
				return json({ state: "open", accountId: "a", address: "alice@letterlock.test", unlockKey: "" });
			if (url.pathname === "/jmap/session")
				return json(jmapSession);
			if (url.pathname === "/jmap/api")
				return json(memory.api(JSON.parse(body)));
			if (url.pathname === "/jmap/events") {
				res.writeHead(200, { "Content-Type": "text/event-stream" });
				res.write(": hello\n\n");
				memory.streams.add(res);
				return res.on("close", () => memory.streams.delete(res));
			}
			if (url.pathname.startsWith("/jmap/upload/")) {
				const blobId = `u${++memory.serial}`;
				memory.blobs.set(blobId, body);
				return json({ accountId: "a", blobId, type: req.headers["content-type"], size: body.length }, 201);
			}
			if (url.pathname.startsWith("/jmap/download/"))
				return res.writeHead(200, { "Content-Type": "text/plain" }).end(memory.blobs.get(url.pathname.split("/")[4]) ?? "From: somebody\r\nSubject: test\r\n\r\nbody\r\n");
			if (url.pathname.startsWith("/api/"))
				return json({ type: "urn:letterlock:unknown-command", title: "no such command", status: 404 }, 404);
			const file = files.get(url.pathname) ?? (url.pathname.includes(".") ? null : files.get("/index.html"));
			if (!file)
				return res.writeHead(404).end();
			return res.writeHead(200, { "Content-Type": file.type, "Content-Security-Policy": file.csp || "default-src 'none'", "Referrer-Policy": "no-referrer" }).end(file.body);
		});
	});
	return new Promise((done) => server.listen(port, "127.0.0.1", () => done({ memory, url: `http://127.0.0.1:${server.address().port}`, close: () => server.closeAllConnections?.() ?? server.close() })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { url } = await serve(Number(process.argv[2] ?? 0), Number(process.argv[3] ?? 300));
	console.log(url);
}
