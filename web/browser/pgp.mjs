// OpenPGP without a click: between two users of this server, with gpg on the other side in both directions, in
// Thunderbird's form, and all that a person can do with keys. gpg is the judge wherever it can be.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkAxe, emptyFile, eventually, fillSignIn, inbox, messages, reveal, row, signIn, toast } from "./harness.mjs";

const address = (name) => `${name}@letterlock.test`;
const mark = Date.now().toString(36);

// --- gpg, which knows nothing of this client ---

export class Gpg {
	constructor() {
		this.home = mkdtempSync(join(tmpdir(), "pgp-"));
		this.options = ["--homedir", this.home, "--batch", "--yes", "--trust-model", "always", "--no-auto-key-locate"];
		execFileSync("gpg", ["--homedir", this.home, "--batch", "--quiet", "--check-trustdb"], { stdio: "ignore" }); // makes its files
	}

	run(args, input) {
		return execFileSync("gpg", [...this.options, "--quiet", ...args], { input, stdio: ["pipe", "pipe", "pipe"] });
	}

	/** What it says on its status lines, whatever its exit status. */
	status(args, input) {
		const done = spawnSync("gpg", [...this.options, "--status-fd", "2", ...args], { input });
		return { out: done.stdout.toString(), status: done.stderr.toString() };
	}

	colons(args, input) {
		return this.run(["--with-colons", ...args], input).toString();
	}

	fingerprint(args, input) {
		return this.colons(args, input).match(/^fpr:+([0-9A-F]+):/m)[1].toLowerCase();
	}

	/** Its agent remembers passphrases otherwise. */
	forget() {
		spawnSync("gpgconf", ["--homedir", this.home, "--kill", "all"]);
	}

	close() {
		this.forget();
		rmSync(this.home, { recursive: true, force: true });
	}
}

let shared;
/** The gpg of Gus, who has an account at this server and reads with gpg. */
function gus() {
	shared ??= new Gpg();
	process.once("exit", () => shared.close());
	return shared;
}

// --- what tests do on a page ---

export const composer = (page) => page.getByRole("region", { name: "New message" });
export const lock = (page, state) => page.locator(`[data-lock="${state}"]`);
export const verdict = (page) => page.locator("[data-verdict]").last();
export const shown = (page, text) => messages(page).last().frameLocator("iframe").getByText(text);

export async function compose(page, { to, subject, text }) {
	await page.getByRole("button", { name: "New message", exact: true }).first().click();
	await composer(page).getByRole("combobox", { name: "To", exact: true }).fill(to);
	await page.keyboard.press("Enter");
	await composer(page).getByLabel("Subject").fill(subject);
	await composer(page).getByLabel("Text of the message").click();
	await page.keyboard.type(text);
}

export async function send(page) {
	await composer(page).getByRole("button", { name: "Send", exact: true }).click();
	await toast(page, "Message sent").waitFor();
	await composer(page).waitFor({ state: "detached" });
}

export async function openLetter(page, subject) {
	await (await reveal(page, subject)).click();
	await messages(page).last().waitFor();
}

/** The page that has the keys of somebody, as they are published for everybody. */
async function published(world, name) {
	const { key } = await world.ask("wkd", { address: address(name) });
	return key === null ? null : Buffer.from(key, "base64");
}

export async function publishedSoon(world, name) {
	return eventually(`a key of ${name} in the directory`, () => published(world, name));
}

async function settings(world, page) {
	await page.goto(`${world.url}/settings/keys`);
	await page.locator("[data-own-key]").first().waitFor();
}

export const ownKey = (page, fingerprint) => page.locator(`li:has([data-own-key="${fingerprint}"]), div:has(> * [data-own-key="${fingerprint}"])`).last();

/** Something from the menu of the nth key. */
async function keyMenu(page, n, item) {
	await page.getByRole("button", { name: "What can be done with this key" }).nth(n).click();
	await page.getByRole("menuitem", { name: item }).click();
}

async function fileOf(page, act) {
	const [download] = await Promise.all([page.waitForEvent("download"), act()]);
	return readFileSync(await download.path());
}

const armored = (raw) => raw.match(/-----BEGIN PGP MESSAGE-----[\s\S]*?-----END PGP MESSAGE-----/)[0];

/** The encrypted letter that came last to somebody, as other programs get it. */
async function rawLetter(world, to, text = "[...]") {
	return (await world.ask("raw", { to, text })).raw;
}

function multipart(kind, parameters, parts) {
	const lines = parts.flatMap((p) => ["--gus", ...p]);
	return [`Content-Type: multipart/${kind}; ${parameters}; boundary="gus"`, "", ...lines, "--gus--", ""];
}

const lines = (text) => text.trimEnd().split(/\r?\n/);

function encryptedParts(sealed) {
	return multipart("encrypted", 'protocol="application/pgp-encrypted"', [
		["Content-Type: application/pgp-encrypted", "", "Version: 1", ""], ['Content-Type: application/octet-stream; name="encrypted.asc"', "", ...lines(sealed)],
	]);
}

function signedParts(entity, signature) {
	return multipart("signed", 'micalg=pgp-sha512; protocol="application/pgp-signature"', [
		entity.split("\r\n"), ["Content-Type: application/pgp-signature", "", ...lines(signature)],
	]);
}

const plainEntity = (text) => `Content-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`;

/** Gus has an account, a key made by gpg, and the keys of those he writes to. */
async function gusIsThere(world) {
	const g = gus();
	if (!g.colons(["--list-keys"]).includes(address("gus")))
		g.run(["--passphrase", "", "--quick-generate-key", `Gus <${address("gus")}>`, "default", "default", "never"]);
	g.run(["--import"], await publishedSoon(world, "alice"));
	return g;
}

async function gusSends(world, to, subject, body, from = "gus") {
	await world.ask("submit", { from, to, lines: [
		`From: ${from[0].toUpperCase()}${from.slice(1)} <${address(from)}>`, `To: ${address(to)}`, `Subject: ${subject}`, `Date: ${new Date().toUTCString()}`, `Message-ID: <${Math.random()}@letterlock.test>`, "MIME-Version: 1.0", ...body,
	] });
}

/** Alice's letters go at once; Bob's can be undone. */
export const hasty = ["alice"];

export const tests = {
	async "keys are made and published at the first sign-in without a question"(world) {
		for (const name of ["alice", "bob"]) {
			const page = await world.page(name);
			const key = await publishedSoon(world, name);
			const told = gus().colons(["--show-keys"], key);
			assert.match(told, new RegExp(`^uid:.*<?${address(name)}>?:`, "m"), "it is for the address");
			assert.match(told, /^sub:.*:e:/m, "it can be encrypted to");
			await page.close();
		}
	},

	async "two users encrypt without a click, and the subject is protected"(world) {
		const [a, b] = [await world.page("alice"), await world.page("bob")];
		await compose(a, { to: address("bob"), subject: `Picnic ${mark}`, text: `The basket is blue ${mark}.` });
		await lock(a, "encrypted").waitFor();
		await send(a);
		await openLetter(b, `Picnic ${mark}`);
		await shown(b, `The basket is blue ${mark}.`).waitFor();
		await b.getByRole("heading", { name: `Picnic ${mark}` }).waitFor();
		assert.equal(await verdict(b).getAttribute("data-encrypted"), "true");
		assert.equal(await verdict(b).getAttribute("data-verdict"), "unverified", "nobody has compared the key");
		const raw = await rawLetter(world, "bob");
		assert.match(raw, /^Subject: \[\.\.\.\]\r$/m);
		assert.doesNotMatch(raw, new RegExp(`Picnic|basket`));
		await a.close();
		await b.close();
	},

	async "files that are too much for an encrypted letter are told of before it is sent"(world) {
		const a = await world.page("alice");
		await compose(a, { to: address("bob"), subject: `Film ${mark}`, text: "Here it is." });
		await lock(a, "encrypted").waitFor();
		await composer(a).locator("input[type=file]").setInputFiles(emptyFile(world, "film.mp4", 30_000_000));
		await composer(a).getByRole("alert").getByText("The message is too large. Files may have 36 MB together, in an encrypted message 26 MB.").waitFor();
		await composer(a).getByRole("button", { name: "Remove film.mp4" }).click();
		await composer(a).getByRole("alert").waitFor({ state: "detached" });
		await composer(a).locator("input[type=file]").setInputFiles(emptyFile(world, "trailer.mp4", 3_000_000));
		await send(a);
		await a.close();
	},

	async "a reply stays encrypted; search finds what is inside"(world) {
		const [a, b] = [await world.page("alice"), await world.page("bob")];
		await openLetter(b, `Picnic ${mark}`);
		await b.keyboard.press("r");
		await composer(b).getByLabel("Text of the message").click();
		await b.keyboard.press("Control+Home");
		await b.keyboard.type(`I bring the cheese ${mark}.`);
		await lock(b, "encrypted").waitFor();
		await send(b);
		await openLetter(a, `Picnic ${mark}`);
		await shown(a, `I bring the cheese ${mark}.`).waitFor();
		await b.goto(`${world.url}/mail/inbox`);
		await inbox(b);
		await b.keyboard.press("/");
		await b.keyboard.type(`basket ${mark}`);
		await b.keyboard.press("Enter");
		await row(b, `Picnic ${mark}`).first().waitFor();
		await a.close();
		await b.close();
	},

	async "locked keys are asked for, and a changed key is not used without a question"(world) {
		const g = await gusIsThere(world);
		const [context, b] = [await world.visitor(world.sendingAtOnce), await world.page("gus")];
		await publishedSoon(world, "gus");
		const page = await context.newPage();
		await signInBriefly(world, page, "carol");
		await compose(page, { to: address("gus"), subject: `First ${mark}`, text: "One." });
		await lock(page, "encrypted").waitFor();
		await send(page);
		// Gus imports the key that gpg made; it takes the place of the one made for him.
		const secret = g.run(["--armor", "--export-secret-keys", address("gus")]).toString();
		await settings(world, b);
		await b.getByRole("button", { name: "Import a key" }).click();
		await b.getByLabel("Or its text").fill(secret);
		await b.getByRole("button", { name: "Import", exact: true }).click();
		await toast(b, "The key was imported and is in use").waitFor();
		const fingerprint = g.fingerprint(["--list-keys", address("gus")]);
		await b.locator(`[data-own-key="${fingerprint}"]`).waitFor();
		assert.equal(g.fingerprint(["--show-keys"], await published(world, "gus")), fingerprint, "published");
		// After a reload the keys are not in the tab of somebody who does not stay.
		await page.reload();
		await compose(page, { to: address("gus"), subject: `To gpg ${mark}`, text: `Bring the lamp ${mark}.` });
		await lock(page, "locked").click();
		await unlockDialog(world, page, "carol");
		await lock(page, "ask").click();
		await page.getByRole("dialog").getByText("There is another key than before").waitFor();
		await page.getByRole("button", { name: "Use the new key" }).click();
		await page.getByRole("button", { name: "Done" }).click();
		await lock(page, "encrypted").waitFor();
		await send(page);
		await eventually("gpg has it", async () => {
			const { out, status } = g.status(["--decrypt"], armored(await rawLetter(world, "gus")));
			return status.includes("DECRYPTION_OKAY") && out.includes(`Bring the lamp ${mark}`);
		});
		await b.close();
		await context.close();
	},

	async "a letter to gpg is decrypted and verified by gpg"(world) {
		const g = await gusIsThere(world);
		const page = await world.page("alice");
		await compose(page, { to: address("gus"), subject: `Blind ${mark}`, text: `The second lamp ${mark}. Größe 你好` });
		await lock(page, "encrypted").waitFor();
		await send(page);
		const { out, status } = await eventually("gpg decrypts it", async () => {
			const got = g.status(["--decrypt"], armored(await rawLetter(world, "gus")));
			return got.out.includes(`Blind ${mark}`) && got;
		});
		assert.match(status, new RegExp(`GOODSIG \\w+ .*${address("alice")}`));
		assert.match(status, /VALIDSIG/);
		assert.match(out, /^Content-Type: [\s\S]*?protected-headers="v1"; hp="cipher"/m);
		assert.match(out, new RegExp(`^Subject: Blind ${mark}\r?$`, "m"));
		const raw = await rawLetter(world, "gus");
		assert.doesNotMatch(raw, new RegExp(`Blind ${mark}`));
		// Whoever answers needs no directory: the key comes with the letter.
		const data = raw.match(/^Autocrypt: addr=alice@letterlock\.test;[\s\S]*?keydata=([\s\S]*?)\r\n(?=\S)/m)[1];
		assert.equal(g.fingerprint(["--show-keys"], Buffer.from(data.replace(/\s/g, ""), "base64")), g.fingerprint(["--list-keys", address("alice")]));
		await page.close();
	},

	async "a letter made by gpg is shown as signed; an altered one is not"(world) {
		const g = await gusIsThere(world);
		const page = await world.page("alice");
		const sealed = g.run(["--armor", "--local-user", address("gus"), "--recipient", address("alice"), "--sign", "--encrypt"], plainEntity(`Made by gpg ${mark}.`)).toString();
		await gusSends(world, "alice", `Sealed ${mark}`, encryptedParts(sealed));
		await openLetter(page, `Sealed ${mark}`);
		await page.getByText(`Made by gpg ${mark}.`).first().waitFor();
		await eventually("the pin of the letter before counts", async () => await verdict(page).getAttribute("data-verdict") === "verified");
		await verdict(page).click();
		await page.getByRole("button", { name: "I have compared it" }).click();
		await toast(page, "is marked as compared").waitFor();
		const signature = g.run(["--armor", "--local-user", address("gus"), "--detach-sign"], plainEntity(`Pay ten ${mark}.`)).toString();
		await gusSends(world, "alice", `Altered ${mark}`, signedParts(plainEntity(`Pay ninety ${mark}.`), signature));
		await openLetter(page, `Altered ${mark}`);
		await page.locator('[data-verdict="invalid"]').waitFor();
		await gusSends(world, "alice", `Unaltered ${mark}`, signedParts(plainEntity(`Pay ten ${mark}.`), signature));
		await openLetter(page, `Unaltered ${mark}`);
		await page.locator('[data-verdict="verified"][data-encrypted="false"]').waitFor();
		await page.close();
	},

	async "a letter by an old cipher is opened where that can be, and called by its name where not"(world) {
		const g = await gusIsThere(world);
		const page = await world.page("alice");
		const by = (cipher, ...more) => g.run(["--armor", "--cipher-algo", cipher, ...more, "--recipient", address("alice"), "--encrypt"], plainEntity(`Made by ${cipher} ${mark}.`)).toString();
		for (const cipher of ["AES192", "3DES"]) { // Chromium has no AES with 192 bits of its own
			await gusSends(world, "alice", `By ${cipher} ${mark}`, encryptedParts(by(cipher)));
			await openLetter(page, `By ${cipher} ${mark}`);
			await page.getByText(`Made by ${cipher} ${mark}.`).first().waitFor();
		}
		const sealed = by("CAMELLIA256");
		for (const [said, message] of [["encrypted by an old method", sealed], ["without protection against alteration", by("AES256", "--rfc2440", "--disable-mdc")]]) {
			await gusSends(world, "alice", `Not opened, ${said} ${mark}`, encryptedParts(message));
			await openLetter(page, `Not opened, ${said} ${mark}`);
			await page.getByRole("note").getByText(said).waitFor();
			assert.equal(await page.getByText(/^Made by (CAMELLIA|AES)256/).count(), 0);
			// What may have been altered is not handed to other programs.
			const offered = page.getByRole("button", { name: "Download message" });
			assert.equal(await offered.count(), message === sealed ? 1 : 0);
			if (message === sealed) {
				const file = await fileOf(page, () => offered.click());
				assert.ok(file.toString().includes(sealed.split(/\r?\n/)[4]), "the file is the message as it came");
			}
		}
		await page.close();
	},

	async "a signature by a brainpool key, as German offices make them, is verified"(world) {
		const g = gus();
		const page = await world.page("alice");
		g.run(["--passphrase", "", "--pinentry-mode", "loopback", "--quick-gen-key", `Dave <${address("dave")}>`, "brainpoolP256r1", "sign", "0"]);
		const key = g.run(["--export-options", "export-minimal", "--export", address("dave")]).toString("base64").match(/.{1,70}/g).join("\r\n ");
		const signature = g.run(["--armor", "--local-user", address("dave"), "--detach-sign"], plainEntity(`By Dave ${mark}.`)).toString();
		await gusSends(world, "alice", `Brainpool ${mark}`, [`Autocrypt: addr=${address("dave")}; keydata=`, ` ${key}`].concat(signedParts(plainEntity(`By Dave ${mark}.`), signature)), "dave");
		await openLetter(page, `Brainpool ${mark}`);
		await page.locator('[data-verdict="unverified"][data-encrypted="false"]').waitFor();
		await page.close();
	},

	async "a letter in Thunderbird's form: its subject inside, its key in an Autocrypt field, HTML and a file"(world) {
		const g = await gusIsThere(world);
		const page = await world.page("bob"); // who has never heard of Gus
		g.run(["--import"], await publishedSoon(world, "bob"));
		const key = g.run(["--export-options", "export-minimal", "--export", address("gus")]).toString("base64").match(/.{1,70}/g).join("\r\n ");
		const inner = [
			'Content-Type: multipart/mixed; boundary="------------in"; protected-headers="v1"', `Subject: Kayaks ${mark}`, `From: Gus <${address("gus")}>`, `To: ${address("bob")}`, "Message-ID: <tb@letterlock.test>", "",
			"--------------in", 'Content-Type: multipart/alternative; boundary="------------alt"', "",
			"--------------alt", "Content-Type: text/plain; charset=UTF-8; format=flowed", "Content-Transfer-Encoding: base64", "", Buffer.from(`At the back wall ${mark}.`).toString("base64"), "",
			"--------------alt", "Content-Type: text/html; charset=UTF-8", "Content-Transfer-Encoding: 7bit", "", `<!DOCTYPE html><html><body><p>At the <b>back wall</b> ${mark}.</p></body></html>`, "", "--------------alt--",
			"--------------in", 'Content-Type: text/plain; charset=UTF-8; name="list.txt"', 'Content-Disposition: attachment; filename="list.txt"', "Content-Transfer-Encoding: base64", "", Buffer.from("paddles").toString("base64"), "",
			"--------------in--", "",
		].join("\r\n");
		const sealed = g.run(["--armor", "--local-user", address("gus"), "--recipient", address("bob"), "--recipient", address("gus"), "--sign", "--encrypt"], inner).toString();
		await gusSends(world, "bob", "...", ["User-Agent: Mozilla Thunderbird", `Autocrypt: addr=${address("gus")}; keydata=`, ` ${key}`].concat(encryptedParts(sealed)));
		await openLetter(page, `Kayaks ${mark}`);
		await page.getByRole("heading", { name: `Kayaks ${mark}` }).waitFor();
		await shown(page, "back wall").waitFor();
		assert.equal(await verdict(page).getAttribute("data-verdict"), "unverified");
		assert.equal(await verdict(page).getAttribute("data-encrypted"), "true");
		await messages(page).last().getByText("list.txt").first().waitFor();
		// The answer is encrypted for the key that gpg has.
		await page.keyboard.press("r");
		await composer(page).getByLabel("Text of the message").click();
		await page.keyboard.press("Control+Home");
		await page.keyboard.type(`Seen them ${mark}.`);
		await lock(page, "encrypted").waitFor();
		await send(page);
		await eventually("gpg reads the answer", async () => {
			const { out, status } = g.status(["--decrypt"], armored(await rawLetter(world, "gus")));
			return out.includes(`Seen them ${mark}`) && /GOODSIG/.test(status) && /^Subject: Re: Kayaks/m.test(out);
		});
		await page.close();
	},

	async "a signature is checked again when its key could not be looked for"(world) {
		const g = await gusIsThere(world);
		const context = await world.visitor();
		const page = await context.newPage();
		let failed = 0;
		await context.route(/\/api\/v1\/keys\/lookup\?address=gus/, (route) => (failed++ ? route.continue() : route.abort()));
		await signIn(world, page, "dora");
		const signature = g.run(["--armor", "--local-user", address("gus"), "--detach-sign"], plainEntity(`Retry ${mark}.`)).toString();
		await gusSends(world, "dora", `Retry ${mark}`, signedParts(plainEntity(`Retry ${mark}.`), signature));
		await openLetter(page, `Retry ${mark}`);
		await page.locator('[data-verdict="unknownKey"]').waitFor();
		await page.locator('[data-verdict="unverified"]').waitFor();
		assert.ok(failed >= 2);
		world.faults.splice(0, world.faults.length, ...world.faults.filter((f) => !/keys\/lookup/.test(f)));
		await context.close();
	},

	async "signing alone: anybody reads it, and gpg finds the signature good"(world) {
		const g = await gusIsThere(world);
		const page = await world.page("alice");
		const subject = `Minutes ${mark}`;
		await compose(page, { to: address("dave"), subject, text: `We agreed on blue ${mark}.` });
		await lock(page, "plain").click();
		await page.getByRole("radio", { name: /^Sign only/ }).check();
		await page.getByRole("button", { name: "Done" }).click();
		await lock(page, "signed").waitFor();
		await send(page);
		const raw = await eventually("the letter", async () => rawLetter(world, "dave", subject));
		const boundary = /multipart\/signed;[\s\S]*?boundary="([^"]+)"/.exec(raw)[1];
		const [, entity, last] = raw.split(`\r\n--${boundary}`).map((part) => part.slice(2));
		assert.ok(entity.includes(`We agreed on blue ${mark}`), "it can be read");
		const [letter, signature] = ["entity", "entity.sig"].map((n) => join(g.home, n));
		writeFileSync(letter, entity);
		writeFileSync(signature, last.slice(last.indexOf("-----BEGIN")));
		assert.match(g.status(["--verify", signature, letter]).status, /GOODSIG/);
		writeFileSync(letter, entity.replace("blue", "plum"));
		assert.match(g.status(["--verify", signature, letter]).status, /BADSIG/);
		await page.close();
	},

	async "what is written encrypted is nowhere in clear meanwhile, and comes back after a reload"(world) {
		const page = await world.page("alice");
		await compose(page, { to: address("bob"), subject: `Surprise ${mark}`, text: `A cake with candles ${mark}.` });
		await lock(page, "encrypted").waitFor();
		await page.keyboard.type(" And songs.");
		await eventually("a draft on the server", async () => (await world.ask("drafts", { of: "alice" })).raw.some((m) => m.includes("-----BEGIN PGP MESSAGE")));
		await page.reload();
		await composer(page).waitFor();
		await eventually("the text is back", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes(`A cake with candles ${mark}. And songs.`));
		assert.equal(await composer(page).getByLabel("Subject").inputValue(), `Surprise ${mark}`);
		await lock(page, "encrypted").waitFor();
		const { raw } = await world.ask("drafts", { of: "alice" });
		assert.equal(raw.length, 1, "drafts");
		assert.doesNotMatch(raw[0], /Surprise|candles|songs/);
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await eventually("discarded", async () => (await world.ask("drafts", { of: "alice" })).raw.length === 0);
		await page.close();
	},

	async "sending an encrypted letter is undone"(world) {
		const page = await world.page("bob");
		await compose(page, { to: address("alice"), subject: `Hasty ${mark}`, text: `Not like this ${mark}.` });
		await lock(page, "encrypted").waitFor();
		const before = (await world.ask("count", { to: "alice", subject: "[...]" })).count;
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").getByRole("button", { name: "Undo" }).click();
		await composer(page).waitFor();
		await eventually("the text is back", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes(`Not like this ${mark}.`));
		assert.equal(await composer(page).getByLabel("Subject").inputValue(), `Hasty ${mark}`);
		const { raw } = await world.ask("drafts", { of: "bob" });
		assert.ok(raw.every((m) => !/Hasty|Not like this/.test(m)), "in clear on the server");
		assert.equal((await world.ask("queue", {})).waiting, 0, "letters that still wait to go out");
		assert.equal((await world.ask("count", { to: "alice", subject: "[...]" })).count, before, "letters at Alice's");
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await page.close();
	},

	async "a new key is made, the old one still opens letters; it ends when told, and is revoked for all to see"(world) {
		const g = gus();
		const page = await world.page("bob");
		const first = g.fingerprint(["--show-keys"], await published(world, "bob"));
		await settings(world, page);
		await page.getByRole("button", { name: "New key", exact: true }).click();
		await toast(page, "The new key is in use and published").waitFor();
		const fresh = g.fingerprint(["--show-keys"], await published(world, "bob"));
		assert.notEqual(fresh, first);
		assert.equal(await page.locator("[data-own-key]").first().getAttribute("data-own-key"), fresh);
		await page.goto(`${world.url}/mail/inbox`);
		await openLetter(page, `Picnic ${mark}`);
		await shown(page, `The basket is blue ${mark}.`).first().waitFor();
		await settings(world, page);
		await keyMenu(page, 0, "Set when it ends");
		await page.getByLabel("Last day").fill("2031-05-17");
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await toast(page, "The key’s end was changed").waitFor();
		const ends = g.colons(["--show-keys"], await published(world, "bob")).match(/^pub:[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:(\d+):/m)[1];
		assert.equal(new Date(ends * 1000).toISOString().slice(0, 10), "2031-05-17");
		await keyMenu(page, 0, "Revoke the key");
		await page.getByRole("dialog").getByRole("button", { name: "Revoke the key" }).click();
		await toast(page, "The key is revoked").waitFor();
		await page.locator(`[data-own-key="${fresh}"][data-revoked="true"]`).waitFor();
		assert.match(g.colons(["--show-keys"], await published(world, "bob")), /^pub:r:/m);
		await page.close();
	},

	async "a key is published again, and withdrawn"(world) {
		const g = gus();
		const page = await world.page("bob");
		await settings(world, page);
		await keyMenu(page, 1, "Publish");
		await toast(page, "The key is published").waitFor();
		const second = await page.locator("[data-own-key]").nth(1).getAttribute("data-own-key");
		assert.equal(g.fingerprint(["--show-keys"], await published(world, "bob")), second);
		await page.getByRole("button", { name: "What can be done with this key" }).nth(1).click();
		await page.getByRole("menuitem", { name: "Withdraw" }).waitFor();
		assert.equal(await page.getByRole("menuitem", { name: "Publish" }).count(), 0, "it is published already");
		await page.keyboard.press("Escape");
		await keyMenu(page, 1, "Withdraw");
		await toast(page, "The key is not published any more").waitFor();
		assert.equal(await published(world, "bob"), null);
		await page.close();
	},

	async "keys are saved as files that gpg takes: public, secret under a passphrase, revocation"(world) {
		const g = new Gpg();
		try {
			const page = await world.page("alice");
			await settings(world, page);
			const fingerprint = await page.locator("[data-own-key]").first().getAttribute("data-own-key");
			const file = await fileOf(page, () => keyMenu(page, 0, "Save the public key"));
			g.run(["--import"], file);
			assert.equal(g.fingerprint(["--list-keys"]), fingerprint);
			await keyMenu(page, 0, "Export the secret key");
			await page.getByLabel("Passphrase").fill("twelve green bottles");
			const secret = await fileOf(page, () => page.getByRole("dialog").getByRole("button", { name: "Export", exact: true }).click());
			const phrase = ["--pinentry-mode", "loopback", "--passphrase", "twelve green bottles"];
			g.run([...phrase, "--import"], secret);
			const sent = armored(await rawLetter(world, "alice"));
			assert.match(g.status([...phrase, "--decrypt"], sent).out, /Content-Type/, "it opens her letters");
			g.forget();
			assert.match(g.status(["--pinentry-mode", "loopback", "--passphrase", "wrong", "--decrypt"], sent).status, /DECRYPTION_FAILED/);
			const certificate = await fileOf(page, () => keyMenu(page, 0, "Save a revocation certificate"));
			g.run(["--import"], certificate);
			assert.match(g.colons(["--list-keys"]), /^pub:r:/m);
			await page.close();
		} finally {
			g.close();
		}
	},

	async "a deleted key is gone"(world) {
		const page = await world.page("bob");
		await settings(world, page);
		const fingerprint = await page.locator("[data-own-key]").first().getAttribute("data-own-key");
		const count = await page.locator("[data-own-key]").count();
		await keyMenu(page, 0, "Delete the key");
		await page.getByRole("dialog").getByRole("button", { name: "Delete the key" }).click();
		await toast(page, "The key is deleted").waitFor();
		await page.locator(`[data-own-key="${fingerprint}"]`).waitFor({ state: "detached" });
		await page.reload();
		await page.locator("[data-own-key]").first().waitFor();
		assert.equal(await page.locator("[data-own-key]").count(), count - 1);
		await page.close();
	},
};

/** Signs in without staying: the keys are in the tab only. */
async function signInBriefly(world, page, name) {
	await page.goto(`${world.url}/`);
	await page.fill("input[name=username]", address(name));
	await page.fill("input[name=password]", world.config.people[name].password);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await inbox(page);
}

async function unlockDialog(world, page, name) {
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Password", { exact: true }).fill(world.config.people[name].password);
	await dialog.getByRole("button", { name: "Unlock", exact: true }).click();
	await dialog.waitFor({ state: "detached" });
}

for (const [size, options] of Object.entries({ desktop: {}, phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } }))
	for (const colorScheme of ["light", "dark"])
		tests[`axe finds nothing on the screens of OpenPGP, ${size}, ${colorScheme}`] = (world) => screens(world, { ...options, colorScheme }, `${size}, ${colorScheme}`);

async function screens(world, options, what) {
	const context = await world.visitor(options);
	const page = await context.newPage();
	await fillSignIn(world, page, "alice");
	await inbox(page);
	const look = (screen) => checkAxe(page, `${screen}, ${what}`);
	await openLetter(page, `Picnic ${mark}`);
	await verdict(page).waitFor();
	await look("an encrypted letter");
	await verdict(page).click();
	await page.getByRole("dialog").waitFor();
	await look("its verdict");
	await page.keyboard.press("Escape");
	await page.goto(`${world.url}/mail/inbox`);
	await inbox(page);
	await compose(page, { to: address("bob"), subject: "Looks", text: "Hello." });
	await page.locator("[data-lock]:not([data-lock=looking])").click();
	await page.getByRole("dialog", { name: "Who can read this message" }).waitFor();
	await look("the lock");
	await page.getByRole("button", { name: "Done" }).click();
	await composer(page).getByRole("button", { name: "Discard draft" }).click();
	await settings(world, page);
	await look("the keys");
	for (const item of ["Set when it ends", "Export the secret key", "Revoke the key", "Delete the key", "Record for the DNS"]) {
		await keyMenu(page, 0, item);
		await page.getByRole("dialog").waitFor();
		await look(item);
		await page.keyboard.press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
	}
	await page.getByRole("button", { name: "Import a key" }).click();
	await page.getByRole("dialog").waitFor();
	await look("import");
	await context.close();
}
