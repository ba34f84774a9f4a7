// Opens every letter of hostile_mail.mjs in the real client, in Chromium, with a listener in the place of every host but
// ours, and tells what came of it. Started by tests/system/test_hostile.py, which has delivered the letters; the first line
// of input is the configuration, the answer is one line of JSON.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { flags } from "./chromium.mjs";
import { sealedLetters } from "./hostile_sealed.mjs";

const config = JSON.parse(readFileSync(0, "utf8"));
const origin = `https://${config.host}:${config.port}`;
const list = JSON.parse(readFileSync(join(config.folder, "index.json"), "utf8"));
const patience = Number(process.env.LETTERLOCK_TEST_PATIENCE ?? 60_000);
const result = { leaks: [], faults: [], images: [], letters: {}, others: [], control: false };

/** Whoever connects has been led here by a letter, or is Chromium itself, which asks its maker for this and that. The name of the host stands in TLS's hello and in HTTP's head. */
function connected(said) {
	const name = /v\d+\.evil\.example/.exec(said)?.[0];
	const browsers = /[\w-]+\.(?:google|googleapis|gstatic)\.com/.exec(said)?.[0];
	if (name === "v999.evil.example")
		result.control = true;
	else if (name || !browsers)
		result.leaks.push(`a connection to ${name ?? JSON.stringify(said.slice(0, 300))}`);
	else
		result.others.push(browsers);
}

function listen() {
	const server = createServer((socket) => {
		socket.on("error", () => undefined);
		let said = "";
		socket.setTimeout(2000, () => socket.destroy());
		socket.on("data", (data) => {
			said += data.toString("latin1");
			if (said[0] !== "\x16" || said.length >= 5 + (said.charCodeAt(3) << 8 | said.charCodeAt(4)))
				socket.destroy();
		});
		socket.on("close", () => said && connected(said));
	});
	return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

const sink = await listen();
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: [...flags, `--host-resolver-rules=MAP ${config.host} 127.0.0.1, MAP * 127.0.0.1:${sink.address().port}`, `--ignore-certificate-errors-spki-list=${config.spki}`],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" });
context.setDefaultTimeout(patience);

// --- what must never happen ---

let imagesWanted = false;
const name = (page) => page.letter ?? "no letter";
context.on("request", (r) => {
	const url = r.url();
	if (/^(blob|data|about):/.test(url))
		return;
	const { origin: there, pathname } = new URL(url);
	if (there !== origin)
		result.leaks.push(`a request: ${url}`);
	else if (pathname === "/api/v1/image")
		(imagesWanted ? result.images : result.leaks).push(url);
});
context.on("weberror", (e) => result.faults.push(`script: ${e.error().stack}`));
context.on("page", (page) => {
	page.on("dialog", (d) => { result.leaks.push(`a dialog: ${name(page)}`); void d.dismiss(); });
	page.on("popup", () => result.leaks.push(`a window: ${name(page)}`));
	page.on("download", () => result.leaks.push(`a download: ${name(page)}`));
});
// One whose key is looked for all the time that the letters are read.
await context.route(/\/api\/v1\/keys\/lookup\?address=held/, () => undefined);
await context.exposeFunction("ran", (where) => result.leaks.push(`script ran: ${where}`));
await context.addInitScript(() => addEventListener("message", (e) => {
	if (e.data?.kind === "ran")
		globalThis.ran(location.pathname);
}));

/** What there may not be in a frame: looked at in the frame itself. */
function census() {
	const bad = [];
	const own = new Set([...document.head.children, ...document.querySelectorAll("body > script")]);
	for (const el of document.querySelectorAll("*")) {
		if (own.has(el) && !el.innerHTML.includes("evil.example"))
			continue;
		if (/^(script|link|meta|base|iframe|frame|frameset|object|embed|applet|form|input|button|select|textarea|video|audio|source|track|svg|math|template|noscript|portal|fencedframe|webview|bgsound|dialog)$/i.test(el.localName))
			bad.push(`<${el.localName}>`);
		for (const { name, value } of el.attributes) {
			const loads = ["src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc", "action", "formaction", "ping", "attributionsrc", "longdesc", "is", "id", "name"].includes(name);
			if (/^on/.test(name) || (loads && !(name === "src" && /^(blob:|data:image\/(png|gif|jpeg|webp))/.test(value))))
				bad.push(`${el.localName} ${name}=${value.slice(0, 80)}`);
			if (name.endsWith("href") && !/^(https?:|mailto:|tel:)/.test(value))
				bad.push(`${el.localName} ${name}=${value.slice(0, 80)}`);
			if (name === "style" && /url\(\s*["']?(?!data:)|image-set/i.test(value))
				bad.push(`style=${value.slice(0, 80)}`);
		}
	}
	for (const sheet of document.styleSheets)
		for (const rule of sheet.cssRules)
			if (/url\(\s*["']?(?!data:)|@import|image-set/i.test(rule.cssText))
				bad.push(`sheet: ${rule.cssText.slice(0, 80)}`);
	if (document.title !== "Message")
		bad.push(`title ${document.title}`);
	if (origin !== "null")
		bad.push(`origin ${origin}`);
	return [...new Set(bad)].slice(0, 10);
}

// --- opening ---

const frameOf = (page) => page.frames().find((f) => f.parentFrame() === page.mainFrame() && f.url().endsWith("/mailframe"));

async function inFrame(page, fn, args) {
	const frame = frameOf(page);
	return frame ? frame.evaluate(fn, args).catch(() => null) : null;
}

/** Is the letter there? A frame that never was told anything, or was navigated away, is not. */
async function appears(page, { id, mark, withheld, says }) {
	const until = Date.now() + (withheld ? 4000 : patience);
	while (Date.now() < until) {
		const text = await page.evaluate((id) => document.querySelector(`article[data-message="${CSS.escape(id)}"]`)?.textContent ?? "", id);
		if (text.includes(mark))
			return "text";
		if (says && new RegExp(says).test(text))
			return "reason";
		if (text && await inFrame(page, (mark) => document.body?.textContent.includes(mark), mark))
			return "frame";
		await page.waitForTimeout(40);
	}
	return "";
}

async function openLetter(page, letter) {
	page.letter = letter.name;
	const began = Date.now();
	await page.evaluate((to) => {
		history.pushState(null, "", to);
		dispatchEvent(new PopStateEvent("popstate"));
	}, `/mail/inbox/${encodeURIComponent(letter.id)}`);
	const shown = await appears(page, letter);
	const seen = Date.now() - began;
	await page.mouse.move(700, 400 + Math.floor(seen % 50));
	await page.waitForTimeout(60);
	const parent = await page.evaluate(() => ({
		path: location.pathname, title: document.title, strange: document.querySelectorAll(".hostile-mark, #app form, ll-gone, script:not([src]):not([type=importmap])").length,
		sound: typeof document.querySelector === "function" && document.body instanceof HTMLBodyElement && document.getElementById("app") instanceof HTMLDivElement,
		notes: [...document.querySelectorAll("article [role=note]")].map((e) => e.textContent), words: document.querySelector("article")?.innerText ?? "",
		verdicts: [...document.querySelectorAll("[data-verdict]")].map((e) => e.dataset.verdict),
	}));
	const strange = shown === "frame" ? await inFrame(page, census) : [];
	const secret = parent.words.includes("SECRET-") || (await inFrame(page, () => document.documentElement.outerHTML.includes("SECRET-"))) === true;
	process.stderr.write(`${new Date().toISOString()} ${letter.name}: ${shown || "not shown"} after ${seen} ms\n`);
	result.letters[letter.name] = { shown, ms: seen, secret, strange: strange ?? ["the frame is gone"], ...parent };
}

async function signIn(page) {
	await page.goto(origin);
	await page.getByLabel("Mail address").fill(config.person.address);
	await page.getByLabel("Password", { exact: true }).fill(config.person.password);
	// So that the other pages have the keys, too.
	await page.getByLabel("Stay signed in on this device").check();
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await page.getByRole("tree", { name: "Mailboxes" }).waitFor();
	await page.evaluate(() => {
		globalThis.jmap = async (methodCalls) => (await (await fetch("/jmap/api", {
			method: "POST", headers: { "Content-Type": "application/json", "X-Letterlock": "1" },
			body: JSON.stringify({ using: ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], methodCalls }),
		})).json()).methodResponses;
		globalThis.ofMail = async () => (await (await fetch("/jmap/session")).json()).primaryAccounts["urn:ietf:params:jmap:mail"];
	});
}

/** The key that was made and published when she signed in. */
async function ownKey(page) {
	for (const end = Date.now() + patience; Date.now() < end; await page.waitForTimeout(100)) {
		const { keys } = await page.evaluate(async (a) => (await fetch(`/api/v1/keys/lookup?address=${encodeURIComponent(a)}`, { headers: { "X-Letterlock": "1" } })).json(), config.person.address);
		if (keys?.[0])
			return Buffer.from(keys[0].key, "base64url");
	}
	throw new Error("no key was published");
}

/** Puts letters into the inbox. */
function put(page, raws) {
	return page.evaluate(async (raws) => {
		const accountId = await ofMail();
		const [[, mailboxes]] = await jmap([["Mailbox/get", { accountId }, "m"]]);
		const inbox = mailboxes.list.find((m) => m.role === "inbox");
		const emails = {};
		for (const [i, raw] of raws.entries()) {
			const bytes = Uint8Array.from(atob(raw), (c) => c.charCodeAt(0));
			const { blobId } = await (await fetch(`/jmap/upload/${accountId}`, { method: "POST", headers: { "X-Letterlock": "1", "Content-Type": "message/rfc822" }, body: bytes })).json();
			emails[i] = { blobId, mailboxIds: { [inbox.id]: true } };
		}
		const [[, { notCreated }]] = await jmap([["Email/import", { accountId, emails }, "i"]]);
		if (notCreated && Object.keys(notCreated).length)
			throw new Error(JSON.stringify(notCreated));
	}, raws.map((raw) => Buffer.from(raw).toString("base64")));
}

/** The letters' ids, by their subjects. */
function ids(page) {
	return page.evaluate(async () => {
		const accountId = await ofMail();
		const found = await jmap([
			["Email/query", { accountId, limit: 500 }, "q"],
			["Email/get", { accountId, "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "subject"] }, "g"],
		]);
		return Object.fromEntries(found[1][1].list.map((e) => [e.subject, e.id]));
	});
}

async function openAll() {
	const pages = [await context.newPage()];
	await signIn(pages[0]);
	const sealed = await sealedLetters(await ownKey(pages[0]), list.length);
	for (let i = 0; i < sealed.length; i += 20)
		await put(pages[0], sealed.slice(i, i + 20).map((l) => l.raw));
	list.push(...sealed.map(({ raw, ...rest }) => rest));
	result.list = list;
	const known = await ids(pages[0]);
	result.missing = list.filter((l) => !known[l.name]).map((l) => l.name);
	while (pages.length < 3) {
		pages.push(await context.newPage());
		await pages.at(-1).goto(`${origin}/mail/inbox`);
		await pages.at(-1).getByRole("tree", { name: "Mailboxes" }).waitFor();
	}
	const waiting = list.filter((l) => known[l.name] && (!config.only || l.name.includes(config.only))).map((l) => ({ ...l, id: known[l.name] }));
	await Promise.all(pages.map(async (page) => {
		for (let letter = waiting.shift(); letter; letter = waiting.shift())
			await openLetter(page, letter);
	}));
	await pages[0].waitForTimeout(1000);
	for (const page of pages.slice(1))
		await page.close();
	return { page: pages[0], known };
}

/** With leave for the images, these come by our server, and nothing else does. */
async function allowImages(page, known) {
	imagesWanted = true;
	for (const subject of ["img src", "picture source", "meta policy, set-cookie, referrer", "attributes twice", "sheet @font-face", "multipart/alternative, several of a kind"]) {
		await openLetter(page, { ...list.find((l) => l.name === subject), id: known[subject] });
		const button = page.getByRole("button", { name: "Show images" });
		if (await button.count())
			await button.click();
		await page.waitForTimeout(300);
	}
	await page.waitForTimeout(500);
}

const { page, known } = await openAll();
if (!config.only)
	await allowImages(page, known);
await page.close();
// The listener is there, and would have noticed.
const control = await browser.newContext();
await control.newPage().then((p) => p.goto("http://v999.evil.example/").catch(() => undefined));
await browser.close();
sink.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
