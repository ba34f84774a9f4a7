// The two workers in Chromium, under the policies that they are served with, against the server's C
// code (LETTERLOCK_KEYS_PEER): sign-up with an OpenPGP key, the session, a reload that stays signed
// in, a message to oneself, and sign-out.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";
import { policies } from "../build/pages.mjs";
import { flags } from "./chromium.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = mkdtempSync(join(root, "node_modules", ".browser-"));
const profile = mkdtempSync(join(tmpdir(), "workers-"));

const pageScript = `
import { Keys } from ${JSON.stringify(join(root, "src/keys/client.ts"))};
import { Pgp } from ${JSON.stringify(join(root, "src/pgp/client.ts"))};
const policy = trustedTypes.createPolicy("app", { createScriptURL: (u) => u });
const open = (name) => new Worker(policy.createScriptURL("/" + name + ".js"), { type: "module" });
const [k, p] = [open("keys"), open("pgp")];
globalThis.keys = new Keys(k);
globalThis.pgp = new Pgp(p);
globalThis.keys.join(p);
`;

async function build() {
	const common = { bundle: true, format: "esm", minify: true, target: ["chrome120"], write: false };
	const files = new Map();
	for (const name of ["keys", "pgp"]) {
		const { outputFiles } = await esbuild.build({
			...common, platform: "browser", entryPoints: [join(root, `src/${name}/worker.ts`)],
		});
		files.set(`/${name}.js`, { body: outputFiles[0].contents, csp: policies.worker });
	}
	const { outputFiles } = await esbuild.build({
		...common, platform: "browser", stdin: { contents: pageScript, resolveDir: root },
	});
	const csp = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
		"require-trusted-types-for 'script'; trusted-types app";
	files.set("/page.js", { body: outputFiles[0].contents, csp: "" });
	files.set("/", { body: "<!doctype html><title>workers</title><script type=module src=/page.js></script>", csp });
	await esbuild.build({
		...common, write: true, platform: "node", outfile: join(out, "server.mjs"),
		stdin: { contents: 'export { Server } from "./test/interop/server"; export { Peer } from "./test/interop/peer"; export { random } from "./src/keys/bytes";', resolveDir: root },
	});
	return files;
}

const typeOf = (path) => (path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8");

function body(request) {
	return new Promise((resolve) => {
		let text = "";
		request.on("data", (d) => (text += d)).on("end", () => resolve(text ? JSON.parse(text) : {}));
	});
}

/** Static files, and the API through the test server. */
function listen(files, api) {
	const server = createServer(async (request, response) => {
		const { pathname } = new URL(request.url, "http://x");
		const file = files.get(pathname);
		if (file) {
			response.writeHead(200, {
				"Content-Type": typeOf(pathname),
				...(file.csp && { "Content-Security-Policy": file.csp }),
			});
			response.end(file.body);
			return;
		}
		try {
			const answer = request.method === "POST" ? await api.post(pathname, await body(request)) : await api.get(pathname);
			response.writeHead(200, { "Content-Type": "application/json" });
			response.end(JSON.stringify(answer.members));
		} catch (err) {
			response.writeHead(err.status || 500, { "Content-Type": "application/problem+json" });
			response.end(JSON.stringify({ type: `urn:letterlock:${err.type}`, title: err.message }));
		}
	});
	return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const options = { remember: true, device: "Chromium" };
const address = "alice@example.org";

async function signUp(page) {
	return page.evaluate(async ({ address, options }) => {
		const code = await keys.call("signupBegin", { address, password: "a long password", invitation: "i" });
		const info = await pgp.call("generate", { name: "Alice", address });
		const status = await keys.call("signupFinish", { code, ...options });
		await keys.call("unlockSession");
		return { status, info };
	}, { address, options });
}

/** What lies in IndexedDB: the key that seals the secret must not be readable. */
function kept() {
	return new Promise((resolve, reject) => {
		const open = indexedDB.open("letterlock-keys");
		open.onerror = () => reject(open.error);
		open.onsuccess = () => {
			const get = open.result.transaction("secrets").objectStore("secrets").get("kept");
			get.onsuccess = async () => {
				open.result.close();
				const v = get.result;
				const raw = v && await crypto.subtle.exportKey("raw", v.key).then(() => "given out", () => "refused");
				resolve(v ? { extractable: v.key.extractable, raw, sealed: v.sealed.length } : null);
			};
		};
	});
}

async function letterToOneself(page) {
	return page.evaluate(async ({ address }) => {
		const at = Math.floor(Date.now() / 1000);
		const [info] = await pgp.call("ownKeys");
		const { binary } = await pgp.call("exportPublic", { fingerprint: info.fingerprint, address });
		await pgp.call("learn", { address, key: binary, source: "directory", at });
		const draft = {
			from: { name: "", address }, to: [{ name: "", address }], cc: [], subject: "hidden", date: new Date(),
			messageId: "x@y", text: "to myself", attachments: [],
		};
		const [sent] = await pgp.call("write", { draft, protection: "encrypted", bcc: [], at });
		const got = await pgp.call("read", { message: sent.message, received: at, authentic: true });
		await pgp.call("loadStore", { record: await pgp.call("saveStore", { record: undefined }) });
		return { verdict: got.signature.verdict, subject: got.headers.subject, text: got.content.text.trim() };
	}, { address });
}

/** A second key, the first one in use again, and its export: each goes through the key worker. */
async function moreKeys(page) {
	return page.evaluate(async ({ address }) => {
		const [first] = await pgp.call("ownKeys");
		const second = await pgp.call("generate", { name: "", address });
		const order = (await pgp.call("ownKeys")).map((k) => k.fingerprint);
		await pgp.call("use", { fingerprint: first.fingerprint });
		const armored = await pgp.call("exportSecret", { fingerprint: second.fingerprint, passphrase: "" });
		await pgp.call("remove", { fingerprint: second.fingerprint });
		const left = (await pgp.call("ownKeys")).map((k) => k.fingerprint);
		const { openpgp } = await keys.call("exportKeys");
		const wanted = [second.fingerprint, first.fingerprint].join() === order.join() && left.join() === first.fingerprint;
		return wanted && armored.includes("PRIVATE KEY") && openpgp.length === 1;
	}, { address });
}

async function run(page, url, api) {
	await page.goto(url);
	await page.waitForFunction(() => globalThis.pgp !== undefined);
	const { status, info } = await signUp(page);
	assert.deepEqual([status.state, status.address], ["open", address]);
	assert.equal(api.session.length, 1, "the session process got the mail key");
	const stored = await page.evaluate(kept);
	assert.deepEqual([stored.extractable, stored.raw], [false, "refused"]);
	await page.reload();
	await page.waitForFunction(() => globalThis.pgp !== undefined);
	assert.equal((await page.evaluate(() => keys.call("resume"))).state, "open");
	const [again] = await page.evaluate(() => pgp.call("ownKeys"));
	assert.equal(again.fingerprint, info.fingerprint);
	assert.deepEqual(await letterToOneself(page), { verdict: "verified", subject: "hidden", text: "to myself" });
	assert.equal(await moreKeys(page), true);
	const other = await page.context().newPage();
	await other.goto(url);
	await other.waitForFunction(() => globalThis.pgp !== undefined);
	assert.equal((await other.evaluate(() => keys.call("resume"))).state, "open");
	await page.evaluate(() => keys.call("signOut"));
	await other.waitForFunction(() => keys.call("status").then((s) => s.state === "out"));
	assert.equal((await other.evaluate(() => pgp.call("ownKeys"))).length, 0);
	assert.equal(await page.evaluate(kept), null);
	assert.equal((await page.evaluate(() => pgp.call("ownKeys"))).length, 0);
	const wrong = page.evaluate(({ address, options }) => keys.call("signInPassword", { address, password: "wrong", ...options })
		.then(() => "in", (e) => e.code), { address, options });
	assert.equal(await wrong, "auth");
}

try {
	const files = await build();
	const { Server, Peer, random } = await import(pathToFileURL(join(out, "server.mjs")));
	const peer = new Peer();
	await peer.call("opaque-server", random(64), random(32));
	const api = new Server(peer);
	const server = await listen(files, api);
	const browser = await chromium.launchPersistentContext(profile, {
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags,
	});
	const complaints = [];
	const page = await browser.newPage();
	page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
	page.on("pageerror", (e) => complaints.push(e.message));
	try {
		await run(page, `http://127.0.0.1:${server.address().port}/`, api);
		assert.deepEqual(complaints.filter((c) => !/status of 40[19]|favicon|404/.test(c)), []);
		console.log("ok");
	} finally {
		await browser.close();
		server.close();
		peer.close();
	}
} finally {
	rmSync(out, { recursive: true, force: true });
	rmSync(profile, { recursive: true, force: true });
}
