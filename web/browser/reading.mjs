// Reading and filing, with the letters that the project makes for its demonstration.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { box, conversation, eventually, fillSignIn, inbox, messages, openRow, reveal, row, rows, signIn, toast } from "./harness.mjs";

/** Notes, from now on, which letters are put into the page, and frames that show a heading without a letter. */
const watchReader = (page) => page.evaluate(() => {
	const drawn = [];
	let bare = 0;
	const observer = new MutationObserver((list) => {
		for (const node of list.flatMap((m) => [...m.addedNodes]))
			if (node instanceof Element)
				drawn.push(...[node, ...node.querySelectorAll("*")].filter((el) => el.matches("article[data-message]")).map((el) => el.dataset.message));
	});
	const look = () => {
		bare += document.querySelector("[aria-label=Conversation] h1") && !document.querySelector("article[data-message]") ? 1 : 0;
		requestAnimationFrame(look);
	};
	observer.observe(document.body, { childList: true, subtree: true });
	requestAnimationFrame(look);
	globalThis.readerSeen = () => ({ drawn, bare });
});

export const tests = {
	async "a wrong password is refused, the right one opens the mailbox"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await fillSignIn(world, page, "alice", "not the password");
		await page.getByRole("alert").filter({ hasText: "That is not right" }).waitFor();
		await signIn(world, page, "alice");
		assert.ok(await rows(page).count() > 5, "rows of the inbox");
		const held = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
		assert.ok(!held.includes(world.config.people.alice.password), "the password is kept nowhere");
		await page.getByRole("button", { name: /^Account menu/ }).click();
		await page.getByRole("menuitem", { name: "Sign out" }).click();
		await page.locator("input[name=password]").waitFor();
		await page.goto(`${world.url}/mail/inbox`);
		await page.locator("input[name=password]").waitFor();
		assert.equal(await rows(page).count(), 0, "nothing is left after signing out");
		await context.close();
	},

	async "the inbox shows the newest letters first"(world) {
		const page = await world.page();
		await reveal(page, "The loaf, as promised");
		const times = await rows(page).locator("time").evaluateAll((all) => all.map((e) => e.dateTime));
		assert.deepEqual(times, [...times].sort().reverse(), "order");
		assert.match(await (await reveal(page, "Boat shed roof")).innerText(), /Marta.*Jonas|Jonas.*Marta/s);
		assert.match(await (await reveal(page, "週末の予定について")).innerText(), /田中 美咲/);
		assert.match(await (await reveal(page, "Фотографии с дачи")).innerText(), /Ольга/);
		await page.close();
	},

	async "a conversation is read as one, and is read from then on"(world) {
		const page = await world.page();
		await reveal(page, "Boat shed roof");
		await page.locator("main [role=option][data-unread]").filter({ hasText: "Boat shed roof" }).waitFor();
		await openRow(page, "Boat shed roof, second quote");
		const frame = messages(page).last().frameLocator("iframe");
		await frame.getByText("He begins on the 24th").waitFor();
		for (const name of ["Marta", "Jonas"])
			await conversation(page).getByText(name).first().waitFor();
		await eventually("four letters", async () => await conversation(page).locator("article, button[aria-expanded=false]:has(time)").count() === 4);
		await page.locator("main [role=option]:not([data-unread])").filter({ hasText: "Boat shed roof" }).waitFor();
		await page.reload();
		await inbox(page);
		await reveal(page, "Boat shed roof");
		await page.locator("main [role=option]:not([data-unread])").filter({ hasText: "Boat shed roof" }).waitFor();
		await page.close();
	},

	async "a conversation that was read before is there at once; the one before it is not drawn once more"(world) {
		const page = await world.page();
		const ids = () => messages(page).evaluateAll((all) => all.map((a) => a.dataset.message));
		await rows(page).nth(0).click();
		await messages(page).last().waitFor();
		const first = await ids();
		const before = page.url();
		await rows(page).nth(1).click();
		await eventually("the second one", async () => (await ids()).length && (await ids()).every((id) => !first.includes(id)));
		await watchReader(page);
		await page.keyboard.press("k");
		await page.waitForURL(before);
		await eventually("the first one again", async () => (await ids()).some((id) => first.includes(id)));
		await page.keyboard.press("u");
		await conversation(page).waitFor({ state: "detached" });
		await page.keyboard.press("o");
		await messages(page).last().waitFor();
		const seen = await page.evaluate(() => globalThis.readerSeen());
		assert.ok(seen.drawn.length > 0 && seen.drawn.every((id) => first.includes(id)), `drawn: ${seen.drawn}; wanted: ${first}`);
		assert.equal(seen.bare, 0, "frames with a heading and no letter");
		await page.close();
	},

	async "a long conversation begins at what is to be read"(world) {
		const page = await world.page();
		await page.setViewportSize({ width: 1440, height: 380 });
		await openRow(page, "Boat shed roof, second quote");
		// As far as there is something to scroll: the letter's frame may not have its height yet.
		assert.ok(await messages(page).last().evaluate((el) => el.parentElement.scrollTop) > 0, "it is scrolled to the last letter");
		await page.close();
	},

	async "a newsletter is shown without its images, and says so"(world) {
		const page = await world.page();
		await openRow(page, "No. 214");
		await conversation(page).getByText(/remote items? w.* not loaded/).waitFor();
		const frame = messages(page).last().frameLocator("iframe");
		await frame.getByRole("heading", { name: "The Weekly Grain" }).waitFor();
		await conversation(page).getByText("Unsubscribe").first().waitFor();
		await page.close();
	},

	async "a letter that is not from where it says is marked"(world) {
		const page = await world.page();
		await openRow(page, "Your account will be closed today");
		await conversation(page).getByRole("note").filter({ hasText: "may not come from c00p-bank.example" }).waitFor();
		const frame = messages(page).last().frameLocator("iframe");
		await frame.getByText("unusual activity").waitFor();
		assert.equal(await frame.locator("form, input, script").count(), 0, "forms and scripts");
		await page.close();
	},

	async "pictures in the letter itself are shown"(world) {
		const page = await world.page();
		await openRow(page, "Poster, first idea");
		const picture = messages(page).last().frameLocator("iframe").locator("img");
		await eventually("the picture", () => picture.evaluate((i) => i.complete && i.naturalWidth === 320));
		await page.close();
	},

	async "an attachment is downloaded whole"(world) {
		const page = await world.page();
		await openRow(page, "Your ticket to Lyon");
		const [download] = await Promise.all([page.waitForEvent("download"), conversation(page).getByRole("link", { name: /ticket-Lyon\.pdf/ }).click()]);
		assert.equal(download.suggestedFilename(), "ticket-Lyon.pdf");
		const bytes = readFileSync(await download.path(), "latin1");
		assert.ok(bytes.startsWith("%PDF-1.4") && bytes.endsWith("%%EOF\n"), "the file");
		await page.close();
	},

	async "on paper it says who, to whom and when, what was attached, and is light"(world) {
		const page = await world.page();
		await page.emulateMedia({ colorScheme: "dark" });
		await openRow(page, "Your ticket to Lyon");
		const said = await eventually("its head", async () => {
			await page.evaluate(() => addEventListener("beforeprint", () => {
				globalThis.paper = [...document.querySelectorAll("[data-message] dt")].map((dt) => `${dt.textContent}: ${dt.nextSibling.textContent}`).join("\n");
			}, { once: true }));
			const pdf = await page.pdf({ format: "A4" });
			assert.ok(pdf.includes("%PDF-"));
			return page.evaluate(() => globalThis.paper);
		});
		assert.match(said, /^From: Railway Tickets <[^>]+>\nTo: .*<alice@letterlock\.test>\nDate: \w+,? \d+ \w+ \d{4} at \d\d:\d\d UTC\nSubject: Your ticket to Lyon\n.*: ticket-Lyon\.pdf \(.*\)/, said);
		assert.equal(await messages(page).last().locator("dl").count(), 0, "it stands there only while it is printed");
		await openRow(page, "Poster, first idea");
		await conversation(page).frameLocator("iframe").last().getByText("Too blue?").waitFor();
		await page.emulateMedia({ media: "print", colorScheme: "dark" });
		const light = (what, el) => eventually(`${what} is light`, () => el.evaluate((e) => getComputedStyle(e).backgroundColor === "rgb(255, 255, 255)" && !getComputedStyle(e).colorScheme.includes("dark")));
		await light("the page", page.locator("body"));
		await light("the message", conversation(page).frameLocator("iframe").last().locator("body"));
		await page.emulateMedia({ media: null, colorScheme: null });
		await page.close();
	},

	async "search finds by word, sender and operator"(world) {
		const page = await world.page();
		const search = async (text, wanted, other) => {
			await page.getByRole("combobox", { name: "Search" }).fill(text);
			await page.keyboard.press("Enter");
			await page.getByRole("heading", { name: `Search: ${text}` }).waitFor();
			await reveal(page, wanted);
			assert.equal(await row(page, other).count(), 0, `${text} finds ${other}`);
		};
		await search("silica", "Measurements from the field", "Boat shed");
		await search("from:sofia has:attachment", "Poster, first idea", "Choir");
		await search("喫茶店", "週末の予定について", "Boat shed");
		await page.getByRole("combobox", { name: "Search" }).fill("wordthatisnowhere");
		await page.keyboard.press("Enter");
		await page.getByText("Nothing was found.").waitFor();
		await page.close();
	},

	async "a star stays, in its list too"(world) {
		const page = await world.page();
		await openRow(page, "Lunch on Thursday?");
		await messages(page).last().getByRole("button", { name: "Star", exact: true }).click();
		await messages(page).last().getByRole("button", { name: "Remove star" }).waitFor();
		await box(page, "Starred").click();
		await reveal(page, "Lunch on Thursday?");
		await page.reload();
		await reveal(page, "Lunch on Thursday?");
		assert.equal(await row(page, "Choir").count(), 0, "what has no star");
		await page.close();
	},

	async "archiving takes it from the inbox; undo brings it back"(world) {
		const page = await world.page();
		await reveal(page, "Bicycle stolen");
		await openRow(page, "Bicycle stolen, and found");
		await page.getByRole("toolbar", { name: "Actions for this conversation" }).getByRole("button", { name: "Archive", exact: true }).click();
		await eventually("gone", async () => await row(page, "Bicycle stolen").count() === 0);
		await toast(page, "Archived").getByRole("button", { name: "Undo" }).click();
		await reveal(page, "Bicycle stolen");
		await openRow(page, "Bicycle stolen, and found");
		await page.keyboard.press("e");
		await eventually("gone again", async () => await row(page, "Bicycle stolen").count() === 0);
		await box(page, "Archive").click();
		await page.reload();
		await reveal(page, "Bicycle stolen");
		await page.close();
	},

	async "what is deleted is in the trash; undo brings it back"(world) {
		const page = await world.page();
		await (await reveal(page, "Choir: new rehearsal times")).locator("[data-select]").click();
		const bar = page.getByRole("toolbar", { name: "Actions for selected messages" });
		await bar.getByRole("button", { name: "Delete" }).click();
		await eventually("gone", async () => await row(page, "Choir: new").count() === 0);
		await toast(page, "Moved to trash").getByRole("button", { name: "Undo" }).click();
		await reveal(page, "Choir: new rehearsal times");
		await page.reload();
		await inbox(page);
		await reveal(page, "Choir: new rehearsal times");
		await (await reveal(page, "Sourdough, third")).locator("[data-select]").click();
		await page.keyboard.press("#");
		await eventually("gone", async () => await row(page, "Sourdough").count() === 0);
		await box(page, "Trash").click();
		await reveal(page, "Sourdough, third attempt");
		await page.close();
	},

	async "a conversation is moved into a folder, and found there"(world) {
		const page = await world.page();
		await openRow(page, "Minutes of the residents' meeting");
		await page.getByRole("toolbar", { name: "Actions for this conversation" }).getByRole("button", { name: "Move to" }).click();
		await page.getByRole("menuitem", { name: "Projects", exact: true }).click();
		await toast(page, "Moved to Projects").waitFor();
		await box(page, "Projects").click();
		await reveal(page, "Minutes of the residents");
		await box(page, "Shipyard").click();
		await reveal(page, "Old photographs of the shipyard");
		await page.close();
	},

	async "what another program does shows without a reload"(world) {
		const page = await world.page();
		const { token } = await world.ask("deliver", { to: "alice" });
		await reveal(page, token);
		await world.ask("flag", { token });
		await page.locator("main [role=option]:not([data-unread])").filter({ hasText: token }).waitFor();
		await page.close();
	},

	async "new mail is said to who does not see it come, and counted in the title"(world) {
		const page = await world.page();
		const count = () => page.title().then((s) => Number(/^\((\d+)\) Letterlock$/.exec(s)?.[1] ?? 0));
		const before = await eventually("a number in the title", count);
		const { token } = await world.ask("deliver", { to: "alice" });
		await toast(page, new RegExp(`One new message: Someone, Letter ${token}|\\d+ new messages`)).waitFor({ state: "attached" });
		await eventually("one more in the title", async () => await count() > before);
		await page.close();
	},
};
