// The client alone in Chromium, over a JMAP from memory: every screen, by keyboard, at three sizes, with 100,000
// messages, and with a letter that does all that a hostile one can.
//
//   node build.mjs && node --test browser/client.test.mjs
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { count, hostileHtml } from "./hostile.mjs";
import { serve } from "./memory_jmap.mjs";
import { findings, launch, openPage } from "./support.mjs";

let server, browser;
before(async () => {
	server = await serve(0, 100_000);
	browser = await launch();
});
after(async () => {
	await browser?.close();
	server?.close();
});

async function inbox(options) {
	const opened = await openPage(browser, { origin: server.url, ...options });
	await opened.page.goto(`${server.url}/mail/inbox`);
	await opened.page.waitForSelector("[id^=row-]");
	return opened;
}

const boxOf = (id) => Object.keys(server.memory.emails.get(id).mailboxIds).join();
const openMenuItem = async (page, name) => page.getByRole("menuitem", { name, exact: true }).click();

test("the list reaches the last of 100,000 messages, and draws few rows", async () => {
	const { page, faults, context } = await inbox();
	const list = page.getByRole("listbox", { name: "Inbox" });
	await list.evaluate((el) => { el.scrollTop = el.scrollHeight; });
	await page.waitForFunction(() => {
		const rows = [...document.querySelectorAll("[id^=row-]")];
		const box = document.querySelector("[role=listbox][aria-label=Inbox]").getBoundingClientRect();
		return rows.some((r) => Math.abs(r.getBoundingClientRect().bottom - box.bottom) < 2);
	});
	assert.ok(await page.locator("[id^=row-]").count() < 60);
	await list.evaluate((el) => { el.scrollTop = el.scrollHeight / 2; });
	await page.waitForFunction(() => document.querySelectorAll("[id^=row-]").length > 5);
	assert.deepEqual(faults, []);
	await context.close();
});

test("read, star, archive and undo, by keyboard alone", async () => {
	const { page, faults, context } = await inbox();
	const first = await page.locator("[id^=row-]").first().getAttribute("id");
	const id = first.slice(4);
	await page.keyboard.press("Enter");
	await page.waitForURL(new RegExp(`/mail/inbox/${id}$`));
	await page.getByRole("article").first().waitFor();
	await page.waitForFunction(() => document.querySelector("[data-open]") && !document.querySelector("[data-open][data-unread]"));
	assert.ok(server.memory.emails.get(id).keywords.$seen);
	await page.keyboard.press("s");
	await page.waitForSelector(`#${first} [data-on]`);
	await page.keyboard.press("e");
	await page.waitForSelector(`#${first}`, { state: "detached" });
	assert.equal(boxOf(id), "archive");
	await page.keyboard.press("z");
	await page.waitForSelector(`#${first}`);
	await page.waitForFunction(() => true);
	assert.equal(boxOf(id), "inbox");
	await page.keyboard.press("u");
	await page.waitForURL(/\/mail\/inbox$/);
	await page.keyboard.press("s");
	assert.deepEqual(faults, []);
	await context.close();
});

test("select a range, move it by the menu, undo", async () => {
	const { page, faults, context } = await inbox();
	await page.keyboard.press("j");
	await page.keyboard.press("x");
	await page.getByRole("listbox", { name: "Inbox" }).focus();
	await page.keyboard.press("Shift+ArrowDown");
	await page.keyboard.press("Shift+ArrowDown");
	const ids = await page.locator("[id^=row-][aria-selected=true]").evaluateAll((rows) => rows.map((r) => r.id.slice(4)));
	assert.equal(ids.length, 3);
	await page.keyboard.press("v");
	await openMenuItem(page, "Travel");
	await page.waitForSelector(`#row-${ids[0]}`, { state: "detached" });
	assert.deepEqual(ids.map(boxOf), ["travel", "travel", "travel"]);
	await page.getByRole("button", { name: "Undo" }).click();
	await page.waitForSelector(`#row-${ids[0]}`);
	assert.deepEqual(ids.map(boxOf), ["inbox", "inbox", "inbox"]);
	assert.deepEqual(faults, []);
	await context.close();
});

test("drag to a mailbox", async () => {
	const { page, faults, context } = await inbox();
	const row = page.locator("[id^=row-]").nth(2);
	const id = (await row.getAttribute("id")).slice(4);
	await row.dragTo(page.getByRole("treeitem", { name: "Choir" }));
	await page.waitForSelector(`#row-${id}`, { state: "detached" });
	assert.equal(boxOf(id), "choir");
	assert.deepEqual(faults, []);
	await context.close();
});

test("search with operators", async () => {
	const { page, faults, context } = await inbox();
	await page.keyboard.press("/");
	await page.keyboard.type("from:jonas has:attachment");
	await page.keyboard.press("Enter");
	await page.waitForURL(/\/search\//);
	await page.waitForSelector("[id^=row-]");
	const names = await page.locator("[id^=row-]").allTextContents();
	assert.ok(names.length > 3 && names.every((n) => n.includes("Jonas")), names[0]);
	assert.deepEqual(faults, []);
	await context.close();
});

test("another program's change shows without asking", async () => {
	const { page, faults, context } = await inbox();
	const row = page.locator("[id^=row-]").nth(1);
	const id = (await row.getAttribute("id")).slice(4);
	await page.waitForTimeout(300);
	server.memory.emails.get(id).mailboxIds = { trash: true };
	server.memory.changed();
	await page.waitForSelector(`#row-${id}`, { state: "detached" });
	assert.deepEqual(faults, []);
	await context.close();
});

test("write, be reminded of the attachment, send, take it back", async () => {
	const { page, faults, context } = await inbox();
	const drafts = () => [...server.memory.emails.values()].filter((e) => e.keywords.$draft);
	await page.keyboard.press("c");
	await page.getByRole("region", { name: "New message" }).waitFor();
	await page.getByRole("combobox", { name: "To" }).fill("bob@letterlock.test");
	await page.keyboard.press("Enter");
	await page.getByRole("textbox", { name: "Subject" }).fill("Plans");
	await page.keyboard.press("Tab");
	await page.keyboard.press("Control+b");
	await page.keyboard.type("See attached");
	await page.getByText("Draft saved").waitFor();
	assert.equal(drafts().length, 1);
	assert.match(drafts()[0].html, /<strong>See attached<\/strong>/);
	assert.match(drafts()[0].text, /^See attached/);
	await page.keyboard.press("Control+Enter");
	await page.getByText("nothing is attached").waitFor();
	await page.getByRole("button", { name: "Keep writing" }).click();
	await page.locator("input[type=file]").setInputFiles({ name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("a plan") });
	await page.getByRole("list", { name: "1 attachment" }).waitFor();
	await page.waitForTimeout(1600);
	await page.keyboard.press("Control+Enter");
	await page.getByRole("button", { name: "Undo" }).click();
	await page.getByRole("region", { name: "New message" }).waitFor();
	assert.equal(drafts().length, 1);
	await page.getByRole("button", { name: "Discard draft" }).click();
	await page.getByText("Draft discarded").waitFor();
	await page.waitForTimeout(300);
	assert.equal(drafts().length, 0);
	assert.deepEqual(faults, []);
	await context.close();
});

test("a letter that is being written outlives its tab", async () => {
	const { page, faults, context } = await inbox();
	await page.keyboard.press("c");
	await page.getByRole("textbox", { name: "Subject" }).fill("Half a thought");
	await page.getByText("Draft saved").waitFor();
	await page.reload();
	await page.getByRole("region", { name: "New message" }).waitFor();
	assert.equal(await page.getByRole("textbox", { name: "Subject" }).inputValue(), "Half a thought");
	await page.getByRole("button", { name: "Discard draft" }).click();
	assert.deepEqual(faults, []);
	await context.close();
});

test(`a letter with ${count} ways to phone home reaches nobody and runs nothing`, async () => {
	const { page, faults, context } = await openPage(browser, { origin: server.url });
	const told = [];
	await page.exposeFunction("told", (kind) => told.push(kind));
	await page.addInitScript(() => addEventListener("message", (e) => globalThis.told?.(String(e.data?.kind))));
	server.memory.emails.get("m6").html = hostileHtml();
	await page.goto(`${server.url}/mail/inbox/m6`);
	const frame = page.frameLocator("iframe");
	await frame.getByText("the end is shown").waitFor();
	await page.waitForTimeout(1200);
	assert.ok(told.includes("ready"), "messages of the frame are seen");
	assert.ok(!told.includes("ran"));
	assert.deepEqual(faults, []);
	assert.match(await page.getByText(/remote items were not loaded/).textContent(), /^\d\d remote/);
	await frame.locator("body").evaluate(() => { if (origin !== "null") throw new Error(`the frame has the origin ${origin}`); });
	await context.close();
});

test("a link that lies about where it goes asks first", async () => {
	const { page, faults, context } = await openPage(browser, { origin: server.url });
	await page.goto(`${server.url}/mail/inbox/m4`);
	await page.frameLocator("iframe").getByText("https://weeklygrain.example/archive").click();
	await page.getByRole("dialog", { name: "This link goes somewhere else" }).waitFor();
	await page.getByRole("dialog").getByText("https://evil.example/login").waitFor();
	assert.deepEqual(faults, []);
	await context.close();
});

const screens = {
	inbox: async () => undefined,
	conversation: async (page) => { await page.goto(`${server.url}/mail/inbox/m3`); await page.getByRole("article").first().waitFor(); },
	warning: async (page) => { await page.goto(`${server.url}/mail/inbox/m5`); await page.getByRole("article").first().waitFor(); },
	writing: async (page) => { await page.keyboard.press("c"); await page.getByRole("region", { name: "New message" }).waitFor(); },
	palette: async (page) => { await page.keyboard.press("Control+k"); await page.getByRole("dialog").waitFor(); },
	keys: async (page) => { await page.keyboard.press("?"); await page.getByRole("dialog").waitFor(); },
	search: async (page) => { await page.goto(`${server.url}/search/roof`); await page.waitForSelector("[id^=row-]"); },
	appearance: async (page) => { await page.goto(`${server.url}/settings/appearance`); await page.getByRole("heading", { name: "Appearance" }).waitFor(); },
	mail: async (page) => { await page.goto(`${server.url}/settings/mail`); await page.getByText("Alice Moreau").waitFor(); },
};

for (const size of ["desktop", "phone"])
	for (const scheme of ["light", "dark"])
		test(`axe finds nothing, ${size}, ${scheme}`, async () => {
			for (const [name, show] of Object.entries(screens)) {
				const { page, faults, context } = await inbox({ size, scheme });
				await show(page);
				await page.waitForTimeout(150);
				assert.deepEqual(await findings(page), [], name);
				assert.deepEqual(faults, [], name);
				await context.close();
			}
		});

test("every language fits the phone", async () => {
	for (const locale of ["de-DE", "fr-FR"]) {
		const { page, faults, context } = await inbox({ size: "phone", locale });
		assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
		for (const path of ["/mail/inbox", "/mail/inbox/m3", "/settings/mail"]) {
			await page.goto(server.url + path);
			await page.waitForTimeout(400);
			assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${locale} ${path}`);
		}
		assert.deepEqual(faults, []);
		await context.close();
	}
});
