// The same three things in two web clients on the same mail, in turns: the way to the inbox, opening a message, searching.
// Started by tests/bench/web_peer.py. Each time is taken in the page, from its navigation or from the event to what is drawn;
// one line of JSON for each.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { flags } from "./chromium.mjs";

const config = JSON.parse(readFileSync(0, "utf8"));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const clients = {
	letterlock: {
		row: "main [role=option]:has(time)",
		async signIn(page) {
			await page.getByLabel("Address").fill(config.user);
			await page.getByLabel("Password", { exact: true }).fill(config.password);
			await page.getByRole("button", { name: "Sign in", exact: true }).click();
		},
		opened: { text: "[aria-label=Conversation]" },
		search: { field: "input[role=combobox]", phrase: true },
	},
	roundcube: {
		row: "#messagelist tbody tr.message",
		async signIn(page) {
			await page.locator("#rcmloginuser").fill(config.peerUser);
			await page.locator("#rcmloginpwd").fill(config.peerPassword);
			await page.locator("#rcmloginsubmit").click();
		},
		opened: { frame: "#messagecontframe" },
		search: { field: "#mailsearchform" },
	},
};

/** From the start of the navigation to the first row, in the page's own clock. */
const watchRows = (selector) => {
	const look = () => {
		if (document.querySelector(selector))
			globalThis.benchRows = performance.now();
		else
			requestAnimationFrame(look);
	};
	requestAnimationFrame(look);
};

/** Waits until the text is drawn; the milliseconds since the event that asked for it. */
const untilSeen = ({ place, text, began }) => new Promise((done) => {
	const look = () => {
		const root = place.frame ? document.querySelector(place.frame)?.contentDocument?.body : document.querySelector(place.text);
		if (root?.textContent.includes(text))
			done(performance.now() - began);
		else
			requestAnimationFrame(look);
	};
	look();
});

async function toInbox(context, client, url) {
	const page = await context.newPage();
	await page.addInitScript(watchRows, client.row);
	await page.goto(url);
	await page.waitForFunction(() => globalThis.benchRows !== undefined, undefined, { timeout: 600_000 });
	const ms = await page.evaluate(() => globalThis.benchRows);
	await page.close();
	return ms;
}

async function open(page, client, i) {
	const row = page.locator(client.row).nth(i);
	const number = /Letter (\d+)/.exec(await row.innerText())[1];
	const began = await row.evaluate((el) => {
		const began = performance.now();
		for (const type of ["mousedown", "mouseup", "click"])
			el.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, view: globalThis }));
		return began;
	});
	return page.evaluate(untilSeen, { place: client.opened, text: `number${number}.`, began });
}

/** The row of the newest letter that has the word, while the list still shows the inbox, which has it further down. */
async function search(page, client, { word, newest }) {
	const field = page.locator(client.search.field).first();
	await field.fill(client.search.phrase && word.includes(" ") ? `"${word}"` : word);
	const began = await field.evaluate((el) => {
		el.focus();
		return performance.now();
	});
	await page.keyboard.press("Enter");
	return page.evaluate(untilSeen, { place: { text: client.row }, text: `Letter ${newest}`, began });
}

async function measure(browser, name, url) {
	const client = clients[name];
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", ignoreHTTPSErrors: true, reducedMotion: "reduce" });
	context.setDefaultTimeout(600_000);
	const first = await context.newPage();
	await first.goto(url);
	await client.signIn(first);
	await first.locator(client.row).first().waitFor();
	await first.close();
	const say = (what, ms) => process.stdout.write(`${JSON.stringify({ client: name, what, ms: Math.round(ms * 10) / 10 })}\n`);
	const inbox = [];
	for (let i = 0; i < 9; i++)
		inbox.push(await toInbox(context, client, name === "roundcube" ? `${url}?_task=mail&_mbox=INBOX` : `${url}mail/inbox`));
	say("page to inbox, signed in", median(inbox));
	const page = await context.newPage();
	await page.goto(name === "roundcube" ? `${url}?_task=mail&_mbox=INBOX` : `${url}mail/inbox`);
	await page.locator(client.row).first().waitFor();
	const opened = [];
	for (let i = 1; i < 12; i++)
		opened.push(await open(page, client, i));
	say("open a message", median(opened));
	for (const what of config.searches) {
		say(`search ${what.name}, first time`, await search(page, client, what));
		await page.goto(name === "roundcube" ? `${url}?_task=mail&_mbox=INBOX` : `${url}mail/inbox`);
		await page.locator(client.row).first().waitFor();
		say(`search ${what.name}, again`, await search(page, client, what));
		await page.goto(name === "roundcube" ? `${url}?_task=mail&_mbox=INBOX` : `${url}mail/inbox`);
		await page.locator(client.row).first().waitFor();
	}
	await context.close();
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
for (const [name, url] of Object.entries(config.clients))
	await measure(browser, name, url);
await browser.close();
