// What a large mailbox asks of the page: an import of an mbox file with a break in the middle, a file of 5 GB, the way to the
// inbox, opening, searching, exporting. Started by tests/bench/web_large.py; one line of JSON for each thing measured.
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { conversation, eventually, inbox, rows, signIn, World } from "./harness.mjs";

const config = JSON.parse(readFileSync(0, "utf8"));
const world = new World(config);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const median = (list) => Math.round([...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]);
const largest = (list) => Math.round(Math.max(...list));

/**
 * What the processes of this Chromium take: the largest renderer, in MiB. Part of it is none of the page's: Chromium keeps the bodies
 * of requests for the inspector by which this test drives it.
 */
function renderers() {
	const parents = new Map();
	for (const pid of readdirSync("/proc").filter((d) => /^\d+$/.test(d)))
		try {
			parents.set(Number(pid), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))[1]));
		} catch {
			// It has just ended.
		}
	const ours = (pid) => pid === process.pid || (parents.has(pid) && pid > 1 && ours(parents.get(pid)));
	let most = 0;
	for (const pid of parents.keys())
		try {
			if (ours(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("--type=renderer"))
				most = Math.max(most, Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) / 256);
		} catch {
			// The same.
		}
	return most;
}

/** Samples while something goes on. */
async function watched(work) {
	const seen = [];
	const timer = setInterval(() => seen.push(Math.round(renderers())), 1000);
	const began = Date.now();
	const value = await work().finally(() => clearInterval(timer));
	const at = (part) => seen[Math.min(seen.length - 1, Math.floor(part * seen.length))] ?? 0;
	return { value, seconds: Math.round((Date.now() - began) / 100) / 10, rendererMiB: { most: largest([0, ...seen]), fifths: [0, 0.2, 0.4, 0.6, 0.8, 0.99].map(at) } };
}

const running = (page) => page.locator("[data-phase]");
const status = async (page) => (await running(page).getByRole("status").innerText()).replace(/\s+/g, " ");
const imported = async (page) => Number(/^([\d,]+) messages? imported/.exec(await status(page))?.[1].replaceAll(",", "") ?? 0);

async function choose(page, file, button) {
	await page.goto(`${world.url}/settings/transfer`);
	await page.getByRole("button", { name: "Next: mbox files" }).click();
	await page.locator("dialog input[type=file]").waitFor({ state: "attached" });
	await page.setInputFiles("dialog input[type=file]", join(config.files, file));
	await page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
	await running(page).waitFor();
}

/** For hours, if it must be. */
async function until(page, condition) {
	for (;;) {
		const phase = await running(page).getAttribute("data-phase");
		if (phase === "halted")
			throw new Error(await status(page));
		if (phase === "done" || await condition())
			return;
		await page.waitForTimeout(500);
	}
}

async function bring(context) {
	const first = await context.newPage();
	const one = await watched(async () => {
		await choose(first, "Large.mbox", "Import");
		await until(first, async () => await imported(first) > config.letters * 0.4);
		return imported(first);
	});
	await first.close();
	say({ what: "import, to 40 %", ...one, perSecond: Math.round(one.value / one.seconds) });
	const page = await context.newPage();
	const two = await watched(async () => {
		await choose(page, "Large.mbox", "Go on");
		await until(page, () => false);
		return status(page);
	});
	say({ what: "import, after a break", ...two });
	await page.close();
}

async function hollow(context) {
	const page = await context.newPage();
	const all = await watched(async () => {
		await choose(page, "Hollow.mbox", "Import");
		await until(page, () => false);
		return status(page);
	});
	say({ what: `a file of ${Math.round(statSync(join(config.files, "Hollow.mbox")).size / 1e8) / 10} GB`, ...all });
	await page.close();
}

async function toInbox(context) {
	const times = [];
	for (let i = 0; i < 7; i++) {
		const page = await context.newPage();
		const began = Date.now();
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		times.push(Date.now() - began);
		await page.close();
	}
	say({ what: "page to inbox, signed in", ms: median(times), first: times[0] });
}

async function large(page) {
	await page.goto(`${world.url}/mail/inbox`);
	await inbox(page);
	await page.getByRole("treeitem").filter({ hasText: "Large" }).first().click();
	await rows(page).filter({ hasText: "Letter" }).first().waitFor();
}

/** In the page itself, so that the way of the test is not measured with it. */
const clock = (page, act, seen) => page.evaluate(async ([act, seen]) => {
	const target = document.querySelector(act);
	const began = performance.now();
	const there = new Promise((done) => {
		const look = () => (document.querySelector(seen.selector)?.textContent.includes(seen.text) ? done() : requestAnimationFrame(look));
		look();
	});
	target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: globalThis }));
	await there;
	return performance.now() - began;
}, [act, seen]);

async function openLetters(context) {
	const page = await context.newPage();
	const boxBegan = Date.now();
	await large(page);
	say({ what: "page to the mailbox of all letters", ms: Date.now() - boxBegan });
	const times = [];
	for (let i = 2; i < 14; i++) {
		const number = (await rows(page).nth(i).innerText()).match(/Letter (\d+)/)[1];
		await rows(page).nth(i).evaluate((el) => { for (const o of document.querySelectorAll("[data-bench]")) delete o.dataset.bench; el.dataset.bench = "1"; });
		times.push(await clock(page, "[data-bench]", { selector: "[aria-label=Conversation]", text: `unique${number}` }));
		await conversation(page).getByRole("article").last().waitFor();
	}
	say({ what: "open a message: its text", ms: median(times), most: largest(times) });
	await page.close();
}

async function typed(context) {
	const { common, second, seldom } = config.words;
	const page = await context.newPage();
	await page.goto(`${world.url}/mail/inbox`);
	await inbox(page);
	const ms = {};
	for (const word of [seldom, second, common]) {
		const began = Date.now();
		await page.keyboard.press("/");
		await page.keyboard.type(word);
		await page.keyboard.press("Enter");
		await page.waitForURL(/\/search\//);
		await rows(page).first().waitFor();
		ms[word] = Date.now() - began;
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
	}
	say({ what: "search, from the first key to the first row", ms });
	await page.close();
}

async function take(context) {
	const page = await context.newPage();
	await page.addInitScript(() => { delete globalThis.showSaveFilePicker; });
	await page.goto(`${world.url}/settings/transfer`);
	await page.getByLabel("Format").selectOption("mbox");
	const all = await watched(async () => {
		const download = page.waitForEvent("download", { timeout: 0 });
		await page.getByRole("button", { name: "Export", exact: true }).click();
		const file = await (await download).path();
		const { size } = statSync(file);
		rmSync(file);
		return size;
	});
	say({ what: "export, as one file", ...all });
	await page.close();
}

await world.open();
const context = await world.visitor();
const start = await context.newPage();
await signIn(world, start, "alice");
await start.close();
await { bring, hollow, toInbox, openLetters, typed, take }[config.step](context);
await world.close();
process.exit();
