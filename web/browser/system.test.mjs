// The client and a running Letterlock together, in Chromium: sign-up with recovery code, sign-in with password,
// authenticator and passkey, a letter from one to the other, settings.
//
//   ./run &                        with LETTERLOCK_DEMO and LETTERLOCK_PORTS as you like
//   node --test web/browser/system.test.mjs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findings, launch, openPage } from "./support.mjs";

const top = join(dirname(fileURLToPath(import.meta.url)), "../..");
const demo = process.env.LETTERLOCK_DEMO ?? join(top, "demo");
const binary = process.env.LETTERLOCK_BINARY ?? join(top, "build", "letterlock");
const file = join(demo, "credentials.json");
const skip = existsSync(file) ? false : `no server is running in ${demo}`;
const { url = "", accounts = [] } = skip ? {} : JSON.parse(readFileSync(file, "utf8"));
const origin = skip ? "" : new URL(url).origin;
const name = `walter${Date.now() % 1_000_000}`;
const password = "violet tractor seldom harbour";
const person = { address: `${name}@letterlock.test`, password };

let browser;
before(async () => {
	browser = skip ? null : await launch();
});
after(() => browser?.close());

async function signIn(page, { address, password }) {
	await page.goto(url);
	await page.getByLabel("Mail address").fill(address);
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

const inbox = (page) => page.getByRole("tree", { name: "Mailboxes" }).waitFor({ timeout: 60_000 });
const open = (options) => openPage(browser, { origin, ...options });

/** The code that an authenticator shows now (RFC 6238). */
function totp(secret, step = Math.floor(Date.now() / 30_000)) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const bits = [...secret.replace(/\s/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const hash = createHmac("sha1", key).update(counter).digest();
	return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("sign-up, with a recovery code that is typed back", { skip }, async () => {
	execFileSync(binary, ["--config", join(demo, "letterlock.conf"), "domain", "registration", "letterlock.test", "open"]);
	const { page, faults, context } = await open();
	await page.goto(`${url}signup`);
	await page.getByLabel("Mail address").fill(name);
	await page.getByLabel("Password", { exact: true }).fill("password1");
	await page.getByText("Very weak").waitFor();
	assert.deepEqual(await findings(page), []);
	await page.getByRole("button", { name: "Continue" }).click();
	await page.getByText("too easy to guess").waitFor();
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.getByText("Very strong").waitFor();
	await page.getByRole("button", { name: "Continue" }).click();
	const code = await page.locator("[data-code]").getAttribute("data-code", { timeout: 120_000 });
	assert.match(code, /^([0-9A-Z]{5}-){4}[0-9A-Z]{6}$/);
	assert.deepEqual(await findings(page), []);
	await page.getByRole("button", { name: "I have kept it" }).click();
	const groups = page.getByLabel(/^Group \d$/);
	for (let i = 0; i < 2; i++)
		await groups.nth(i).fill("WRONG");
	await page.getByRole("button", { name: "Create an account" }).click();
	await page.getByText("That is not right").waitFor();
	for (const label of await page.locator("label").allTextContents())
		await page.getByLabel(label).fill(code.split("-")[Number(label.slice(6)) - 1]);
	await page.getByRole("button", { name: "Create an account" }).click();
	await inbox(page);
	assert.deepEqual(faults, []);
	await context.close();
});

test("a wrong password is refused in plain words", { skip }, async () => {
	const { page, faults, context } = await open();
	await signIn(page, { ...accounts[1], password: "not this one" });
	await page.getByRole("alert").getByText("That is not right").waitFor({ timeout: 30_000 });
	assert.deepEqual(await findings(page), []);
	assert.deepEqual(faults, []);
	await context.close();
});

test("a letter from one browser shows in the other by itself, and the answer too", { skip }, async () => {
	const [a, b] = [await open(), await open({ size: "phone" })];
	const subject = `Between browsers ${Date.now()}`;
	await signIn(a.page, person);
	await inbox(a.page);
	await signIn(b.page, accounts[1]);
	await b.page.getByRole("listbox", { name: "Inbox" }).or(b.page.getByText("Nothing waits for you")).waitFor({ timeout: 60_000 });
	await a.page.keyboard.press("c");
	await a.page.getByRole("combobox", { name: "To" }).fill(accounts[1].address);
	await a.page.keyboard.press("Enter");
	await a.page.getByRole("textbox", { name: "Subject" }).fill(subject);
	await a.page.keyboard.press("Tab");
	await a.page.keyboard.type("Do you see this? 🐢");
	await a.page.getByText("Draft saved").waitFor();
	await a.page.keyboard.press("Control+Enter");
	await b.page.getByText(subject).first().click({ timeout: 60_000 });
	await b.page.frameLocator("iframe").getByText("Do you see this? 🐢").waitFor();
	await b.page.getByRole("button", { name: "Reply" }).last().click();
	await b.page.getByRole("textbox", { name: "Text of the message" }).click();
	await b.page.keyboard.press("Control+Home");
	await b.page.keyboard.type("Yes.");
	await b.page.getByText("Draft saved").waitFor();
	await b.page.getByRole("button", { name: "Send", exact: true }).click();
	await a.page.getByText(`Re: ${subject}`).first().click({ timeout: 60_000 });
	await a.page.getByRole("article").last().waitFor();
	for (const { page, faults, context } of [a, b]) {
		assert.deepEqual(await findings(page), []);
		assert.deepEqual(faults, []);
		await context.close();
	}
});

test("an authenticator app is asked for once it is turned on", { skip }, async () => {
	const { page, faults, context } = await open();
	await signIn(page, person);
	await inbox(page);
	await page.goto(`${url}settings/security`);
	await page.getByText("this browser").waitFor();
	assert.deepEqual(await findings(page), []);
	await page.getByRole("button", { name: "Add authenticator app" }).click();
	const dialog = page.getByRole("dialog", { name: "Add authenticator app" });
	const secret = (await dialog.locator("[class*=secret]").textContent()).trim();
	assert.deepEqual(await findings(page), []);
	const step = Math.floor(Date.now() / 30_000);
	await dialog.getByLabel("Code of six digits").fill(totp(secret, step));
	await dialog.getByRole("button", { name: "Turn on" }).click();
	await dialog.waitFor({ state: "detached" });
	assert.deepEqual(faults, []);
	await context.close();

	const again = await open();
	await signIn(again.page, person);
	await again.page.getByRole("heading", { name: "One more step" }).waitFor({ timeout: 30_000 });
	assert.deepEqual(await findings(again.page), []);
	// No step counts twice: this is the next one, which is accepted early.
	await again.page.getByLabel("Code of six digits").fill(totp(secret, step + 1));
	await again.page.getByRole("button", { name: "Sign in", exact: true }).click();
	await inbox(again.page);
	assert.deepEqual(again.faults, []);
	await again.context.close();
});

test("signing out forgets, and an address from before shows nothing", { skip }, async () => {
	const { page, faults, context } = await open();
	await signIn(page, accounts[0]);
	await inbox(page);
	await page.getByRole("button", { name: /^Account menu/ }).click();
	await page.getByRole("menuitem", { name: "Sign out" }).click();
	await page.getByRole("heading", { name: "Sign in" }).waitFor();
	await page.goto(`${url}mail/inbox`);
	await page.getByRole("heading", { name: "Sign in" }).waitFor();
	assert.equal((await context.cookies()).filter((c) => c.value).length, 0);
	assert.deepEqual(faults, []);
	await context.close();
});
