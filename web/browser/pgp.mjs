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
execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--list-keys"], { stdio: "ignore" }); // makes its files
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
	await page.getByRole("button", { name: "New message", exact: true }).first().waitFor({ timeout: 25_000 });
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
	await row.waitFor({ timeout: 25_000 });
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
	await openLetter(b.page, `Picnic ${mark}`);
	await b.page.frameLocator("article iframe").getByText(`The basket is blue ${mark}.`).waitFor({ timeout: 30_000 });
	assert.equal(await verdict(b.page).getAttribute("data-encrypted"), "true");
	assert.equal(await verdict(b.page).getAttribute("data-verdict"), "unverified");
	await b.page.getByRole("heading", { name: `Picnic ${mark}` }).waitFor();
	await shot(b.page, "reader-encrypted");
};

steps["a reply stays encrypted, and the list and the search know the real subject"] = async ({ b }) => {
	const { page } = b;
	await page.getByRole("button", { name: "Reply" }).last().click();
	await page.locator(".ProseMirror").click();
	await page.keyboard.type(`I bring the cheese ${mark}.`);
	await waitLock(page, "encrypted");
	await send(page);
	await page.locator("[id^=row-]").filter({ hasText: `Picnic ${mark}` }).first().waitFor();
	await page.goto(`${origin}/mail/inbox`);
	await page.getByRole("searchbox").or(page.getByRole("combobox", { name: /Search/ })).first().fill(`basket ${mark}`);
	await page.keyboard.press("Enter");
	await page.getByText("Encrypted messages were not searched").waitFor();
	await unlock(page, bob);
	await page.locator("[id^=row-]").filter({ hasText: `Picnic ${mark}` }).first().waitFor({ timeout: 30_000 });
	await shot(page, "search-encrypted");
	await page.goto(`${origin}/mail/inbox`);
};

steps["a letter to gpg is decrypted and verified by gpg"] = async ({ a }) => {
	const { page } = a;
	gpg(["--passphrase", "", "--quick-generate-key", `Gus <${bob.address}>`, "default", "default", "never"]);
	gpg(["--import"], Buffer.from((await publishedKey(page, alice.address)).key, "base64url"));
	// Bob imports the key that gpg made; it is published and takes the place of his first one.
	const secret = gpg(["--armor", "--export-secret-keys", bob.address]).toString();
	await settings(people.b.page, bob);
	await people.b.page.getByRole("button", { name: "Import a key" }).click();
	await people.b.page.getByLabel("Or its text").fill(secret);
	await people.b.page.getByRole("button", { name: "Import", exact: true }).click();
	await people.b.page.getByText("The key was imported and is in use").waitFor({ timeout: 30_000 });
	await shot(people.b.page, "settings-keys");
	const fingerprint = gpg(["--with-colons", "--list-keys", bob.address]).toString().match(/^fpr:+([0-9A-F]+):/m)[1].toLowerCase();
	await people.b.page.locator(`[data-own-key="${fingerprint}"]`).waitFor();
	// Alice has used his first key: another one is not taken without a question.
	await page.reload();
	await write(page, { to: bob.address, subject: `To gpg ${mark}`, text: `Bring the lamp ${mark}.` });
	await waitLock(page, "locked");
	await lockOf(page).click();
	await unlockDialog(page, alice);
	await waitLock(page, "ask");
	await lockOf(page).click();
	await shot(page, "lock-changed");
	await page.getByRole("button", { name: "Use the new key" }).click();
	await page.getByRole("button", { name: "Done" }).click();
	await waitLock(page, "encrypted");
	const before = encryptedUids(bob);
	await send(page);
	const raw = await fetchedAfter(bob, before);
	const armored = raw.match(/-----BEGIN PGP MESSAGE-----[\s\S]*?-----END PGP MESSAGE-----/)[0];
	const file = join(home, "letter.asc");
	writeFileSync(file, armored);
	const out = execFileSync("gpg", ["--homedir", home, "--batch", "--trust-model", "always", "--status-fd", "2", "--decrypt", file], { stdio: ["ignore", "pipe", "pipe"] }).toString();
	assert.match(out, new RegExp(`Bring the lamp ${mark}`));
	assert.match(out, new RegExp(`Subject: To gpg ${mark}`));
	const status = execFileSync("bash", ["-c", `gpg --homedir ${home} --batch --trust-model always --status-fd 1 --output /dev/null --yes --decrypt ${file} 2>/dev/null`]).toString();
	assert.match(status, /GOODSIG/);
	assert.doesNotMatch(raw, new RegExp(`To gpg ${mark}`));
};

steps["a letter made by gpg is shown as signed; an altered one is not"] = async ({ a }) => {
	const inner = (text) => `Content-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`;
	const sealed = gpg(["--armor", "--local-user", bob.address, "--recipient", alice.address, "--sign", "--encrypt"], inner(`Made by gpg ${mark}.`)).toString();
	deliver(bob, alice, `Sealed ${mark}`, [
		`Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="x"`, "", "--x", "Content-Type: application/pgp-encrypted", "", "Version: 1", "",
		"--x", "Content-Type: application/octet-stream", "", ...sealed.trimEnd().split("\n"), "--x--", "",
	]);
	await openLetter(a.page, `Sealed ${mark}`);
	await a.page.getByText(`Made by gpg ${mark}.`).first().waitFor({ timeout: 30_000 });
	assert.equal(await verdict(a.page).getAttribute("data-verdict"), "verified", "the key was pinned when Alice wrote to it");
	await verdict(a.page).click();
	await shot(a.page, "verdict-details");
	await a.page.getByRole("button", { name: "I have compared it" }).click();
	await a.page.getByText(/is marked as compared/).waitFor();
	const signature = gpg(["--armor", "--local-user", bob.address, "--detach-sign"], inner(`Pay ten ${mark}.`)).toString();
	deliver(bob, alice, `Altered ${mark}`, [
		`Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="x"`, "", "--x", "Content-Type: text/plain; charset=utf-8", "", `Pay ninety ${mark}.`, "",
		"--x", "Content-Type: application/pgp-signature", "", ...signature.trimEnd().split("\n"), "--x--", "",
	]);
	await openLetter(a.page, `Altered ${mark}`);
	await a.page.locator('[data-verdict="invalid"]').waitFor({ timeout: 30_000 });
	await shot(a.page, "reader-invalid");
};

steps["a new key is made, and the old one revoked"] = async ({ b }) => {
	const { page } = b;
	await settings(page, bob);
	const before = await page.locator("[data-own-key]").count();
	await page.getByRole("button", { name: "New key", exact: true }).click();
	await page.getByText("The new key is in use and published").waitFor({ timeout: 30_000 });
	assert.equal(await page.locator("[data-own-key]").count(), before + 1);
	const fresh = await page.locator("[data-own-key]").first().getAttribute("data-own-key");
	assert.equal(fingerprintOf(await publishedKey(page, bob.address)), fresh);
	await page.getByRole("button", { name: "What can be done with this key" }).first().click();
	await shot(page, "key-menu");
	await page.getByRole("menuitem", { name: "Revoke the key" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Revoke the key" }).click();
	await page.locator(`[data-own-key="${fresh}"][data-revoked="true"]`).waitFor({ timeout: 30_000 });
	await shot(page, "settings-revoked");
	const revoked = gpg(["--show-keys", "--with-colons"], Buffer.from((await publishedKey(page, bob.address)).key, "base64url")).toString();
	assert.match(revoked, /^pub:r:/m, "others learn of the revocation");
};

/** By gpg, which knows nothing of this client. */
function fingerprintOf(found) {
	return gpg(["--show-keys", "--with-colons"], Buffer.from(found.key, "base64url")).toString().match(/^fpr:+([0-9A-F]+):/m)[1].toLowerCase();
}

async function settings(page, account) {
	await page.goto(`${origin}/settings/keys`);
	await unlock(page, account); // after a reload the keys are not in the tab
	await page.locator("[data-own-key]").first().waitFor({ timeout: 30_000 });
}

async function unlock(page, account) {
	await page.getByRole("button", { name: "Unlock", exact: true }).first().click();
	await unlockDialog(page, account);
}

async function unlockDialog(page, account) {
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Password", { exact: true }).fill(account.password);
	await dialog.getByRole("button", { name: "Unlock", exact: true }).click();
	await dialog.waitFor({ state: "detached", timeout: 30_000 });
}

const inboxOf = () => `imaps://localhost:${credentials.ports.imaps}/INBOX`;

/** The encrypted letters of an account's inbox, as IMAP has them. */
function encryptedUids(account) {
	return curl(account, [inboxOf(), "-X", 'UID SEARCH HEADER Subject "[...]"']).toString().match(/\d+/g) ?? [];
}

async function fetchedAfter(account, before) {
	for (let i = 0; i < 80; i++) {
		const [uid] = encryptedUids(account).filter((u) => !before.includes(u));
		if (uid)
			return curl(account, [`${inboxOf()};UID=${uid}`]).toString();
		await new Promise((done) => setTimeout(done, 500));
	}
	throw new Error("the letter did not arrive");
}

function deliver(from, to, subject, lines) {
	const file = join(home, "out.eml");
	writeFileSync(file, [`From: ${from.address}`, `To: ${to.address}`, `Subject: ${subject}`, `Date: ${new Date().toUTCString()}`, `Message-ID: <${Math.random()}@letterlock.test>`, "MIME-Version: 1.0", ...lines].join("\r\n"));
	curl(from, [`smtps://localhost:${credentials.ports.submissions}`, "--mail-from", from.address, "--mail-rcpt", to.address, "--upload-file", file]);
}

let people;
try {
	people = { a: await signIn(alice), b: await signIn(bob) };
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
