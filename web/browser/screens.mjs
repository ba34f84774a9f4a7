// Every screen for everybody: by keyboard alone, on a phone, in dark colours, and as axe sees it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { checkAxe, conversation, eventually, inbox, messages, openRow, reveal, rows, toast } from "./harness.mjs";

const settings = ["account", "security", "appearance", "mail", "keys", "about"];

async function look(world, page, what) {
	await checkAxe(page, what);
	world.inspect();
}

/** From one screen to the next, each looked at. */
async function screens(world, page, colours) {
	await page.goto(`${world.url}/mail/inbox`);
	await inbox(page);
	await look(world, page, `inbox, ${colours}`);
	await openRow(page, "Weekend in Lyon");
	await look(world, page, `conversation, ${colours}`);
	await openRow(page, "Your account will be closed today");
	await look(world, page, `warning, ${colours}`);
	await page.keyboard.press("r");
	await page.getByLabel("Text of the message").waitFor();
	await look(world, page, `reply, ${colours}`);
	await page.getByRole("button", { name: "Discard draft" }).click();
	await page.keyboard.press("?");
	await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
	await look(world, page, `keys, ${colours}`);
	await page.keyboard.press("Escape");
	await page.keyboard.press("Control+k");
	await page.getByRole("combobox", { name: "Commands" }).fill("arch");
	await look(world, page, `palette, ${colours}`);
	await page.keyboard.press("Escape");
	for (const part of settings) {
		await page.goto(`${world.url}/settings/${part}`);
		await page.locator("section h2, main h2").first().waitFor();
		await eventually("the data", async () => await page.getByText("Loading", { exact: true }).count() === 0);
		await look(world, page, `settings/${part}, ${colours}`);
	}
}

async function stranger(world, colorScheme) {
	const context = await world.visitor({ colorScheme });
	const page = await context.newPage();
	for (const path of ["/", "/signup"]) {
		await page.goto(`${world.url}${path}`);
		await page.locator("input[name=username]").waitFor();
		await look(world, page, `${path}, ${colorScheme}`);
	}
	await context.close();
}

export const tests = {
	async "axe finds nothing serious in light colours"(world) {
		await stranger(world, "light");
		const page = await world.page();
		await screens(world, page, "light");
		await page.close();
	},

	async "axe finds nothing serious in dark colours"(world) {
		await stranger(world, "dark");
		const page = await world.page();
		await page.emulateMedia({ colorScheme: "dark" });
		await screens(world, page, "dark");
		await page.close();
	},

	async "everything by keyboard: move, open, select, go, palette, back"(world) {
		const page = await world.page();
		const cursor = () => page.locator("main [role=option][data-cursor]").innerText();
		const first = await cursor();
		await page.keyboard.press("j");
		await eventually("the cursor moves", async () => await cursor() !== first);
		await page.keyboard.press("k");
		await eventually("and back", async () => await cursor() === first);
		await page.keyboard.press("Enter");
		await messages(page).last().waitFor();
		await page.keyboard.press("u");
		await conversation(page).waitFor({ state: "detached" });
		await page.keyboard.press("x");
		await page.getByText("1 selected").waitFor();
		await page.keyboard.press("Escape");
		await page.keyboard.press("g");
		await page.keyboard.press("t");
		await page.getByRole("heading", { name: "Sent" }).waitFor();
		await page.keyboard.press("/");
		await page.keyboard.type("larch");
		await page.keyboard.press("Enter");
		await reveal(page, "Boat shed roof");
		await page.keyboard.press("Control+k");
		// The palette is loaded when it is first wanted; what is typed before belongs to the list.
		await page.locator("dialog[open] input:focus").waitFor();
		await page.keyboard.type("shipyard");
		await page.getByRole("option", { name: /Shipyard/ }).first().waitFor();
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "Shipyard" }).waitFor();
		await page.goBack();
		await page.getByRole("heading", { name: /^Search/ }).waitFor();
		// By the tab key alone to the mailboxes, and with arrows through them.
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		for (let i = 0; i < 30 && await page.evaluate(() => document.activeElement?.getAttribute("role")) !== "treeitem"; i++)
			await page.keyboard.press("Tab");
		await page.keyboard.press("End");
		await page.keyboard.press("Enter");
		await eventually("another mailbox", async () => await page.getByRole("heading").first().innerText() !== "Inbox");
		await page.close();
	},

	async "a phone: list, letter, back, mailboxes, writing; nothing is wider than the screen"(world) {
		const page = await world.page();
		const fits = async (where) => {
			const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
			assert.ok(wide <= screen, `${where} is ${wide} wide on ${screen}`);
		};
		await page.setViewportSize({ width: 390, height: 844 });
		await fits("the list");
		await checkAxe(page, "list on a phone");
		await (await reveal(page, "Weekend in Lyon")).click();
		await messages(page).last().waitFor();
		await fits("the letter");
		assert.equal(await rows(page).first().isVisible(), false, "the list is away");
		await page.getByRole("button", { name: "Back to the list" }).click();
		await reveal(page, "Weekend in Lyon");
		await page.getByRole("button", { name: "Mailboxes" }).first().click();
		await page.getByRole("treeitem").filter({ hasText: "Sent" }).last().click();
		await page.getByRole("heading", { name: "Sent" }).waitFor();
		await page.getByRole("button", { name: "New message" }).last().click();
		await page.getByRole("region", { name: "New message" }).waitFor();
		await fits("writing");
		await page.getByRole("button", { name: "Discard draft" }).click();
		await page.goto(`${world.url}/settings/security`);
		await page.getByRole("heading", { name: "App passwords" }).waitFor();
		await fits("settings");
		await page.close();
	},

	async "the language is the browser's, and can be chosen"(world) {
		for (const [locale, title] of [["de-DE", "Anmelden"], ["fr-FR", "Se connecter"]]) {
			const context = await world.visitor({ locale });
			const page = await context.newPage();
			await page.goto(`${world.url}/`);
			await page.getByRole("button", { name: title, exact: true }).waitFor();
			assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2), "lang");
			await context.close();
		}
	},

	async "settings stay: density, identity and signature"(world) {
		const page = await world.page("bob");
		await page.goto(`${world.url}/settings/appearance`);
		await page.getByLabel("Rows of the list").selectOption("compact");
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		await eventually("compact rows", async () => (await rows(page).first().boundingBox()).height < 60);
		await page.close();
	},

	async "the settings name the build of the manifest that is served"(world) {
		const page = await world.page();
		await page.goto(`${world.url}/settings/about`);
		const manifest = await page.evaluate(() => fetch("/.well-known/letterlock/manifest").then((r) => r.text()));
		const words = createHash("sha384").update(manifest).digest("hex").slice(0, 32).match(/.{4}/g).join(" ");
		await page.getByText(words, { exact: true }).waitFor();
		await page.getByText(`Letterlock ${/^version (.*)$/m.exec(manifest)[1]}`, { exact: true }).waitFor();
		await page.getByText("The server has no log of signed releases.").waitFor();
		assert.equal(await page.getByText("This page is of another build").count(), 0, "the page is of the build that is served");
		await page.route("**/.well-known/letterlock/manifest", (route) => route.fulfill({ body: manifest.replaceAll("\nsha384 ", "\nsha384 A") }));
		await page.goto(`${world.url}/settings/about`);
		await page.getByText("This page is of another build than the server gives out now.").waitFor();
		await page.close();
	},
};
