// The page that asks whether a program may have access, and the program's way back. The program's own address is answered here,
// so that nothing leaves the browser.
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { proven } from "./accounts.mjs";
import { checkAxe as axe, eventually, inbox, toast } from "./harness.mjs";

const BACK = "http://127.0.0.1:7777/back";
const MAIL = "urn:ietf:params:oauth:scope:mail";

/** Where the program's user is sent; `got` gets what comes back to the program. */
async function program(world, page, changes = {}) {
	const { clientId, challenge, verifier } = await world.ask("program", { name: changes.name ?? "Post & Co", uri: BACK });
	const got = [];
	await page.route("http://127.0.0.1:7777/**", (route) => {
		got.push(new URL(route.request().url()));
		return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Program</title><p>Thank you.</p>" });
	});
	const query = new URLSearchParams({
		response_type: "code", client_id: clientId, redirect_uri: BACK, scope: MAIL, state: "a b&c", code_challenge: challenge, code_challenge_method: "S256", ...changes.query,
	});
	return { url: `${world.url}/authorize?${query}`, got, clientId, verifier };
}

const answers = (got, what) => eventually(what, async () => got.length === 1).then(() => got[0].searchParams);
const forgive = (world) => world.forgive(/another host: http:\/\/127\.0\.0\.1:7777/);

async function allow(world, page, got) {
	await page.getByRole("button", { name: "Allow" }).click();
	await proven(page, "the program has its answer", async () => got.length === 1, world.config.people.alice.password);
	forgive(world);
	return got[0].searchParams;
}

async function programs(world, page) {
	await page.goto(`${world.url}/settings/security`);
	const list = page.locator("section", { has: page.getByRole("heading", { name: "App passwords" }) });
	await list.getByText("test", { exact: true }).waitFor();
	return list;
}

async function keep(world, page, name) {
	mkdirSync(world.config.screens, { recursive: true });
	for (const [width, height] of [[1440, 900], [390, 844]])
		for (const colorScheme of ["light", "dark"]) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			await page.screenshot({ path: join(world.config.screens, `${name}-${width}-${colorScheme}.png`) });
			assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "nothing is wider than the screen");
		}
	await page.setViewportSize({ width: 1440, height: 900 });
	await page.emulateMedia({ colorScheme: "light" });
}

export const tests = {
	async "a program is let in, has mail, stands in the list, and is put out again"(world) {
		const page = await world.page();
		const { url, got, clientId, verifier } = await program(world, page);
		await page.goto(url);
		await page.getByRole("heading", { name: "Post & Co asks for access" }).waitFor();
		for (const text of ["alice@letterlock.test", "read, change and delete all your mail", "send mail in your name", "a program on this device (127.0.0.1)"])
			await page.getByText(text, { exact: true }).waitFor();
		await axe(page, "the question");
		await keep(world, page, "authorize");
		assert.equal(got.length, 0, "nothing goes anywhere before a click");
		const back = await allow(world, page, got);
		assert.deepEqual([back.get("state"), back.get("iss"), back.get("error")], ["a b&c", world.url, null]);
		const tokens = await world.ask("exchange", { code: back.get("code"), client_id: clientId, redirect_uri: BACK, code_verifier: verifier });
		assert.equal((await world.ask("reads", { access: tokens.access_token })).address, "alice@letterlock.test");
		const list = await programs(world, page);
		await list.getByText("Post & Co", { exact: true }).waitFor();
		await list.getByRole("button", { name: "Revoke Post & Co" }).click();
		await proven(page, "it is revoked", async () => !(await list.getByText("Post & Co", { exact: true }).count()), world.config.people.alice.password);
		await toast(page, "Post & Co was revoked").waitFor();
		assert.equal((await world.ask("reads", { access: tokens.access_token })).address, null, "put out");
	},

	async "a program that may only send, for a month"(world) {
		const page = await world.page();
		const { url, got, clientId, verifier } = await program(world, page, { name: "Sender", query: { scope: "urn:letterlock:scope:send" } });
		await page.goto(url);
		await page.getByText("send mail in your name", { exact: true }).waitFor();
		assert.equal(await page.getByText("read, change and delete").count(), 0, "no more than that");
		await page.getByLabel("For how long").selectOption({ label: "One month" });
		const back = await allow(world, page, got);
		const tokens = await world.ask("exchange", { code: back.get("code"), client_id: clientId, redirect_uri: BACK, code_verifier: verifier });
		assert.equal(tokens.scope, "urn:letterlock:scope:send");
		assert.equal((await world.ask("reads", { access: tokens.access_token })).address, null, "it cannot read");
		const list = await programs(world, page);
		await list.getByText(/ends on \d/).waitFor();
		// Seen again when the end has passed.
		await page.addInitScript(() => { const now = Date.now; Date.now = () => now() + 40 * 86_400_000; });
		await page.reload();
		await list.getByText(/ended on \d/).waitFor();
		assert.equal(await list.getByText(/ends on \d/).count(), 0);
	},

	async "a program that is refused is told so, and gets nothing"(world) {
		const page = await world.page();
		const { url, got } = await program(world, page, { name: "Nobody" });
		await page.goto(url);
		await page.getByRole("button", { name: "Refuse" }).click();
		const back = await answers(got, "the program is told");
		forgive(world);
		assert.deepEqual([...back.keys()].sort(), ["error", "iss", "state"]);
		assert.deepEqual([back.get("error"), back.get("state")], ["access_denied", "a b&c"]);
		const list = await programs(world, page);
		assert.equal(await list.getByText("Nobody", { exact: true }).count(), 0);
	},

	async "who is not signed in signs in first, and is asked then"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		const { url, got } = await program(world, page);
		await page.goto(url);
		await page.fill("input[name=username]", "alice@letterlock.test");
		await page.fill("input[name=password]", world.config.people.alice.password);
		await page.getByRole("button", { name: "Sign in", exact: true }).click();
		await page.getByRole("heading", { name: "Post & Co asks for access" }).waitFor();
		assert.equal(got.length, 0, "signing in allows nothing");
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		await context.close();
	},

	async "what is malformed is sent nowhere; what is not possible, only if one wants to"(world) {
		const page = await world.page();
		const wrong = await program(world, page, { query: { redirect_uri: "http://127.0.0.1:7777/elsewhere" } });
		await page.goto(wrong.url);
		await page.getByRole("heading", { name: "This cannot be allowed" }).waitFor();
		world.forgive(/^400 for GET .*oauth\/request/);
		assert.equal(await page.getByRole("main").getByRole("button").count(), 0, "there is nothing to click");
		const unknown = await program(world, page, { query: { scope: "everything" } });
		await page.goto(unknown.url);
		await page.getByRole("button", { name: "Tell the program" }).waitFor();
		assert.equal(wrong.got.length + unknown.got.length, 0, "nothing goes anywhere by itself");
		await page.getByRole("button", { name: "Tell the program" }).click();
		await eventually("it is told", async () => wrong.got.length + unknown.got.length > 0);
		forgive(world);
		assert.equal([...wrong.got, ...unknown.got][0].searchParams.get("error"), "invalid_scope");
	},
};
