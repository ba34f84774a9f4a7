// The files of a build in the browser's cache: all or none, and nothing else.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { onPush, words } from "../../src/sw/push";
import type { Scope } from "../../src/sw/scope";
import { Shell, type File } from "../../src/sw/shell";

const origin = "https://mail.example";

/** CacheStorage as far as the shell uses it. */
class Caches {
	readonly all = new Map<string, Map<string, Response>>();

	async open(name: string) {
		const one = this.all.get(name) ?? new Map<string, Response>();
		this.all.set(name, one);
		return {
			put: async (path: string, r: Response) => void one.set(path, r),
			match: async (path: string) => one.get(path)?.clone(),
		};
	}
	async match(path: string) {
		return [...this.all.values()].map((m) => m.get(path)).find((r) => r)?.clone();
	}
	async keys() {
		return [...this.all.keys()];
	}
	async delete(name: string) {
		return this.all.delete(name);
	}
}

interface Asked { path: string; init: RequestInit }

function world(served: Readonly<Record<string, string>>) {
	const asked: Asked[] = [];
	const caches = new Caches();
	const fetch = async (input: string | Request, init: RequestInit = {}) => {
		const path = typeof input === "string" ? input : new URL(input.url).pathname;
		asked.push({ path, init });
		const body = served[path];
		// A browser refuses what does not fit the integrity that it was given.
		if (body !== undefined && init.integrity && init.integrity !== integrity(body))
			throw new TypeError("integrity");
		return new Response(body ?? "", { status: body === undefined ? 404 : 200, headers: { "Content-Security-Policy": `policy of ${path}` } });
	};
	return { asked, caches, scope: { caches, fetch, location: { origin } } as unknown as Scope };
}

const integrity = (body: string) => `sha384-${createHash("sha384").update(body).digest("base64")}`;
const filesOf = (served: Readonly<Record<string, string>>): File[] => Object.entries(served).map(([path, body]) => [path, integrity(body)]);

const build = { "/index.html": "page 1", "/assets/app-ABCD1234.js": "script", "/mailframe": "frame", "/assets/icon.svg": "icon" };
const request = (path: string, more: Partial<Request> = {}) => ({ url: origin + path, method: "GET", mode: "cors", destination: "", ...more }) as Request;
const page = { mode: "navigate", destination: "document" } as const;

test("every file is asked for with its integrity and comes back with its policy", async () => {
	const w = world(build);
	const shell = new Shell(w.scope, filesOf(build), "one");
	await shell.fill();
	assert.deepEqual(w.asked.map((a) => a.path).sort(), Object.keys(build).sort());
	for (const { path, init } of w.asked)
		assert.equal(init.integrity, integrity(build[path as keyof typeof build]));
	w.asked.length = 0;
	const answer = await shell.answer("/index.html", request("/mail/inbox", page));
	assert.deepEqual([await answer.text(), answer.headers.get("Content-Security-Policy")], ["page 1", "policy of /index.html"]);
	assert.equal(w.asked.length, 0, "nothing was asked for again");
});

test("one wrong or missing file, and the version is not taken; the one before stays", async () => {
	for (const served of [{ ...build, "/mailframe": "another" }, { "/index.html": "page 1" }]) {
		const w = world(served);
		await w.caches.open("letterlock-shell-before");
		await assert.rejects(new Shell(w.scope, filesOf(build), "two").fill());
		assert.deepEqual(await w.caches.keys(), ["letterlock-shell-before"]);
	}
});

test("a new version takes over what has not changed, and only that", async () => {
	const w = world(build);
	await new Shell(w.scope, filesOf(build), "one").fill();
	w.asked.length = 0;
	const next = { ...build, "/index.html": "page 2" };
	const w2 = world(next);
	const scope = { ...w2.scope, caches: w.caches } as unknown as Scope;
	const shell = new Shell(scope, filesOf(next), "two");
	await shell.fill();
	assert.deepEqual(w2.asked.map((a) => a.path).sort(), ["/assets/icon.svg", "/index.html", "/mailframe"]);
	await shell.dropOthers();
	assert.deepEqual(await w.caches.keys(), ["letterlock-shell-two"]);
	assert.equal(await (await shell.answer("/index.html", request("/"))).text(), "page 2");
});

test("a file in an older cache that is not what its name says is fetched again", async () => {
	const w = world(build);
	const old = await w.caches.open("letterlock-shell-old");
	await old.put("/assets/app-ABCD1234.js", new Response("not the script"));
	const shell = new Shell(w.scope, filesOf(build), "one");
	await shell.fill();
	assert.equal(await (await shell.answer("/assets/app-ABCD1234.js", request("/assets/app-ABCD1234.js"))).text(), "script");
});

test("caches of others are left alone", async () => {
	const w = world(build);
	await w.caches.open("somebody-else");
	await new Shell(w.scope, filesOf(build), "one").dropOthers();
	assert.deepEqual(await w.caches.keys(), ["somebody-else"]);
});

test("what is answered from here: the client's files and its addresses, and never what the server says", () => {
	const shell = new Shell(world(build).scope, filesOf(build), "one");
	const is = (path: string, file: string | null, more: Partial<Request> = {}) => assert.equal(shell.fileFor(request(path, more)), file, path);
	for (const path of ["/", "/mail/inbox", "/mail/inbox/M12", "/settings/device", "/letters", "/apiary", "/search/to%3Aanna"])
		is(path, "/index.html", page);
	for (const path of ["/api/v1/session", "/jmap/session", "/jmap/download/a/b/c", "/.well-known/security.txt", "/letter", "/mailframe", "/robots.txt", "/sw.js"])
		is(path, null, page);
	is("/mail/inbox", null);
	is("/mailframe", "/mailframe", { mode: "navigate", destination: "iframe" });
	is("/assets/app-ABCD1234.js", "/assets/app-ABCD1234.js");
	is("/assets/app-ABCD1234.js?x=1", "/assets/app-ABCD1234.js");
	is("/assets/other.js", null);
	is("/jmap/api", null, { method: "POST" });
	is("/mail/inbox", null, { ...page, method: "POST" });
	assert.equal(shell.fileFor({ ...request(""), url: "https://other.example/index.html" } as Request), null);
});

// --- push ---

interface Shown { title: string; options: NotificationOptions }

function listener(visible: boolean) {
	const shown: Shown[] = [];
	const posted: { url: string; body: unknown }[] = [];
	const badges: (number | undefined)[] = [];
	const scope = {
		navigator: { languages: ["de-CH", "en"], setAppBadge: async (n?: number) => void badges.push(n) },
		registration: { showNotification: async (title: string, options: NotificationOptions) => void shown.push({ title, options }) },
		clients: { matchAll: async () => (visible ? [{ visibilityState: "visible" }] : [{ visibilityState: "hidden" }]) },
		fetch: async (url: string, init: RequestInit) => { posted.push({ url, body: JSON.parse(String(init.body)) }); return new Response("{}"); },
	} as unknown as Scope;
	return { shown, posted, badges, scope };
}

const delivered = JSON.stringify({ "@type": "StateChange", changed: { a: { EmailDelivery: "5" } } });

test("new mail is told of in a word, without a sound, and only when nobody is looking", async () => {
	const away = listener(false);
	await onPush(away.scope, delivered);
	assert.equal(away.shown.length, 1);
	assert.equal(away.shown[0]?.title, "Neue Mail");
	assert.equal(away.shown[0]?.options.silent, true);
	assert.equal(away.badges.length, 1);
	const looking = listener(true);
	await onPush(looking.scope, delivered);
	assert.equal(looking.shown.length + looking.badges.length, 0);
});

test("what is no delivery is not told of, whatever it is", async () => {
	const l = listener(false);
	for (const text of [undefined, "", "{", "null", "[]", "\"x\"", '{"changed":null}', '{"changed":{}}', '{"changed":{"a":null,"b":7}}', '{"changed":{"a":{"Email":"1"}}}'])
		await onPush(l.scope, text);
	assert.equal(l.shown.length, 0);
});

test("the server's question whether the subscription is ours is answered", async () => {
	const l = listener(false);
	await onPush(l.scope, JSON.stringify({ "@type": "PushVerification", pushSubscriptionId: "P1", verificationCode: "xyz" }));
	assert.deepEqual(l.posted, [{ url: "/jmap/api", body: { using: ["urn:ietf:params:jmap:core"], methodCalls: [["PushSubscription/set", { update: { P1: { verificationCode: "xyz" } } }, "v"]] } }]);
	assert.equal(l.shown.length, 0);
});

test("a language that is not known is English", () => {
	assert.deepEqual([words(["fr-CA"]), words(["ja", "de"]), words([]), words(["constructor"])], ["Nouveau courrier", "Neue Mail", "New mail", "New mail"]);
});
