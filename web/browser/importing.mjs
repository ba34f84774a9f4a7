// Bringing mail over from another mail account, in the page: find the server, a wrong password, folders, the end.
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { box, checkAxe, eventually, inbox, rows } from "./harness.mjs";

async function transfer(page, world) {
	await page.goto(`${world.url}/settings/transfer`);
	await page.getByRole("heading", { name: "Bring your mail" }).waitFor();
}

const source = (page) => page.locator("div", { has: page.getByText("Another mail account", { exact: true }) }).filter({ has: page.getByRole("button", { name: "Next" }) }).last();

/** A picture of each step, for whoever wants to look; and axe looks always. */
async function look(world, page, what) {
	await page.mouse.move(0, 0); // the colours are those of nothing pointed at
	await page.waitForTimeout(400); // and have arrived
	await checkAxe(page, what);
	if (!process.env.LETTERLOCK_SCREENS)
		return;
	mkdirSync(process.env.LETTERLOCK_SCREENS, { recursive: true });
	for (const [width, height] of [[390, 844], [1440, 900]])
		for (const colorScheme of ["dark", "light"]) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			await page.screenshot({ path: join(process.env.LETTERLOCK_SCREENS, `${what.replace(/\W+/g, "-")}-${width}-${colorScheme}.png`) });
		}
}

async function begin(page, world, password) {
	const { address, password: right } = await world.ask("other", {});
	await transfer(page, world);
	await source(page).getByRole("button", { name: "Next" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Your e-mail address there").fill(address);
	await dialog.getByLabel("Your password there", { exact: true }).fill(password ?? right);
	return { dialog, right, address };
}

export const tests = {
	async "what a large provider wants is said before the password is typed, and by its server, too"(world) {
		const page = await world.page();
		await transfer(page, world);
		await source(page).getByRole("button", { name: "Next" }).click();
		const dialog = page.getByRole("dialog");
		for (const [address, says, link] of [
			["me@gmail.com", /app password/, "myaccount.google.com"], ["me@hotmail.co.uk", /Thunderbird/, null], ["me@yahoo.fr", /Yahoo/, "login.yahoo.com"],
			["me@icloud.com", /app-specific password/, "account.apple.com"], ["me@web.de", /Allow POP3 and IMAP/, null], ["me@gmail.com.example", null, null],
		]) {
			await dialog.getByLabel("Your e-mail address there").fill(address);
			if (says)
				await dialog.getByText(says).first().waitFor();
			await eventually(`the help for ${address}`, async () => await dialog.locator("[data-provider]").count() === (says ? 1 : 0));
			if (link)
				assert.match(await dialog.getByRole("link", { name: link }).getAttribute("href"), /^https:/);
		}
		await look(world, page, "import what a provider wants");
		await page.close();
	},

	async "mail comes from another account: server found, wrong password told, folders chosen, nothing twice"(world) {
		const page = await world.page();
		const { dialog, right, address } = await begin(page, world, "wrong password");
		await look(world, page, "import who");
		await dialog.getByRole("button", { name: "Next" }).click();
		await dialog.getByText("Is this the right server?").waitFor();
		assert.equal(await dialog.getByLabel("Server").inputValue(), "mail.two.example");
		await look(world, page, "import server");
		await dialog.getByRole("button", { name: "Connect" }).click();
		await dialog.getByText("does not accept this user name").waitFor();
		await look(world, page, "import wrong password");
		await dialog.getByLabel("Your password there", { exact: true }).fill(right);
		await dialog.getByRole("button", { name: "Connect" }).click();
		await dialog.getByText("Which folders shall come along?").waitFor();
		assert.equal(await dialog.getByRole("checkbox", { name: /Junk/ }).isChecked(), false);
		await look(world, page, "import folders");
		await dialog.getByRole("button", { name: "Bring 41 messages" }).click();
		await dialog.waitFor({ state: "detached" });
		const job = page.locator("[data-import]", { hasText: address });
		await page.locator("[data-import=done]").waitFor();
		await job.getByText("41 messages came").waitFor();
		await look(world, page, "import done");
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		await eventually("the letters are there", async () => await rows(page).filter({ hasText: "Imported letter" }).count() > 5);
		await box(page, "Projects").click();
		await rows(page).filter({ hasText: "A project" }).first().waitFor();
		// Once more: the password is asked for again, and nothing comes twice.
		await transfer(page, world);
		await job.getByRole("button", { name: "Look for new mail" }).click();
		await dialog.getByLabel("Your password there", { exact: true }).fill(right);
		await dialog.getByRole("button", { name: "Connect" }).click();
		await dialog.waitFor({ state: "detached" });
		await page.locator("[data-import=done]").waitFor();
		await job.getByText("41 messages came").waitFor();
		await job.getByRole("button", { name: "Take off the list" }).click();
		await job.waitFor({ state: "detached" });
		await page.close();
	},

	async "a server that cannot be found: the search ends by itself, and nobody has to wait for it"(world) {
		const page = await world.page();
		const { password: right, address, port } = await world.ask("other", {});
		const dialog = page.getByRole("dialog");
		const search = async () => {
			await transfer(page, world);
			await source(page).getByRole("button", { name: "Next" }).click();
			await dialog.getByLabel("Your e-mail address there").fill("me@silent.example");
			await dialog.getByLabel("Your password there", { exact: true }).fill(right);
			await dialog.getByRole("button", { name: "Next" }).click();
			await dialog.getByText("Looking for the server").waitFor();
		};
		const jobs = page.locator("[data-import]");
		// Given up at once.
		await search();
		await look(world, page, "import looking");
		await dialog.getByRole("button", { name: "Give up" }).click();
		await dialog.waitFor({ state: "detached" });
		await jobs.first().waitFor({ state: "detached" });
		// By hand, while it goes on.
		await search();
		await dialog.getByRole("button", { name: "Type the server’s name" }).click();
		await dialog.getByText("Your provider’s help pages say").waitFor();
		await look(world, page, "import by hand");
		await dialog.getByLabel("Server").fill("mail.two.example");
		await dialog.getByLabel("Port").fill(String(port));
		await dialog.getByLabel("User name").fill(address);
		await dialog.getByRole("button", { name: "Connect" }).click();
		await dialog.getByText("Which folders shall come along?").waitFor();
		await dialog.getByRole("button", { name: "Close" }).click();
		await jobs.getByRole("button", { name: "Give up" }).click();
		await jobs.first().waitFor({ state: "detached" });
		// By itself, long before resolving is given up.
		await search();
		await dialog.getByText("No server was found for this address.").waitFor();
		await look(world, page, "import no server");
		await dialog.getByRole("button", { name: "Close" }).click();
		await jobs.getByRole("button", { name: "Give up" }).click();
		await jobs.first().waitFor({ state: "detached" });
		await page.close();
	},

	async "a dialog that was closed goes on from the page, on a phone and in the dark"(world) {
		await (await world.page("bob")).close();
		const storageState = await world.people.get("bob").storageState();
		const context = await world.visitor({ storageState, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" });
		const page = await context.newPage();
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		const { dialog } = await begin(page, world);
		await dialog.getByRole("button", { name: "Next" }).click();
		await dialog.getByText("Is this the right server?").waitFor();
		await look(world, page, "phone import server");
		await dialog.getByRole("button", { name: "Connect" }).click();
		await dialog.getByText("Which folders shall come along?").waitFor();
		await look(world, page, "phone import folders");
		await dialog.getByRole("button", { name: "Close" }).click();
		const job = page.locator("[data-import=choosing]");
		await look(world, page, "phone import waits");
		await job.getByRole("button", { name: "Go on" }).click();
		await dialog.getByRole("button", { name: "None" }).click();
		await dialog.getByRole("checkbox", { name: /Projects/ }).check();
		await dialog.getByRole("button", { name: "Bring 1 message" }).click();
		await page.locator("[data-import=done]").getByText("1 message came").waitFor();
		await look(world, page, "phone import done");
		await context.close();
	},
};
