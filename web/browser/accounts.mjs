// Accounts: sign-up, second factors, passkeys, and what one sees of them in the settings.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { eventually, fillSignIn, inbox, reveal, signIn, toast } from "./harness.mjs";

const strong = "violet tractor seldom harbour";

/** RFC 6238 with SHA-1, six digits, 30 seconds; `ahead` steps from now. */
function totp(secret, ahead = 0) {
	const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
	const tag = createHmac("sha1", key).update(counter).digest();
	return String((tag.readUInt32BE((tag[19] ?? 0) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** `open`: whoever comes may have an account; else an invitation is made. */
async function signUp(world, page, name, open) {
	const code = open ? null : (await world.ask("invitation", {})).code;
	await page.goto(`${world.url}/signup`);
	await page.fill("input[name=username]", name);
	await page.fill("input[autocomplete=new-password]", strong);
	if (code)
		await page.getByLabel("Invitation").fill(code);
	await page.getByRole("button", { name: "Continue" }).click();
	const recovery = await page.locator("[data-code]").getAttribute("data-code");
	await page.getByRole("button", { name: "I have kept it" }).click();
	return recovery;
}

async function typeBack(page, recovery, wrong = false) {
	const groups = recovery.split("-");
	for (const label of await page.locator("form label").allInnerTexts()) {
		const group = groups[Number(/\d+/.exec(label)[0]) - 1];
		await page.getByLabel(label, { exact: true }).fill(wrong ? group.replace(/./g, (c) => (c === "A" ? "B" : "A")) : group);
	}
	await page.getByRole("button", { name: "Create an account" }).click();
}

export async function newAccount(world, page, name, { open = false } = {}) {
	const recovery = await signUp(world, page, name, open);
	await typeBack(page, recovery);
	await inbox(page);
	return { address: `${name}@letterlock.test`, recovery };
}

/** Waits for it; gives the password where the page asks for a proof, as it does when its keys were left behind by a reload. */
export async function proven(page, what, condition, password = strong) {
	const dialog = page.getByRole("dialog", { name: "Your password, please" });
	await eventually(what, async () => {
		if (await dialog.isVisible()) {
			await dialog.getByLabel("Password", { exact: true }).fill(password);
			await dialog.getByRole("button", { name: "Continue" }).click();
			await dialog.waitFor({ state: "detached" });
		}
		return condition();
	});
}

const ledOut = (page) => page.getByText("You were signed out.");

export async function signOut(page) {
	await page.getByRole("button", { name: /^Account menu/ }).click();
	await page.getByRole("menuitem", { name: "Sign out" }).click();
	await page.locator("input[name=password]").waitFor();
}

export const tests = {
	async "signing up: the recovery code must be typed back; then mail can be sent"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		const recovery = await signUp(world, page, "carol");
		await typeBack(page, recovery, true);
		await page.getByRole("alert").waitFor();
		await typeBack(page, recovery);
		await inbox(page);
		await page.getByText("Nothing waits for you.").waitFor();
		const { token } = await world.ask("deliver", { to: "carol" });
		await reveal(page, token);
		await signOut(page);
		// The code opens the account without the password.
		await page.getByRole("button", { name: "Use the recovery code" }).click();
		await page.fill("input[name=username]", "carol@letterlock.test");
		await page.getByLabel("Recovery code").fill(recovery);
		await page.getByRole("button", { name: "Sign in", exact: true }).click();
		await reveal(page, token);
		await context.close();
	},

	async "a weak password is not accepted"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await page.goto(`${world.url}/signup`);
		await page.fill("input[name=username]", "weak");
		await page.fill("input[autocomplete=new-password]", "password1234");
		await page.getByLabel("Invitation").fill("0".repeat(26));
		await page.getByText(/^(Very weak|Weak)/).first().waitFor();
		await page.getByRole("button", { name: "Continue" }).click();
		await page.getByRole("alert").filter({ hasText: "too easy to guess" }).waitFor();
		await context.close();
	},

	async "an authenticator app: added, asked for, and no code twice"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		const { address } = await newAccount(world, page, "dora");
		await page.goto(`${world.url}/settings/security`);
		await page.getByRole("button", { name: "Add authenticator app" }).click();
		const dialog = page.getByRole("dialog", { name: "Add authenticator app" });
		await dialog.getByRole("img", { name: /QR code/ }).waitFor();
		const secret = (await dialog.getByText(/^([A-Z2-7]{4} )+[A-Z2-7]{1,4}$/).innerText()).replace(/\s/g, "");
		const first = totp(secret);
		await dialog.getByLabel("Code of six digits").fill(first);
		await dialog.getByRole("button", { name: "Turn on" }).click();
		await dialog.waitFor({ state: "detached" });
		await signOut(page);
		await fillSignIn(world, page, address, strong);
		await page.getByRole("heading", { name: "Second step" }).waitFor();
		await page.getByLabel("Code of six digits").fill(first);
		await page.getByRole("button", { name: "Sign in", exact: true }).click();
		await page.getByRole("alert").waitFor();
		await page.getByLabel("Code of six digits").fill(totp(secret, 1));
		await page.getByRole("button", { name: "Sign in", exact: true }).click();
		await inbox(page);
		await context.close();
	},

	async "a passkey signs in without the password"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		const client = await context.newCDPSession(page);
		await client.send("WebAuthn.enable");
		const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
			options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true },
		});
		const { address } = await newAccount(world, page, "emil");
		await page.goto(`${world.url}/settings/security`);
		await page.getByRole("button", { name: "Add passkey" }).click();
		await proven(page, "it opens keys", () => toast(page, "It can sign you in without the password.").isVisible());
		await page.getByText("opens keys").waitFor();
		const { credentials } = await client.send("WebAuthn.getCredentials", { authenticatorId });
		assert.equal(credentials.length, 1, "credentials");
		await signOut(page);
		await page.getByRole("button", { name: "Use a passkey" }).click();
		await inbox(page);
		await signOut(page);
		// With the password it is the second step.
		await fillSignIn(world, page, address, strong);
		await page.getByRole("heading", { name: "Second step" }).waitFor();
		await page.getByRole("button", { name: "Use a passkey" }).click();
		await inbox(page);
		await context.close();
	},

	async "an app password made here opens IMAP, and nothing after it is revoked"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		const { address } = await newAccount(world, page, "finn");
		await page.goto(`${world.url}/settings/security`);
		const group = page.locator("section", { has: page.getByRole("heading", { name: "App passwords" }) });
		await group.getByRole("button", { name: "Make a new one" }).click();
		const dialog = page.getByRole("dialog", { name: "App password" });
		await dialog.getByLabel("Program").fill("Phone");
		await dialog.getByRole("button", { name: "Make", exact: true }).click();
		const made = dialog.getByText(/^[0-9A-HJKMNP-TV-Z -]{26,}$/);
		await proven(page, "the app password", () => made.isVisible());
		const password = await made.innerText();
		assert.equal((await world.ask("imap", { address, password })).opened, true, "IMAP with it");
		await dialog.getByRole("button", { name: "Done" }).click();
		await group.getByText("Phone").waitFor();
		await group.getByRole("button", { name: "Revoke Phone" }).click();
		await proven(page, "revoked", () => toast(page, "Phone was revoked").isVisible());
		assert.equal((await world.ask("imap", { address, password })).opened, false, "IMAP after it is revoked");
		await context.close();
	},

	async "a new password signs out the others"(world) {
		const [here, there] = [await world.visitor(), await world.visitor()];
		const page = await here.newPage();
		const { address } = await newAccount(world, page, "greta");
		const other = await there.newPage();
		await signIn(world, other, address, strong);
		await page.goto(`${world.url}/settings/security`);
		await eventually("two sessions", async () => await page.getByText(/^Chrome, Linux/).count() === 2);
		await page.getByRole("button", { name: "Change", exact: true }).click();
		const dialog = page.getByRole("dialog", { name: "Change password" });
		await dialog.getByLabel("New password").fill(`${strong} lantern`);
		await dialog.getByRole("button", { name: "Change password" }).click();
		await proven(page, "changed", () => toast(page, "The password was changed.").isVisible());
		await other.reload();
		await other.locator("input[name=password]").waitFor();
		await ledOut(other).waitFor();
		await signIn(world, other, address, `${strong} lantern`);
		await here.close();
		await there.close();
		// The account's process ends with the old password; whichever page asks it just then asks again.
		world.forgive(/^503 for GET .*\/api\/v1\/session$/);
	},

	async "who comes for the first time finds no page that writes an error"(world) {
		const context = await world.visitor();
		const shown = { "/": "input[name=password]", "/signup": "input[autocomplete=new-password]", "/authorize": "input[name=password]", "/letter": "[data-state]", "/mailframe": "body", "/letterframe": "body" };
		for (const [path, sign] of Object.entries(shown)) {
			const page = await context.newPage();
			const said = [];
			page.on("console", (m) => ["error", "warning"].includes(m.type()) && said.push(m.text()));
			page.on("requestfailed", (r) => said.push(`${r.url()} failed`));
			await page.goto(world.url + path);
			await page.locator(sign).waitFor({ state: "attached" });
			// An icon is asked for at the end.
			await page.waitForTimeout(500);
			assert.deepEqual(said, [], path);
			if (path === "/letter")
				assert.match(await page.locator("link[rel=icon]").getAttribute("href"), /^data:image\/svg\+xml[;,]/);
			await page.close();
		}
		await context.close();
	},

	async "who is signed out from elsewhere is told so, and nobody who did it here"(world) {
		const [here, there] = [await world.visitor(), await world.visitor()];
		const [page, beside] = [await here.newPage(), await here.newPage()];
		const { address } = await newAccount(world, page, "ines");
		const other = await there.newPage();
		await other.goto(world.url);
		await other.locator("input[name=password]").waitFor();
		assert.equal(await ledOut(other).count(), 0, "somebody who comes for the first time");
		await signIn(world, other, address, strong);
		await page.goto(`${world.url}/settings/security`);
		await page.getByRole("button", { name: "Sign out all others" }).click();
		await ledOut(other).waitFor();
		await beside.goto(`${world.url}/mail/inbox`);
		await inbox(beside);
		await signOut(page);
		for (const tab of [page, beside]) {
			await tab.locator("input[name=password]").waitFor();
			assert.equal(await ledOut(tab).count(), 0, "signed out in this browser");
		}
		await beside.reload();
		await beside.locator("input[name=password]").waitFor();
		assert.equal(await ledOut(beside).count(), 0, "still");
		await here.close();
		await there.close();
		// A connection that ends with its session, and what was asked just then.
		world.forgive(/^503 for |WebSocket connection to/);
	},

	async "nobody is asked to sign in before the signing out is done"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await newAccount(world, page, "hugo");
		// The keys' worker ends the session; then the page tells the server once more, and that is held.
		let asked = 0;
		let release;
		const held = new Promise((done) => { release = done; });
		await page.route("**/api/v1/auth/logout", async (route) => {
			if (++asked === 2)
				await held;
			await route.continue();
		});
		await page.getByRole("button", { name: /^Account menu/ }).click();
		await page.getByRole("menuitem", { name: "Sign out" }).click();
		await eventually("it is held", () => asked === 2);
		const early = await page.locator("input[name=password]").waitFor({ timeout: 3000 }).then(() => true, () => false);
		assert.equal(early, false, "the form came early");
		release();
		await page.locator("input[name=password]").waitFor();
		await context.close();
	},
};
