// Runs the browser tests against a server that somebody else started (tests/system/test_web.py). Arguments are the files
// whose tests are wanted, without ".mjs"; --list only names the tests. One that has a World of its own runs in other browsers than
// Chromium. Talks in lines of JSON:
// the first line that comes is the configuration; then {"run": name} is answered by {"done": name, "error"?: text}.
// In between a test may ask for what a browser cannot do: {"ask": what, ...} is answered by one line.
import { createInterface } from "node:readline";
import { World } from "./harness.mjs";

const list = process.argv.includes("--list");
const named = process.argv.slice(2).filter((a) => a !== "--list");
const parts = named.length ? named : ["reading", "writing", "filing", "accounts", "settings", "parts", "screens"];
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
const world = new (modules.find((m) => m.World)?.World ?? World)(config);
world.hasty = new Set(modules.flatMap((m) => m.hasty ?? []));

world.ask = async (what, args) => {
	write({ ask: what, ...args });
	const answer = await read();
	if (answer.error)
		throw new Error(answer.error);
	return answer;
};

async function run(name) {
	try {
		await tests[name](world);
		await world.inspect();
	} catch (e) {
		const faults = world.faults.length ? `\nThe pages: ${world.faults.join("\n")}` : "";
		return `${e.stack}${faults}${await world.keepScreens(name)}`;
	} finally {
		await world.tidy();
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
