// Settings that change what the server does with mail: rules and the vacation notice.
import assert from "node:assert/strict";
import { box, conversation, eventually, messages, openRow, reveal, toast } from "./harness.mjs";

const item = (page, name) => page.locator("section", { has: page.getByRole("button", { name: "New rule" }) }).getByText(name, { exact: true });
/** The names of the rules, from top to bottom. */
const order = (page) => page.getByRole("button", { name: /^Move .* up$/ }).evaluateAll((all) => all.map((b) => b.getAttribute("aria-label").replace(/^Move (.*) up$/, "$1")));

async function save(page, dialog) {
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.waitFor({ state: "detached" });
}

/** Moves letters whose subject has `word` to a mailbox. */
async function addRule(page, name, word, mailbox) {
	await page.getByRole("button", { name: "New rule" }).click();
	const dialog = page.getByRole("dialog", { name: "New rule" });
	await dialog.getByLabel("Name of the rule").fill(name);
	await dialog.getByLabel("Part of the message").selectOption({ label: "Subject" });
	await dialog.getByLabel("Text", { exact: true }).fill(word);
	await dialog.getByLabel("Move to").selectOption({ label: mailbox });
	await save(page, dialog);
	await item(page, name).waitFor();
}

async function removeRules(page) {
	await page.goto(new URL("/settings/rules", page.url()).href);
	await page.getByRole("button", { name: "New rule" }).waitFor();
	await page.getByRole("button", { name: /^Move .* up$/ }).or(page.getByText("There are no rules yet.")).first().waitFor();
	for (let left = (await order(page)).length; left > 0; left--) {
		const [first] = await order(page);
		await page.getByRole("button", { name: `Move ${first} up` }).locator("xpath=..").getByRole("button").last().click();
		await page.getByRole("menuitem", { name: "Delete" }).click();
		await eventually("the rule is gone", async () => (await order(page)).length === left - 1);
	}
	await page.getByText("There are no rules yet.").waitFor();
}

/** A letter comes, and is there. */
async function comesTo(world, page, mailbox) {
	const { token } = await world.ask("deliver", { to: "bob" });
	await page.goto(`${world.url}/mail/inbox`);
	await box(page, mailbox).click();
	await reveal(page, token);
}

export const tests = {
	async "rules are moved by button and by keyboard, and the first that fits decides"(world) {
		const page = await world.page("bob");
		await removeRules(page);
		await addRule(page, "Keep", "Letter", "Archive");
		await addRule(page, "Throw", "Letter", "Spam");
		await eventually("in the order they were made", async () => (await order(page)).join() === "Keep,Throw");
		await comesTo(world, page, "Archive");
		await page.goto(`${world.url}/settings/rules`);
		await page.getByRole("button", { name: "Move Throw up" }).click();
		await eventually("the second is the first", async () => (await order(page)).join() === "Throw,Keep");
		assert.ok(await page.getByRole("button", { name: "Move Throw up" }).isDisabled(), "higher than the top");
		await page.reload();
		await eventually("it stays so", async () => (await order(page)).join() === "Throw,Keep");
		await comesTo(world, page, "Spam");
		await page.goto(`${world.url}/settings/rules`);
		await page.getByRole("button", { name: "Move Keep up" }).focus();
		await page.keyboard.press("Enter");
		await eventually("by the keyboard", async () => (await order(page)).join() === "Keep,Throw");
		await eventually("the focus stays at the rule", () => page.getByRole("button", { name: "Move Keep down" }).evaluate((b) => b === document.activeElement));
		await page.keyboard.press("Enter");
		await eventually("and down again", async () => (await order(page)).join() === "Throw,Keep");
		await eventually("the focus is at the rule again", () => page.getByRole("button", { name: "Move Keep up" }).evaluate((b) => b === document.activeElement));
		await removeRules(page);
		await page.close();
	},

	async "a rule is made from a message"(world) {
		const page = await world.page("bob");
		const { token } = await world.ask("deliver", { to: "bob" });
		await openRow(page, token);
		await messages(page).last().getByRole("button", { name: /^More actions/ }).last().click();
		await page.getByRole("menuitem", { name: "Rule from this message" }).click();
		const dialog = page.getByRole("dialog", { name: "New rule" });
		assert.equal(await dialog.getByLabel("Name of the rule").inputValue(), "Someone");
		assert.equal(await dialog.getByLabel("Part of the message").inputValue(), "from");
		assert.equal(await dialog.getByLabel("Text", { exact: true }).inputValue(), "someone@sender.example");
		await dialog.getByRole("button", { name: "Save" }).click();
		await dialog.getByRole("alert").getByText("Say what shall be done.").waitFor();
		await dialog.getByLabel("Move to").selectOption({ label: "Archive" });
		await save(page, dialog);
		await item(page, "Someone").waitFor();
		await comesTo(world, page, "Archive");
		await removeRules(page);
		await page.close();
	},

	async "a vacation notice is written with its form, and goes out in both"(world) {
		const page = await world.page("bob");
		await page.goto(`${world.url}/settings/mail`);
		const group = page.locator("section", { has: page.getByRole("heading", { name: "Vacation notice" }) });
		assert.ok(await group.getByLabel("Subject").isHidden(), "folded while it is off");
		await group.getByText("Text and dates").click();
		await group.getByLabel("Subject").fill("Away until Monday");
		const text = group.getByRole("textbox", { name: "Text" });
		await text.click();
		await page.keyboard.type("Back on ");
		await group.getByRole("button", { name: /^Bold/ }).click();
		await page.keyboard.type("Monday");
		await group.getByRole("button", { name: "Save" }).click();
		await toast(page, "Saved").first().waitFor();
		await group.getByLabel("Send the notice").check();
		await page.reload();
		await text.locator("strong", { hasText: "Monday" }).waitFor();
		assert.ok(await group.getByLabel("Send the notice").isChecked(), "in force");
		const notice = await world.ask("notice", { to: "bob", subject: "Away until Monday" });
		assert.equal(notice.text.trim(), "Back on Monday");
		assert.match(notice.html, /Back on <strong>Monday<\/strong>/);
		assert.equal(notice.type, "multipart/alternative");
		await group.getByLabel("Until").fill("2020-01-01");
		await group.getByLabel("From").fill("2020-01-02");
		await group.getByRole("button", { name: "Save" }).click();
		assert.ok(await group.getByLabel("Until").evaluate((e) => !e.validity.valid), "an end before the beginning");
		await page.reload();
		await group.getByLabel("Send the notice").uncheck();
		await toast(page, "Saved").first().waitFor();
		await page.close();
	},
};
