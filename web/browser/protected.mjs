// Letters under a password: from the composer to a stranger's browser and back. The mail with the link comes from a real
// mail server (tests/system/test_letter.py).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { box, checkAxe, conversation, eventually, messages, openRow, patience, reveal, toast } from "./harness.mjs";
import { publishedSoon } from "./pgp.mjs";

const composer = (page) => page.getByRole("region", { name: "New message" });
const password = "rumpus-velvet-49-orchard";
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
/** With it, letters are as large as they may be: by hand, with patience (LETTERLOCK_TEST_PATIENCE). */
const large = Boolean(process.env.LETTERLOCK_TEST_LARGE_LETTERS);
const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) & 255));

async function shoot(world, page, name) {
	mkdirSync(world.config.screens, { recursive: true });
	await page.screenshot({ path: join(world.config.screens, `${name}.png`), fullPage: true });
}

/** The password is chosen before the text is written, so that the server has never had it in any form. */
async function write(world, page, people, { subject, text, file, days, openings, secret = password, shots = false, saved = true }) {
	await page.keyboard.press("c");
	await composer(page).waitFor();
	for (const to of people) {
		await composer(page).getByRole("combobox", { name: "To", exact: true }).fill(to);
		await page.keyboard.press("Enter");
		await composer(page).getByRole("button", { name: `Remove ${to}` }).waitFor();
	}
	await composer(page).locator("[data-lock=plain], [data-lock=ask]").click();
	const lock = page.getByRole("dialog", { name: "Who can read this message" });
	await lock.getByRole("radio", { name: /Protect with a password/ }).check();
	await lock.getByLabel("Password for this letter", { exact: true }).fill(secret);
	await lock.getByLabel(/Hint/).fill("the street, the cat");
	await lock.getByText(/^(Weak|Fair|Good|Strong|Very)/i).first().waitFor().catch(() => undefined);
	if (days)
		await lock.getByLabel("Can be read for").selectOption(days);
	if (openings) {
		await lock.getByText("More", { exact: true }).click();
		await lock.getByLabel("May be opened").selectOption(openings);
	}
	await composer(page).locator("[data-lock=letter]").waitFor();
	if (shots) {
		await checkAxe(page, "password of a letter");
		await shoot(world, page, "lock");
	}
	await lock.getByRole("button", { name: "Done" }).click();
	await composer(page).getByLabel("Subject").fill(subject);
	await composer(page).getByLabel("Text of the message").click();
	await page.keyboard.type(text);
	if (file)
		await composer(page).locator("input[type=file]").setInputFiles(file);
	if (saved)
		await eventually("the draft is saved", async () => await composer(page).getByText("Draft saved").isVisible());
}

async function send(page) {
	await page.keyboard.press("Control+Enter");
	await toast(page, "Message sent").waitFor();
}

/** The server holds it; days 0: for some seconds. */
async function sendLater(page, days) {
	await composer(page).getByRole("button", { name: "Send later" }).click();
	await page.getByRole("menuitem", { name: /Choose a time/ }).click();
	const dialog = page.getByRole("dialog", { name: "Send later" });
	const at = new Date(Date.now() + (days ? days * 86_400_000 : 20_000));
	await dialog.getByLabel("Date and time").fill(at.toISOString().slice(0, days ? 16 : 19));
	await dialog.getByRole("button", { name: "Send later" }).click();
	await toast(page, /Will be sent/).waitFor();
	await composer(page).waitFor({ state: "hidden" });
}

/** A browser of its own, of somebody who has no account. */
async function stranger(world, link, options = {}) {
	const context = await world.visitor(options);
	const page = await context.newPage();
	await page.goto(link);
	return page;
}

async function open(page, secret = password) {
	await page.getByLabel("Password", { exact: true }).fill(secret);
	await page.keyboard.press("Enter");
}

/** The letter's own commands, as another program would give them. */
const order = (page, command, body) => page.evaluate(async ([c, b]) => {
	const answer = await fetch(`/api/v1/auth/${c}`, { method: "POST", headers: { "X-Letterlock": "1", "Content-Type": "application/json" }, body: JSON.stringify(b) });
	return answer.json();
}, [command, body]);

async function letterOf(page, to) {
	const { letters } = await order(page, "letters", { skip: 0 });
	return letters.find((l) => l.to === to);
}

/** Alice's letters go at once; Bob's can be undone. */
export const hasty = ["alice"];

export const tests = {
	async "a stranger opens it with the password, and answers"(world) {
		const { words } = world.config;
		const page = await world.page();
		await write(world, page, ["anna@elsewhere.example"], {
			subject: words.subject, text: `${words.text} See https://www.example.com/map now.`, shots: true, file: { name: `${words.file}.bin`, mimeType: "application/octet-stream", buffer: data },
		});
		await send(page);
		const { text, link } = await world.ask("link", { to: "anna@elsewhere.example" });
		assert.match(text, /the street, the cat/);
		for (const word of [...Object.values(words), password])
			assert.ok(!text.includes(word), `the mail says ${word}`);

		const anna = await stranger(world, link);
		await anna.getByRole("heading", { name: "Protected letter" }).waitFor();
		await anna.getByText(/It can be read until/).waitFor();
		await checkAxe(anna, "password");
		await shoot(world, anna, "viewer-password");
		await open(anna, "not the password");
		await anna.getByText(/That is not the right password/).waitFor();
		assert.equal((await letterOf(page, "anna@elsewhere.example")).opens, 0, "a wrong password opens nothing");
		await shoot(world, anna, "viewer-wrong");
		await open(anna);
		await anna.getByRole("heading", { name: words.subject }).waitFor();
		await anna.frameLocator("iframe").getByText(words.text).waitFor();
		await anna.frameLocator("iframe").getByRole("link", { name: /example.com/ }).waitFor();
		const [download] = await Promise.all([anna.waitForEvent("download"), anna.getByRole("button", { name: new RegExp(`Save ${words.file}.bin`) }).click()]);
		const { readFileSync } = await import("node:fs");
		assert.equal(sha256(readFileSync(await download.path())), sha256(data), "the attachment is as it was");
		assert.equal(download.suggestedFilename(), `${words.file}.bin`);
		await checkAxe(anna, "opened letter");
		await shoot(world, anna, "viewer-open");
		assert.equal(await anna.evaluate(() => globalThis.origin), "null", "an origin of its own");
		for (const kept of ["cookie", "storage"])
			await assert.rejects(anna.evaluate((k) => (k === "cookie" ? document.cookie : localStorage.length), kept), /SecurityError|insecure|sandboxed|denied/i, kept);

		await anna.getByRole("button", { name: "Answer", exact: true }).click();
		await anna.getByLabel("Your answer").fill(`${words.answer}\nSee you.`);
		await anna.locator("input[type=file]").setInputFiles({ name: "answer.bin", mimeType: "application/octet-stream", buffer: data });
		await checkAxe(anna, "answer");
		await shoot(world, anna, "viewer-answer");
		await anna.getByRole("button", { name: "Send the answer" }).click();
		await anna.getByText(/Your answer is on its way/).waitFor();
		await shoot(world, anna, "viewer-sent");
		await anna.context().close();

		await page.goto(`${world.url}/mail/inbox`);
		await (await reveal(page, `Re: ${words.subject}`)).click();
		await conversation(page).getByText("anna (protected letter)").waitFor();
		await eventually("the answer", () => messages(page).last().getByText(words.answer).isVisible());
		await conversation(page).getByText("answer.bin").waitFor();
		await shoot(world, page, "answer-in-inbox");
		await eventually("it joins what it answers", async () => await conversation(page).locator("article, button[aria-expanded=false]:has(time)").count() >= 2);
		const info = await letterOf(page, "anna@elsewhere.example");
		assert.deepEqual([info.state, info.opens, info.replies], ["open", 1, 1]);
		await page.close();
	},

	async "the author sees it in the list, extends it, copies the link"(world) {
		const page = await world.page();
		await page.goto(`${world.url}/settings/letters`);
		await page.getByText(world.config.words.subject).waitFor();
		await page.getByText(/anna@elsewhere\.example · opened .* · 1 answer · until/).waitFor();
		await checkAxe(page, "list of letters");
		await shoot(world, page, "list");
		const before = (await letterOf(page, "anna@elsewhere.example")).expires;
		await page.getByRole("button", { name: /More actions: / }).click();
		await page.getByRole("menuitem", { name: "Extend by 28 days" }).click();
		await eventually("extended", async () => (await letterOf(page, "anna@elsewhere.example")).expires === before + 28 * 86400);
		await page.close();
	},

	async "the copy in Sent can be read by its author"(world) {
		const page = await world.page();
		await page.goto(`${world.url}/mail/sent`);
		await openRow(page, world.config.words.subject);
		// The answer stands below it; what was read is folded up.
		await conversation(page).locator("button[aria-expanded=false]:has(time)").first().click();
		await eventually("the text", () => conversation(page).frameLocator("iframe").first().getByText(world.config.words.text).isVisible());
		await page.close();
	},

	async "who has a key gets it encrypted, who has none gets the link"(world) {
		const bob = await world.page("bob");
		await publishedSoon(world, "bob"); // the key that his first page makes
		const page = await world.page();
		await write(world, page, ["bob@letterlock.test", "carl@elsewhere.example"], { subject: "To both of you", text: "One text, two ways." });
		await send(page);
		const { link } = await world.ask("link", { to: "carl@elsewhere.example" });
		await openRow(bob, "To both of you");
		await eventually("bob's text", () => messages(bob).last().frameLocator("iframe").getByText("One text, two ways.").isVisible());
		const carl = await stranger(world, link, { viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "de-DE", isMobile: true, hasTouch: true });
		await carl.getByRole("heading", { name: "Geschützter Brief" }).waitFor();
		await shoot(world, carl, "viewer-password-dark-phone");
		await carl.getByLabel("Passwort", { exact: true }).fill(password);
		await carl.getByRole("button", { name: "Brief öffnen" }).click();
		await carl.frameLocator("iframe").getByText("One text, two ways.").waitFor();
		await checkAxe(carl, "opened letter, phone, dark");
		await shoot(world, carl, "viewer-open-dark-phone");
		await carl.context().close();
		await page.close();
		await bob.close();
	},

	async "undone sending takes the letter back"(world) {
		const page = await world.page("bob");
		await write(world, page, ["dora@elsewhere.example"], { subject: "Too early to say", text: "Not this one." });
		await page.keyboard.press("Control+Enter");
		await toast(page, "Message sent").getByRole("button", { name: "Undo" }).click();
		await eventually("the text is back", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes("Not this one."));
		await eventually("no letter is left", async () => await letterOf(page, "dora@elsewhere.example") === undefined);
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await page.close();
	},

	async "one that is sent later waits on the server, lasts from then on, and is gone when that is cancelled"(world) {
		const page = await world.page();
		for (const [to, subject] of [["ines@elsewhere.example", "For the jubilee"], ["jana@elsewhere.example", "For another day"]]) {
			await write(world, page, [to], { subject, text: `Not before its day: ${subject}.`, days: "90" });
			await sendLater(page, 40);
		}
		const ines = await letterOf(page, "ines@elsewhere.example");
		assert.deepEqual([ines.state, ines.opens, ines.expires - ines.sendAt], ["open", 0, 90 * 86400]);
		await page.reload();
		await box(page, "Scheduled").click();
		const dialog = page.getByRole("dialog", { name: "Scheduled messages" });
		const item = dialog.getByRole("listitem").filter({ hasText: "For the jubilee" });
		await dialog.getByRole("listitem").filter({ hasText: "For another day" }).waitFor();
		assert.equal(await dialog.getByRole("listitem").count(), 2, "each letter once");
		await item.getByRole("button", { name: "Cancel and edit" }).click();
		await eventually("the text is back", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes("Not before its day: For the jubilee."));
		assert.equal(await letterOf(page, "ines@elsewhere.example"), undefined, "the letter is gone");
		assert.equal((await letterOf(page, "jana@elsewhere.example")).state, "open", "the other stays");
		await composer(page).getByRole("button", { name: "Discard draft" }).click();

		await page.goto(`${world.url}/settings/letters`);
		await page.getByText(/jana@elsewhere\.example · goes out on/).waitFor();
		await page.getByRole("button", { name: "More actions: For another day" }).click();
		await page.getByRole("menuitem", { name: "Withdraw" }).click();
		await page.getByRole("dialog", { name: "Withdraw this letter?" }).getByRole("button", { name: "Withdraw" }).click();
		await toast(page, "The letter is withdrawn").waitFor();
		assert.equal(await letterOf(page, "jana@elsewhere.example"), undefined);
		await page.goto(`${world.url}/mail/drafts`);
		await reveal(page, "For another day");
		assert.equal(await box(page, "Scheduled").count(), 0, "nothing waits");
		await page.close();
	},

	async "one whose mail another program takes back is taken back, too, and its author is told"(world) {
		const page = await world.page();
		for (const [to, subject] of [["lena@elsewhere.example", "Taken back elsewhere"], ["mara@elsewhere.example", "Still to go"]]) {
			await write(world, page, [to], { subject, text: "Not before its day.", days: "90" });
			await sendLater(page, 40);
		}
		await page.goto(`${world.url}/settings/letters`);
		await page.getByText(/lena@elsewhere\.example · goes out on/).waitFor();
		const listening = page.waitForEvent("websocket").then((ws) => new Promise((done) => ws.on("framesent", done)));
		await page.goto(`${world.url}/mail/inbox`);
		await box(page, "Scheduled").waitFor();
		await listening;
		// As any other client would do it, which knows nothing of the letter.
		const jmap = (calls) => page.evaluate(async (methodCalls) => {
			const using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:submission"];
			const r = await fetch("/jmap/api", { method: "POST", headers: { "X-Letterlock": "1", "Content-Type": "application/json" }, body: JSON.stringify({ using, methodCalls }) });
			return (await r.json()).methodResponses;
		}, calls);
		const { primaryAccounts } = await page.evaluate(async () => (await fetch("/jmap/session")).json());
		const accountId = primaryAccounts["urn:ietf:params:jmap:submission"];
		const [, [, { list }]] = await jmap([
			["EmailSubmission/query", { accountId, filter: { undoStatus: "pending" } }, "q"],
			["EmailSubmission/get", { accountId, "#ids": { resultOf: "q", name: "EmailSubmission/query", path: "/ids" } }, "g"],
		]);
		const its = list.find((s) => s.envelope.rcptTo.some((a) => a.email === "lena@elsewhere.example"));
		const [[, set]] = await jmap([["EmailSubmission/set", { accountId, update: { [its.id]: { undoStatus: "canceled" } } }, "s"]]);
		assert.ok(its.id in set.updated, JSON.stringify(set));
		await toast(page, "told lena@elsewhere.example of a protected letter was cancelled by another program").waitFor();
		assert.equal(await letterOf(page, "lena@elsewhere.example"), undefined, "the letter is gone");
		assert.equal((await letterOf(page, "mara@elsewhere.example")).state, "open", "the other stays");
		await page.goto(`${world.url}/settings/letters`);
		await page.getByText(/mara@elsewhere\.example · goes out on/).waitFor();
		await page.getByRole("button", { name: "More actions: Still to go" }).click();
		await page.getByRole("menuitem", { name: "Withdraw" }).click();
		await page.getByRole("dialog", { name: "Withdraw this letter?" }).getByRole("button", { name: "Withdraw" }).click();
		await toast(page, "The letter is withdrawn").waitFor();
		await page.close();
	},

	async "one that is sent later goes at its time"(world) {
		const page = await world.page();
		await write(world, page, ["kurt@elsewhere.example"], { subject: `In a moment ${"Donaudampfschifffahrts".repeat(5)}`, text: "Now you know.", days: "1" });
		await sendLater(page, 0);
		const { link } = await world.ask("link", { to: "kurt@elsewhere.example" });
		const kurt = await stranger(world, link);
		await open(kurt);
		await kurt.getByRole("heading", { name: /In a moment/ }).waitFor();
		for (const width of [1440, 390]) {
			await kurt.setViewportSize({ width, height: 844 });
			const [card, title] = await Promise.all([kurt.locator("article.card").boundingBox(), kurt.getByRole("heading", { level: 1 }).boundingBox()]);
			assert.ok(title.x + title.width <= card.x + card.width, `a long word stays inside, at ${width}`);
		}
		await kurt.context().close();
		await page.close();
	},

	async "one that is withdrawn says so, and is gone"(world) {
		const page = await world.page("bob");
		await write(world, page, ["emil@elsewhere.example"], { subject: "Regretted", text: "I take this back." });
		await send(page);
		const { link } = await world.ask("link", { to: "emil@elsewhere.example" });
		await page.goto(`${world.url}/settings/letters`);
		await page.getByRole("button", { name: "More actions: Regretted" }).click();
		await page.getByRole("menuitem", { name: "Withdraw" }).click();
		await page.getByRole("dialog", { name: "Withdraw this letter?" }).getByRole("button", { name: "Withdraw" }).click();
		await toast(page, "The letter is withdrawn").waitFor();
		const emil = await stranger(world, link);
		await emil.getByText(/The sender has withdrawn this letter/).waitFor();
		await shoot(world, emil, "viewer-withdrawn");
		await emil.context().close();
		const info = await letterOf(page, "emil@elsewhere.example");
		assert.deepEqual([info.state, info.size], ["withdrawn", 0]);
		world.faults.length = 0; // 410 is what was asked for
		await page.close();
	},

	async "one that has expired says so, also to who has it open"(world) {
		const page = await world.page();
		await write(world, page, ["fritz@elsewhere.example"], { subject: "Short-lived", text: "Read quickly.", days: "1", file: { name: "big.bin", mimeType: "application/octet-stream", buffer: data } });
		await send(page);
		const { link } = await world.ask("link", { to: "fritz@elsewhere.example" });
		const fritz = await stranger(world, link);
		await open(fritz);
		await fritz.getByRole("heading", { name: "Short-lived" }).waitFor();
		const { id } = await letterOf(page, "fritz@elsewhere.example");
		await order(page, "letter-change", { id, expires: Math.floor(Date.now() / 1000) + 2 });
		await eventually("it is over", async () => (await letterOf(page, "fritz@elsewhere.example")).state === "expired");
		await eventually("its bytes are gone", async () => (await letterOf(page, "fritz@elsewhere.example")).size === 0);
		await fritz.getByRole("button", { name: /Save big.bin/ }).click();
		await fritz.getByText("This letter has expired").waitFor();
		await fritz.reload();
		await fritz.getByText(/This letter has expired/).waitFor();
		await fritz.context().close();
		world.faults.length = 0;
		await page.close();
	},

	async "one with a large file arrives on a phone though the connection breaks, is answered with another, and opens only once"(world) {
		const page = await world.page();
		const file = (name, size, factor) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(Array.from({ length: size }, (_, i) => (i * factor >> 3) & 255)) });
		const [big, answer] = [file("film.bin", large ? 25_000_000 : 2_500_000, 7919), file("answer.bin", large ? 11_000_000 : 1_100_000, 6007)];
		await write(world, page, ["hans@elsewhere.example"], { subject: "The film", text: "All of it.", openings: "1", file: big });
		await send(page);
		const { text, link } = await world.ask("link", { to: "hans@elsewhere.example" });
		assert.match(text, /It can be opened once/);

		const hans = await stranger(world, link, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
		let pieces = 0;
		await hans.route(/\/api\/v1\/letter\/part$/, (route) => (++pieces === 20 ? route.abort("connectionreset") : route.continue()));
		await open(hans);
		await hans.getByRole("heading", { name: "The film" }).waitFor();
		const [download] = await Promise.all([hans.waitForEvent("download"), hans.getByRole("button", { name: /Save film.bin/ }).click()]);
		const { readFileSync } = await import("node:fs");
		assert.equal(sha256(readFileSync(await download.path())), sha256(big.buffer), "the film");
		assert.ok(pieces > 40, `${pieces} pieces`);

		await hans.getByRole("button", { name: "Answer", exact: true }).click();
		await hans.getByLabel("Your answer").fill("Seen it.");
		await hans.locator("input[type=file]").setInputFiles(answer);
		await hans.getByRole("button", { name: "Send the answer" }).click();
		await hans.getByText(/Your answer is on its way/).waitFor();
		await hans.context().close();
		await page.goto(`${world.url}/mail/inbox`);
		await (await reveal(page, "Re: The film")).click();
		await conversation(page).getByText("answer.bin").waitFor();
		const [came] = await Promise.all([page.waitForEvent("download"), conversation(page).getByText("answer.bin").click()]);
		assert.equal(sha256(readFileSync(await came.path())), sha256(answer.buffer), "the answer's file");

		const second = await stranger(world, link);
		await second.getByText(/opened as often as/).waitFor();
		await second.context().close();
		await page.goto(`${world.url}/settings/letters`);
		await page.getByText(/hans@elsewhere\.example · opened .* · 1 of 1 openings · 1 answer/).waitFor();
		world.faults.length = 0; // what was broken off, and the 410
		await page.close();
	},

	async "whoever guesses passwords is stopped, and links that are not whole are named"(world) {
		const page = await world.page();
		await write(world, page, ["gerd@elsewhere.example"], { subject: "Guess", text: "You will not." });
		await send(page);
		const { link } = await world.ask("link", { to: "gerd@elsewhere.example" });
		const gerd = await stranger(world, link);
		for (let i = 0; i < 10; i++) {
			await open(gerd, `guess ${i}`);
			await gerd.getByText(/That is not the right password/).waitFor();
			await gerd.locator("#note").evaluate((el) => { el.textContent = ""; });
		}
		await open(gerd);
		await gerd.getByText(/There were too many wrong passwords/).waitFor();
		await gerd.context().close();
		for (const [bad, says] of [[link.slice(0, -3), /This link is not complete/], [link.replace(/#..../, "#AVVV"), /There is no such letter/]]) {
			const other = await stranger(world, bad);
			await other.getByText(says).waitFor({ timeout: patience });
			await other.context().close();
		}
		world.faults.length = 0;
		await page.close();
	},
};

if (large)
	tests["more than fits is said before anything is sent"] = async (world) => {
		const page = await world.page();
		await write(world, page, ["ida@elsewhere.example"], { subject: "Too much", text: "All of it, and more.", file: { name: "films.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(28_000_000) }, saved: false });
		await page.keyboard.press("Control+Enter");
		await toast(page, "A protected letter may have 26 MB.").waitFor();
		assert.equal(await letterOf(page, "ida@elsewhere.example"), undefined);
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		world.faults.length = 0; // the draft is too large for the server, too
		await page.close();
	};
