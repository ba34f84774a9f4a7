// What the browser tests share: Chromium without a way to other hosts, people who are signed in, and the watch over
// what a page must never do (ask another host, write an error, break its policy).
import assert from "node:assert/strict";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { flags } from "./chromium.mjs";

const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** How long anything may take: a bound for what hangs, not a measure. */
export const patience = Number(process.env.LETTERLOCK_TEST_PATIENCE ?? 60_000);

const usual = { viewport: { width: 1440, height: 900 }, locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" };

export class World {
	constructor(config) {
		this.config = config;
		this.people = new Map();
		/** Those who have turned off that sending can be undone; a letter of the others goes ten seconds later. */
		this.hasty = new Set();
		this.faults = [];
		this.requests = 0;
	}

	get launching() {
		const { host, address, spki } = this.config;
		return {
			executablePath: "/usr/bin/chromium",
			args: [...flags, `--host-resolver-rules=MAP ${host} ${address}, MAP * ~NOTFOUND`, `--ignore-certificate-errors-spki-list=${spki}`],
		};
	}

	async open() {
		this.browser = await chromium.launch(this.launching);
	}

	/** A browser whose profile is on the disk. */
	async resident(folder, options = {}) {
		return this.watched(await chromium.launchPersistentContext(folder, { ...this.launching, ...usual, ...options }));
	}

	async close() {
		await this.browser?.close();
	}

	get url() {
		return `https://${this.config.host}:${this.config.port}`;
	}

	/** For a visitor: the settings of a browser in which sending cannot be undone. */
	get sendingAtOnce() {
		const localStorage = [{ name: "letterlock.prefs", value: JSON.stringify({ undoSeconds: 0 }) }];
		return { storageState: { cookies: [], origins: [{ origin: this.url, localStorage }] } };
	}

	/** A browser of its own: no cookies, nothing kept. */
	async visitor(options = {}) {
		return this.watched(await this.browser.newContext({ ...usual, ...options }));
	}

	watched(context) {
		context.setDefaultTimeout(patience);
		context.on("request", (r) => this.watchRequest(r.url()));
		context.on("response", (r) => this.watchResponse(r));
		context.on("console", (m) => this.watchConsole(m));
		context.on("weberror", (e) => this.faults.push(`script: ${e.error().stack || e.error()}`));
		return context;
	}

	watchRequest(url) {
		this.requests++;
		const { protocol, host } = new URL(url);
		if (!["blob:", "data:", "about:"].includes(protocol) && host !== new URL(this.url).host)
			this.faults.push(`a request to another host: ${url}`);
	}

	watchResponse(r) {
		// 409: another page of the same person was faster with its keys; this one makes its change again.
		const again = r.status() === 409 && r.url().endsWith("/keys-update");
		// A message that is deleted in the moment in which it is taken for reading without a connection.
		const gone = r.status() === 404 && new URL(r.url()).pathname.startsWith("/jmap/download/");
		if (r.status() >= 400 && ![401, 403].includes(r.status()) && !again && !gone)
			this.faults.push(`${r.status()} for ${r.request().method()} ${r.url()}`);
	}

	watchConsole(m) {
		// The answers themselves are looked at in watchResponse, and connections may break; what a browser keeps from a page is a fault of
		// the page. A WebSocket of a session that has just ended is refused.
		const refused = /^Failed to load resource(?!: net::ERR_BLOCKED_BY)|^WebSocket connection to .* Unexpected response code: 40[13]/.test(m.text());
		if (["error", "warning"].includes(m.type()) && !refused)
			this.faults.push(`${m.type()}: ${m.text()} (${m.location().url})`);
	}

	/** Fails when anything happened since the last time that must not. */
	inspect() {
		assert.deepEqual(this.faults.splice(0), [], "what a page must never do");
	}

	/** Faults that a test has caused itself. */
	forgive(pattern) {
		this.faults = this.faults.filter((f) => !pattern.test(f));
	}

	/** What was on the screen when a test failed: kept as pictures, and its beginning as text. */
	async keepScreens(name) {
		mkdirSync(this.config.screens, { recursive: true });
		const texts = [];
		for (const context of this.browser.contexts())
			for (const page of context.pages()) {
				await page.screenshot({ path: join(this.config.screens, `${name.replace(/\W+/g, "-").slice(0, 60)}-${texts.length}.png`), timeout: 5000 }).catch(() => undefined);
				const seen = await page.locator("body").innerText({ timeout: 5000 }).catch((e) => e.message);
				texts.push(`\nOn the screen, ${page.url()}: ${seen.replace(/\s+/g, " ").slice(0, 500)}`);
			}
		return texts.join("");
	}

	/** Pages that a failed test left; the people stay signed in. */
	async tidy() {
		const stay = new Set(this.people.values());
		for (const context of this.browser.contexts())
			if (stay.has(context))
				await Promise.all(context.pages().map((p) => p.close()));
			else
				await context.close();
		this.faults.length = 0;
	}

	/** A page of somebody who is signed in; the same browser each time. */
	async page(name = "alice") {
		if (!this.people.has(name)) {
			const context = await this.visitor(this.hasty.has(name) ? this.sendingAtOnce : {});
			const page = await context.newPage();
			await signIn(this, page, name);
			await page.close();
			this.people.set(name, context);
		}
		const page = await this.people.get(name).newPage();
		await page.goto(`${this.url}/mail/inbox`);
		await inbox(page);
		return page;
	}
}

export async function fillSignIn(world, page, name, password = world.config.people[name].password, stay = true) {
	await page.goto(`${world.url}/`);
	await page.fill("input[name=username]", world.config.people[name]?.address ?? name);
	await page.fill("input[name=password]", password);
	if (stay)
		await page.getByLabel("Stay signed in on this device").check();
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function signIn(world, page, name, password) {
	await fillSignIn(world, page, name, password);
	await inbox(page);
}

/** The mailboxes are there and the list has been answered. */
export async function inbox(page) {
	await page.getByRole("tree", { name: "Mailboxes" }).or(page.getByRole("main")).first().waitFor();
	await page.locator("main [role=option] time, main p:has-text('Nothing waits for you.')").first().waitFor();
}

export const rows = (page) => page.locator("main [role=option]:has(time)");
export const row = (page, text) => rows(page).filter({ hasText: text });
export const conversation = (page) => page.getByRole("region", { name: "Conversation" });
export const messages = (page) => conversation(page).getByRole("article");
/** By what is shown; its name for screen readers says how much is in it, too. */
export const box = (page, name) => page.getByRole("treeitem").filter({ has: page.getByText(name, { exact: true }) }).first();
export const toast = (page, text) => page.getByRole("status").filter({ hasText: text });

/** Scrolls until the row is drawn: the list has only those that are seen. */
export async function reveal(page, text) {
	const list = page.locator("main [role=listbox]");
	await eventually(`a row with ${text}`, async () => {
		if (await row(page, text).count())
			return true;
		await list.evaluate((el) => {
			el.scrollTop = el.scrollTop + el.clientHeight >= el.scrollHeight - 4 ? 0 : el.scrollTop + el.clientHeight / 2;
		});
		return false;
	});
	return row(page, text).first();
}

export async function openRow(page, text) {
	await (await reveal(page, text)).click();
	await conversation(page).getByRole("heading", { name: text }).waitFor();
	await messages(page).last().waitFor();
}

/** Polls until it is true; the reason when it never is. */
export async function eventually(what, condition) {
	const end = Date.now() + patience;
	let last;
	while (Date.now() < end) {
		try {
			const value = await condition();
			if (value)
				return value;
		} catch (e) {
			if (e.final)
				throw e;
			last = e;
		}
		await new Promise((done) => setTimeout(done, 100));
	}
	throw new Error(`never came true: ${what}${last ? ` (${last.message})` : ""}`);
}

/** A file of that many bytes, which takes no room on the disk. */
export function emptyFile(world, name, size) {
	const path = join(world.config.work, name);
	writeFileSync(path, "");
	truncateSync(path, size);
	return path;
}

/** Accessibility as axe sees it; what is serious fails. */
export async function checkAxe(page, where) {
	if (!(await page.evaluate(() => "axe" in globalThis)))
		await evaluateFile(page, axeFile);
	const found = await page.evaluate(async () => {
		const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"], iframes: false });
		return violations.filter((v) => v.impact === "serious" || v.impact === "critical")
			.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
	});
	assert.deepEqual(found, [], `axe, ${where}`);
}

/** Through the debugger, which the page's policy does not concern. */
async function evaluateFile(page, file) {
	const { readFileSync } = await import("node:fs");
	const client = await page.context().newCDPSession(page);
	const { exceptionDetails } = await client.send("Runtime.evaluate", { expression: `${readFileSync(file, "utf8")};0` });
	assert.equal(exceptionDetails, undefined);
	await client.detach();
}
