// OpenPGP between people, in Chromium against a running server: two users encrypt without a click, and gpg stands
// on the other side in both directions. The server is that of ./run.
//
//   node browser/pgp.mjs CREDENTIALS.json [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, openPage } from "./support.mjs";

const [credentialsFile, shots] = process.argv.slice(2);
const credentials = JSON.parse(readFileSync(credentialsFile, "utf8"));
const origin = new URL(credentials.url).origin;
const [alice, bob] = credentials.accounts;
const mark = Date.now().toString(36);
const home = mkdtempSync(join(tmpdir(), "pgp-"));
const browser = await launch();

const gpg = (args, input) => execFileSync("gpg", ["--homedir", home, "--batch", "--yes", "--quiet", "--trust-model", "always", ...args], { input, stdio: ["pipe", "pipe", "pipe"] });
const curl = (account, args) => execFileSync("curl", ["-sS", "--cacert", credentials.ca, "--user", `${account.address}:${account.app_password}`, ...args], { maxBuffer: 1 << 26 });

async function shot(page, name) {
	if (!shots)
		return;
	mkdirSync(shots, { recursive: true });
	await page.screenshot({ path: join(shots, `${name}.png`) });
}

async function signIn(account, options = {}) {
	const opened = await openPage(browser, { origin, ...options });
	const { page } = opened;
	await page.goto(`${origin}/`);
	await page.getByLabel("Mail address").fill(account.address);
	await page.getByLabel("Password", { exact: true }).fill(account.password);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await page.getByRole("button", { name: "New message", exact: true }).first().waitFor({ timeout: 60_000 });
	return opened;
}

/** The key that the server's directory has for an address. */
async function publishedKey(page, address) {
	for (let i = 0; i < 60; i++) {
		const found = await page.evaluate(async (a) => (await fetch(`/api/v1/keys/lookup?address=${encodeURIComponent(a)}`, { cache: "no-store" })).json(), address);
		if (found.keys?.length)
			return found.keys[0];
		await page.waitForTimeout(500);
	}
	throw new Error(`no key of ${address} was published`);
}

async function write(page, { to, subject, text }) {
	await page.getByRole("button", { name: "New message", exact: true }).first().click();
	await page.getByRole("combobox", { name: "To" }).fill(to);
	await page.keyboard.press("Enter");
	await page.getByLabel("Subject").fill(subject);
	await page.locator(".ProseMirror").click();
	await page.keyboard.type(text);
}

const lockOf = (page) => page.locator("[data-lock]");

async function waitLock(page, state) {
	await page.locator(`[data-lock="${state}"]`).waitFor({ timeout: 30_000 });
}

async function send(page) {
	await page.getByRole("button", { name: "Send", exact: true }).click();
	await page.getByText(/^(Sent|Sending)/).first().waitFor({ timeout: 30_000 });
}

async function openLetter(page, text) {
	const row = page.locator("[id^=row-]").filter({ hasText: text }).first();
	await row.waitFor({ timeout: 60_000 });
	await row.click();
	await page.getByRole("article").first().waitFor();
}

const verdict = (page) => page.locator("[data-verdict]").last();

const steps = {};

steps["keys are made and published without a question"] = async ({ a, b }) => {
	assert.ok((await publishedKey(a.page, alice.address)).key);
	assert.ok((await publishedKey(b.page, bob.address)).key);
};

steps["two users encrypt without a click"] = async ({ a, b }) => {
	await write(a.page, { to: bob.address, subject: `Picnic ${mark}`, text: `The basket is blue ${mark}.` });
	await waitLock(a.page, "encrypted");
	await shot(a.page, "composer-encrypted");
	await send(a.page);
	await openLetter(b.page, "[...]");
	await b.page.frameLocator("article iframe").getByText(`The basket is blue ${mark}.`).waitFor({ timeout: 30_000 });
	assert.equal(await verdict(b.page).getAttribute("data-encrypted"), "true");
	assert.equal(await verdict(b.page).getAttribute("data-verdict"), "unverified");
	await b.page.getByRole("heading", { name: `Picnic ${mark}` }).waitFor();
	await shot(b.page, "reader-encrypted");
};

try {
	const people = { a: await signIn(alice), b: await signIn(bob) };
	for (const [name, step] of Object.entries(steps)) {
		if (process.env.ONLY && !name.includes(process.env.ONLY))
			continue;
		const start = Date.now();
		try {
			await step(people);
		} catch (e) {
			await shot(people.a.page, "failed-alice");
			await shot(people.b.page, "failed-bob");
			console.log([...people.a.faults, ...people.b.faults].join("\n"));
			throw new Error(`${name}: ${e.message}`, { cause: e });
		}
		console.log(`ok ${name} (${Date.now() - start} ms)`);
	}
	assert.deepEqual([...people.a.faults, ...people.b.faults], []);
} finally {
	await browser.close();
	rmSync(home, { recursive: true, force: true });
}
