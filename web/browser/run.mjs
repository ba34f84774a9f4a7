// Runs the browser tests against a server that somebody else started (tests/system/test_web.py). Arguments are the files
// whose tests are wanted, without ".mjs"; --list only names the tests. Talks in lines of JSON:
// the first line that comes is the configuration; then {"run": name} is answered by {"done": name, "error"?: text}.
// In between a test may ask for what a browser cannot do: {"ask": what, ...} is answered by one line.
import { createInterface } from "node:readline";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { World } from "./harness.mjs";

const list = process.argv.includes("--list");
const named = process.argv.slice(2).filter((a) => a !== "--list");
const parts = named.length ? named : ["reading", "writing", "filing", "accounts", "settings", "screens"];
const modules = await Promise.all(parts.map((p) => import(`./${p}.mjs`)));
const tests = Object.assign({}, ...modules.map((m) => m.tests));

if (list) {
	console.log(JSON.stringify(Object.keys(tests)));
	process.exit(0);
}
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const config = await read();
const world = new World(config);
world.hasty = new Set(modules.flatMap((m) => m.hasty ?? []));

world.ask = async (what, args) => {
	write({ ask: what, ...args });
	const answer = await read();
	if (answer.error)
		throw new Error(answer.error);
	return answer;
};

/** What was on the screen when a test failed: kept as pictures, and its beginning as text. */
async function keepScreens(name) {
	mkdirSync(config.screens, { recursive: true });
	const texts = [];
	for (const context of world.browser.contexts())
		for (const page of context.pages()) {
			await page.screenshot({ path: join(config.screens, `${name.replace(/\W+/g, "-").slice(0, 60)}-${texts.length}.png`), timeout: 5000 }).catch(() => undefined);
			const seen = await page.locator("body").innerText({ timeout: 5000 }).catch((e) => e.message);
			texts.push(`\nOn the screen, ${page.url()}: ${seen.replace(/\s+/g, " ").slice(0, 500)}`);
		}
	return texts.join("");
}

/** Pages that a failed test left; the people stay signed in. */
async function tidy() {
	const stay = new Set(world.people.values());
	for (const context of world.browser.contexts())
		if (stay.has(context))
			await Promise.all(context.pages().map((p) => p.close()));
		else
			await context.close();
	world.faults.length = 0;
}

async function run(name) {
	try {
		await tests[name](world);
		world.inspect();
	} catch (e) {
		const faults = world.faults.length ? `\nThe pages: ${world.faults.join("\n")}` : "";
		return `${e.stack}${faults}${await keepScreens(name)}`;
	} finally {
		await tidy();
	}
	return undefined;
}

await world.open();
for (;;) {
	const { value, done } = await lines.next();
	if (done)
		break;
	const { run: name } = JSON.parse(value);
	write({ done: name, error: await run(name) });
}
await world.close();
process.exit(0);
