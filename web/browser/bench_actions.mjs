// Every action of somebody who reads and writes mail, each with the time from its event to the frame in which its effect is drawn.
// Started by tests/bench/web_actions.py; one line of JSON for each time an action was done.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { flags } from "./chromium.mjs";
import { composing, filing, moving, phone, reading, scrolling, searching, settings } from "./bench_list.mjs";

const config = JSON.parse(readFileSync(0, "utf8"));

/**
 * In the page: looks in every frame whether what is awaited is there. The time counts to what the main thread does next, which is
 * when that frame has been handed over to be drawn.
 */
function installWatch() {
	const kinds = ["keydown", "click", "contextmenu", "change", "scroll"];
	const watch = { began: 0, armed: false, entries: [] };
	const note = (e) => {
		if (watch.armed && watch.began === 0 && e.type === watch.on)
			watch.began = e.timeStamp;
	};
	for (const type of kinds)
		addEventListener(type, note, true);
	new PerformanceObserver((list) => watch.entries.push(...list.getEntries())).observe({ type: "longtask" });
	const afterFrame = (done) => {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => done(performance.now());
		port2.postMessage(0);
	};
	const until = (seen, was) => new Promise((done) => {
		const end = performance.now() + 20_000;
		const look = () => {
			if (watch.began !== 0 && seen(was))
				afterFrame((now) => done(now - watch.began));
			else if (performance.now() > end)
				done(null);
			else
				requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	});
	globalThis.bench = {
		arm(on, was, seen, whole) {
			const before = was();
			Object.assign(watch, { began: 0, armed: true, on, entries: [] });
			watch.first = until(seen, before);
			watch.all = whole ? until(whole, before) : Promise.resolve(null);
		},
		async result() {
			const [ms, whole] = await Promise.all([watch.first, watch.all]);
			watch.armed = false;
			return { ms, whole, task: Math.max(0, ...watch.entries.map((e) => e.duration)) };
		},
	};
}

const nothing = () => null;
const source = (f) => (f ? `(${f})` : "null");

class Bench {
	constructor(page, cdp, sink) {
		Object.assign(this, { page, cdp, sink });
	}

	/** Thread time, in milliseconds. */
	async cpu() {
		const { metrics } = await this.cdp.send("Performance.getMetrics");
		return metrics.find((m) => m.name === "TaskDuration").value * 1000;
	}

	/** One action: what it does by mouse or keys, and the functions that see in the page that it is done. */
	async act(name, { on, was = nothing, seen, whole, act, times = 3, before, after, rest = 350 }) {
		for (let i = 0; i < times; i++) {
			await before?.(i);
			await this.page.waitForTimeout(rest);
			await this.page.evaluate(`bench.arm(${JSON.stringify(on)}, ${source(was)}, ${source(seen)}, ${source(whole)})`);
			if (config.profile)
				await this.cdp.send("Profiler.start");
			const cpu = await this.cpu();
			await act(i);
			const result = await this.page.evaluate(() => globalThis.bench.result());
			await this.page.waitForTimeout(200);
			const spent = await this.cpu() - cpu;
			if (config.profile)
				this.keep(name, i, (await this.cdp.send("Profiler.stop")).profile);
			if (result.ms === null)
				throw new Error(`${name}, time ${i + 1}: nothing was seen`);
			this.sink({ action: name, ...result, cpu: spent });
			await after?.(i);
		}
	}

	keep(name, i, profile) {
		mkdirSync(config.profile, { recursive: true });
		writeFileSync(join(config.profile, `${name.replace(/\W+/g, "-")}-${i}.cpuprofile`), JSON.stringify(profile));
	}

	key(key) {
		return () => this.page.keyboard.press(key);
	}

	/** To the beginning: the inbox, nothing open, the cursor on its first row. */
	async home(path = "/mail/inbox") {
		await this.page.goto(`${config.url}${path}`);
		await this.page.locator("main [role=option]:has(time)").first().waitFor();
		// What the page fetches ahead of its use is there.
		await this.page.waitForTimeout(5000);
	}
}

async function signIn(context) {
	const page = await context.newPage();
	await page.goto(config.url);
	await page.locator("input[name=username]").fill(config.user);
	await page.locator("input[name=password]").fill(config.password);
	await page.getByLabel("Stay signed in on this device").check();
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await page.locator("main [role=option]:has(time)").first().waitFor();
	await page.close();
}

async function group(context, what) {
	const page = await context.newPage();
	await page.addInitScript(installWatch);
	const cdp = await context.newCDPSession(page);
	await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
	if (config.profile) {
		await cdp.send("Profiler.enable");
		await cdp.send("Profiler.setSamplingInterval", { interval: 200 });
	}
	const bench = new Bench(page, cdp, (sample) => process.stdout.write(`${JSON.stringify(sample)}\n`));
	try {
		await what(bench, config);
	} catch (e) {
		process.stderr.write(`${what.name}: ${e.stack}\n`);
		if (config.profile)
			await page.screenshot({ path: join(config.profile, `${what.name}.png`) });
		process.exitCode = 1;
	}
	await page.close();
}

const usual = { viewport: { width: 1440, height: 900 }, locale: "en-GB", ignoreHTTPSErrors: true, reducedMotion: "reduce" };
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
const wide = await browser.newContext(usual);
await signIn(wide);
const groups = { moving, reading, filing, searching, composing, settings, scrolling };
const chosen = (what) => config.only.length === 0 || config.only.includes(what);
for (const [name, what] of Object.entries(groups))
	if (chosen(name))
		await group(wide, what);
if (chosen("phone")) {
	const small = await browser.newContext({ ...usual, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
	await signIn(small);
	await group(small, phone);
}
await browser.close();
