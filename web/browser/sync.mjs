// What all browsers of one person know: each test uses two browsers that share nothing but the account.
import assert from "node:assert/strict";
import { eventually, inbox, row, signIn, toast } from "./harness.mjs";
import { compose, composer, lock, publishedSoon, send, shown } from "./pgp.mjs";

const address = (name) => `${name}@letterlock.test`;

async function browserOf(world, name, options = {}) {
	const context = await world.visitor(options);
	const page = await context.newPage();
	await signIn(world, page, name);
	return { context, page };
}

const known = (page, who) => page.locator(`[data-key-of="${address(who)}"]`);

async function keysPage(world, page) {
	await page.goto(`${world.url}/settings/keys`);
	await page.locator("[data-own-key]").first().waitFor();
	await page.locator('[data-sync="done"]').waitFor();
}

/** Whoever has signed in once has a key that others find. */
async function publishes(world, name) {
	const { context } = await browserOf(world, name);
	await publishedSoon(world, name);
	await context.close();
}

/** A letter is written so far that the keys of its recipient are known, and pinned with sending. */
async function writeTo(page, who, subject) {
	await compose(page, { to: address(who), subject, text: "Hello." });
	await lock(page, "encrypted").waitFor();
	await send(page);
}

/** The menu of somebody's key; which: the one that is used, or another. */
async function menu(page, who, item, which = "") {
	const button = page.getByRole("button", { name: "What can be done with this key" });
	await page.locator("div").filter({ has: page.locator(`[data-key-of="${address(who)}"]${which}`) }).filter({ has: button }).last().getByRole("button").click();
	await page.getByRole("menuitem", { name: item }).click();
}

/** As the server has it, asked as any other program would. */
function jmap(page, name, args) {
	return page.evaluate(async ([name, args]) => {
		const headers = { "X-Letterlock": "1", "Content-Type": "application/json" };
		const session = await (await fetch("/jmap/session")).json();
		const capability = "urn:letterlock:params:jmap:settings";
		const body = JSON.stringify({ using: ["urn:ietf:params:jmap:core", capability], methodCalls: [[name, { accountId: session.primaryAccounts[capability], ...args }, "a"]] });
		return (await (await fetch("/jmap/api", { method: "POST", headers, body })).json()).methodResponses[0][1];
	}, [name, args]);
}

const parts = async (page) => (await jmap(page, "ClientSettings/get", { ids: null })).list;

async function compared(world, page, who) {
	await keysPage(world, page);
	await known(page, who).waitFor();
	await menu(page, who, "I have compared it");
	await page.getByRole("dialog", { name: `Compare the key of ${address(who)}` }).getByRole("button", { name: "I have compared it" }).click();
	await page.locator(`[data-key-of="${address(who)}"][data-verified="true"]`).waitFor();
	await page.locator('[data-sync="done"]').waitFor();
}

export const tests = {
	async "a key made in one browser opens letters in another that has been open all the time"(world) {
		const [a, b] = [await browserOf(world, "bob"), await browserOf(world, "bob")];
		await publishedSoon(world, "bob");
		// The page has its keys, and has opened a letter with them.
		await keysPage(world, a.page);
		const before = await a.page.locator("[data-own-key]").first().getAttribute("data-own-key");
		await a.page.getByRole("link", { name: "Back to mail" }).click();
		await inbox(a.page);
		await keysPage(world, b.page);
		await b.page.getByRole("button", { name: "New key", exact: true }).click();
		await toast(b.page, "The new key is in use and published").waitFor();
		assert.notEqual(await b.page.locator("[data-own-key]").first().getAttribute("data-own-key"), before);
		const alice = await browserOf(world, "alice", world.sendingAtOnce);
		await writeTo(alice.page, "bob", "To the newer key");
		await row(a.page, "To the newer key").click();
		await shown(a.page, "Hello.").first().waitFor();
		for (const { context } of [a, b, alice])
			await context.close();
	},

	async "a key compared in one browser is compared in another, and so are preferences"(world) {
		const a = await browserOf(world, "bob");
		await publishes(world, "alice");
		await writeTo(a.page, "alice", "Sync one");
		await compared(world, a.page, "alice");
		await a.page.goto(`${world.url}/settings/appearance`);
		await a.page.getByLabel("Rows of the list").selectOption("compact");
		const b = await browserOf(world, "bob");
		await keysPage(world, b.page);
		await b.page.locator(`[data-key-of="${address("alice")}"][data-verified="true"]`).waitFor();
		await eventually("the density came along", async () => await b.page.evaluate(() => document.documentElement.dataset.density) === "compact");
		// And while both are open, in the other direction.
		await b.page.goto(`${world.url}/settings/appearance`);
		await b.page.getByLabel("Rows of the list").selectOption("roomy");
		await eventually("it changes at the other, too", async () => await a.page.evaluate(() => document.documentElement.dataset.density) === "roomy");
		await a.context.close();
		await b.context.close();
	},

	async "two browsers that change something at once both keep it"(world) {
		const [a, b] = [await browserOf(world, "carol"), await browserOf(world, "carol")];
		for (const name of ["alice", "bob"])
			await publishes(world, name);
		for (const { page } of [a, b])
			await keysPage(world, page);
		await Promise.all([
			(async () => { await a.page.goto(`${world.url}/mail/inbox`); await inbox(a.page); await writeTo(a.page, "alice", "At once one"); })(),
			(async () => { await b.page.goto(`${world.url}/mail/inbox`); await inbox(b.page); await writeTo(b.page, "bob", "At once two"); })(),
		]);
		for (const { page } of [a, b]) {
			await keysPage(world, page);
			for (const who of ["alice", "bob"])
				await page.locator(`[data-key-of="${address(who)}"][data-used="true"]`).waitFor();
		}
		await a.context.close();
		await b.context.close();
	},

	async "an old copy is noticed, and takes nothing back"(world) {
		const a = await browserOf(world, "bob");
		await keysPage(world, a.page);
		const old = await parts(a.page);
		assert.ok(old.length >= 2, "a root and a part");
		await menu(a.page, "alice", "Let another key take its place");
		await a.page.locator(`[data-key-of="${address("alice")}"][data-used="false"]`).waitFor();
		await eventually("written", async () => (await parts(a.page)).every((p) => !old.some((o) => o.data === p.data && o.data === old[0].data)));
		await a.page.locator('[data-sync="done"]').waitFor();
		// The server gives back what it had before.
		const now = await parts(a.page);
		const put = await jmap(a.page, "ClientSettings/set", { create: Object.fromEntries(old.map((p, i) => [`p${i}`, { data: p.data }])), destroy: now.map((p) => p.id) });
		assert.equal(put.notCreated, null);
		await a.page.locator("[data-went-back]").waitFor();
		await a.page.locator(`[data-key-of="${address("alice")}"][data-used="false"]`).waitFor();
		assert.equal(await a.page.locator(`[data-key-of="${address("alice")}"][data-used="true"]`).count(), 0, "the pin did not come back");
		// It was written once more, and another browser has what is right.
		await a.page.locator('[data-sync="done"]').waitFor();
		const b = await browserOf(world, "bob");
		await keysPage(world, b.page);
		await b.page.locator(`[data-key-of="${address("alice")}"]`).waitFor({ state: "detached" });
		assert.equal(await b.page.locator("[data-went-back]").count(), 0);
		await a.context.close();
		await b.context.close();
	},

	async "the server has only padded parts in which no address stands, in memory or on disk"(world) {
		const a = await browserOf(world, "carol");
		const list = await parts(a.page);
		for (const { data } of list) {
			const bytes = Buffer.from(data, "base64");
			const plain = bytes.length - 87 - 24 - 32;
			const chunks = Math.ceil(plain / (16384 + 16));
			assert.ok([4, 8, 16, 32, 48].map((n) => n * 1024).includes(plain - chunks * 16), `${bytes.length} bytes are not padded`);
			assert.ok(!/alice|bob|letterlock\.test/.test(bytes.toString("latin1")));
			assert.equal((await world.ask("on_disk", { hex: bytes.subarray(200, 232).toString("hex") })).found, false, "what the server keeps is sealed once more");
		}
		assert.equal((await world.ask("on_disk", { hex: Buffer.from(`pin/${address("alice")}`).toString("hex") })).found, false);
		await a.context.close();
	},

	async "a key that was withdrawn is not published by itself in another browser"(world) {
		const a = await browserOf(world, "bob");
		await keysPage(world, a.page);
		await a.page.getByRole("button", { name: "What can be done with this key" }).first().click();
		await a.page.getByRole("menuitem", { name: "Publish" }).click();
		await toast(a.page, "The key is published").waitFor();
		await a.page.getByRole("button", { name: "What can be done with this key" }).first().click();
		await a.page.getByRole("menuitem", { name: "Withdraw" }).click();
		await toast(a.page, "The key is not published any more").waitFor();
		await eventually("told", async () => await a.page.evaluate(() => JSON.parse(Object.entries(localStorage).find(([k]) => k.startsWith("letterlock.shared."))[1]).published) === "withdrawn");
		const b = await browserOf(world, "bob");
		await keysPage(world, b.page);
		await eventually("the other browser knows", () => b.page.evaluate(() => Object.values(localStorage).includes("withdrawn")));
		assert.equal((await world.ask("wkd", { address: address("bob") })).key, null, "still withdrawn");
		await a.context.close();
		await b.context.close();
	},

	async "a changed key is taken in the settings, with a warning, and a key is forgotten"(world) {
		const a = await browserOf(world, "carol");
		const gus = await browserOf(world, "gus");
		await publishedSoon(world, "gus");
		await writeTo(a.page, "gus", "Before");
		await keysPage(world, gus.page);
		await gus.page.getByRole("button", { name: "New key", exact: true }).click();
		await toast(gus.page, "The new key is in use and published").waitFor();
		await a.page.reload();
		await inbox(a.page);
		await compose(a.page, { to: address("gus"), subject: "After", text: "Hello." });
		await lock(a.page, "ask").waitFor();
		await composer(a.page).getByRole("button", { name: "Discard draft" }).click();
		await a.page.evaluate(() => { history.pushState(null, "", "/settings/keys"); dispatchEvent(new PopStateEvent("popstate")); });
		const other = a.page.locator(`[data-key-of="${address("gus")}"][data-used="false"]`);
		await other.first().waitFor();
		const fresh = await other.first().getAttribute("data-fingerprint");
		await menu(a.page, "gus", "Use the new key", '[data-used="false"]');
		const dialog = a.page.getByRole("dialog", { name: `Use another key for ${address("gus")}?` });
		await dialog.getByText("somebody who wants to read your messages").waitFor();
		await dialog.getByRole("button", { name: "Use the new key" }).click();
		await a.page.locator(`[data-fingerprint="${fresh}"][data-used="true"]`).waitFor();
		await a.page.goto(`${world.url}/mail/inbox`);
		await inbox(a.page);
		await writeTo(a.page, "gus", "After");
		await keysPage(world, a.page);
		const before = await known(a.page, "gus").count();
		await menu(a.page, "gus", "Forget this key");
		await a.page.getByRole("dialog", { name: `Forget the key of ${address("gus")}?` }).getByRole("button", { name: "Forget this key" }).click();
		await eventually("forgotten", async () => await known(a.page, "gus").count() === before - 1);
		await a.context.close();
		await gus.context.close();
	},
};
