// Bringing mail here and taking it along, by the wizard in the settings; what came of it is read by IMAP.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, inbox, rows } from "./harness.mjs";

const wizard = (page) => page.getByRole("dialog");
const running = (page) => page.locator("[data-phase]");
const status = async (page) => (await running(page).getByRole("status").innerText()).replace(/\s+/g, " ");

async function transferPage(world, who) {
	const page = await world.page(who);
	await page.addInitScript(() => { delete globalThis.showSaveFilePicker; });
	await page.goto(`${world.url}/settings/transfer`);
	await page.getByRole("heading", { name: "Take your mail along" }).waitFor();
	return page;
}

async function choose(page, source, files) {
	await page.getByRole("button", { name: `Next: ${source}` }).click();
	await page.locator("dialog input[type=file]").waitFor({ state: "attached" });
	await page.setInputFiles("dialog input[type=file]", files);
}

async function begin(page, source, files, name = "Import") {
	await choose(page, source, files);
	await wizard(page).getByRole("button", { name, exact: true }).click();
	await running(page).waitFor();
}

async function finished(page) {
	await eventually("the end of the import", async () => ["done", "halted"].includes(await running(page).getAttribute("data-phase")));
	assert.equal(await running(page).getAttribute("data-phase"), "done", await status(page));
	const text = await status(page);
	await running(page).getByRole("button", { name: "Done" }).click();
	return text;
}

/** What the files should have become, and what IMAP finds: messages by mailbox, as lines. */
async function compare(world, who, name) {
	const { missing, more } = await world.ask("compare", { who, name });
	assert.deepEqual({ missing, more }, { missing: [], more: [] });
}

async function exported(page, form) {
	await page.getByLabel("Format").selectOption(form);
	const download = page.waitForEvent("download");
	await page.getByRole("button", { name: "Export", exact: true }).click();
	const file = await (await download).path();
	await page.getByText("Done", { exact: true }).first().waitFor();
	await page.locator("[data-export]").getByRole("button", { name: "Done" }).click();
	return file;
}

async function bringExport(page, file) {
	await choose(page, "An export of Letterlock", { name: "export.zip", mimeType: "application/zip", buffer: readFileSync(file) });
	await wizard(page).getByRole("listitem").filter({ hasText: "Inbox" }).first().waitFor();
	await wizard(page).getByRole("button", { name: "Import", exact: true }).click();
	return finished(page);
}

async function roundTrip(world, form, to) {
	const from = await transferPage(world, "alice");
	const file = await exported(from, form);
	await world.ask("exported", { who: "alice", file, form });
	assert.match(await bringExport(from, file), /^0 messages imported/, "everything is here already");
	await from.close();
	const page = await transferPage(world, to);
	assert.match(await bringExport(page, file), /^[1-9]\d* messages imported/);
	await world.ask("same", { a: "alice", b: to, form });
	await page.close();
}

const mbox = (world) => join(world.config.files, "Letters.mbox");

export const tests = {
	"an mbox file is imported, although the tab is closed in the middle": async (world) => {
		const first = await transferPage(world, "carol");
		await begin(first, "mbox files", mbox(world));
		await eventually("some messages", async () => Number(/^([\d,]+) messages? imported/.exec(await status(first))?.[1].replace(",", "") ?? 0) >= 100);
		assert.equal(await running(first).getAttribute("data-phase"), "running", "it was closed in the middle");
		await first.close();
		const page = await transferPage(world, "carol");
		await page.getByText(/^Stopped at \d+ %/).waitFor();
		await choose(page, "mbox files", mbox(world));
		await wizard(page).getByText(/it goes on at \d+ %/).waitFor();
		await wizard(page).getByRole("button", { name: "Go on" }).click();
		await finished(page);
		assert.equal(await page.getByText(/^Stopped at/).count(), 0);
		await compare(world, "carol", "Letters");
	},

	"the same file brings nothing twice, under another name neither": async (world) => {
		const page = await transferPage(world, "carol");
		await begin(page, "mbox files", { name: "Copy.mbox", mimeType: "", buffer: readFileSync(mbox(world)) });
		const { messages } = await world.ask("counts", { name: "Letters" });
		assert.match(await finished(page), new RegExp(`^0 messages imported · ${messages.toLocaleString("en")} were here already`));
		await compare(world, "carol", "Letters");
	},

	"an import pauses, and mail is read meanwhile": async (world) => {
		const page = await transferPage(world, "dora");
		await begin(page, "mbox files", mbox(world));
		await eventually("some messages", async () => /^[1-9]/.test(await status(page)));
		await running(page).getByRole("button", { name: "Pause" }).click();
		await page.getByText("Paused", { exact: true }).waitFor();
		await eventually("nothing under way", async () => {
			const before = await status(page);
			await page.waitForTimeout(1500);
			return before === await status(page);
		});
		await page.getByRole("link", { name: "Back to mail" }).click();
		await inbox(page);
		await page.getByRole("treeitem").filter({ hasText: "Letters" }).first().click();
		// One that is read already, as its flags are compared afterwards.
		await page.locator("main [role=option]:not([data-unread]):has(time)").first().click();
		await page.getByRole("region", { name: "Conversation" }).getByRole("article").first().waitFor();
		await page.getByRole("button", { name: "Settings", exact: true }).click();
		await page.getByRole("link", { name: "Import and export" }).click();
		assert.equal(await running(page).getAttribute("data-phase"), "paused");
		await running(page).getByRole("button", { name: "Go on" }).click();
		await finished(page);
		await compare(world, "dora", "Letters");
	},

	"a session that dies in the middle loses nothing and doubles nothing": async (world) => {
		const page = await transferPage(world, "jo");
		await begin(page, "mbox files", mbox(world));
		await eventually("some messages", async () => /^[1-9]/.test(await status(page)));
		await world.ask("kill_session", { who: "jo" });
		await eventually("the end of the import", async () => {
			const phase = await running(page).getAttribute("data-phase", { timeout: 2000 }).catch(() => null);
			// Paused by this very click, if it went on by itself in that moment.
			if (phase === "halted" || phase === "paused")
				await running(page).getByRole("button", { name: "Go on" }).click();
			return phase === "done";
		});
		await page.close();
		await compare(world, "jo", "Letters");
		// While there is no session the answers are 503, and 403 until the page has opened the next one.
		world.faults.length = 0;
	},

	"a Maildir comes with its folders and flags": async (world) => {
		const page = await transferPage(world, "emil");
		await begin(page, "A folder", join(world.config.files, "Maildir"));
		await finished(page);
		await compare(world, "emil", "Maildir");
	},

	"Takeout comes with its labels, as .zip and as .tgz": async (world) => {
		const page = await transferPage(world, "fritz");
		await begin(page, "Google Takeout", join(world.config.files, "takeout.zip"));
		await finished(page);
		await compare(world, "fritz", "Takeout");
		await begin(page, "Google Takeout", join(world.config.files, "takeout.tgz"));
		assert.match(await finished(page), /^0 messages imported/);
		await compare(world, "fritz", "Takeout");
	},

	"what cannot be imported is named, with the reason": async (world) => {
		const page = await transferPage(world, "emil");
		await choose(page, "Google Takeout", join(world.config.files, "cut.zip"));
		await wizard(page).getByText("The file ends too early. Perhaps it was not downloaded completely.").waitFor();
		await wizard(page).getByRole("button", { name: "Close" }).click();
		await begin(page, "mbox files", join(world.config.files, "odd.mbox"));
		await page.getByRole("button", { name: "2 messages could not be imported" }).click();
		await wizard(page).getByText("It is larger than this server takes.").waitFor();
		await wizard(page).getByText("It is not a message.").waitFor();
		await wizard(page).getByText("Far too large").waitFor();
		await wizard(page).getByRole("button", { name: "Close" }).click();
		assert.match(await finished(page), /^2 messages imported/);
	},

	"a file that holds no mail is told of before the import": async (world) => {
		const page = await transferPage(world, "emil");
		const pdf = { name: "report.mbox", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n1 0 obj\n<< >>\nendobj\n") };
		await choose(page, "mbox files", pdf);
		await wizard(page).getByRole("alert").getByText("No mail was found in “report.mbox”.").waitFor();
		assert.equal(await wizard(page).getByRole("button", { name: "Import", exact: true }).count(), 0);
		await page.setInputFiles("dialog input[type=file]", [pdf, { ...pdf, name: "other.mbox" }]);
		await wizard(page).getByRole("alert").getByText("No mail was found in “report.mbox and others, 2 files”").waitFor();
		// Another choice can be made at once.
		await page.setInputFiles("dialog input[type=file]", join(world.config.files, "odd.mbox"));
		await wizard(page).getByRole("button", { name: "Import", exact: true }).waitFor();
		await wizard(page).getByRole("button", { name: "Close" }).click();
		await page.close();
	},

	"all of an account as mbox, into an empty one": (world) => roundTrip(world, "mbox", "gert"),
	"all of an account as Maildir, into an empty one": (world) => roundTrip(world, "maildir", "hans"),
	"all of an account as .eml files, into an empty one": (world) => roundTrip(world, "eml", "ines"),

	"a letter that the server cannot open does not end an export": async (world) => {
		const page = await transferPage(world, "kim");
		await world.ask("damage");
		const all = page.waitForEvent("download");
		await page.getByLabel("Format").selectOption("maildir");
		await page.getByRole("button", { name: "Export", exact: true }).click();
		const file = await (await all).path();
		await page.locator("[data-export=done]").getByText(/· 1 is damaged on the server; damaged.txt names it ·/).waitFor();
		const { messages } = await world.ask("damaged", { file, subject: "The large one" });
		assert.ok(messages >= 39, `${messages} others`);
		await page.close();
		world.faults.length = 0; // the 500 that says so
	},

	"an export that is cancelled leaves nothing, and one into a file is the same": async (world) => {
		const page = await world.page("alice");
		await page.addInitScript(() => {
			globalThis.showSaveFilePicker = async () => (await navigator.storage.getDirectory()).getFileHandle("export.zip", { create: true });
		});
		await page.goto(`${world.url}/settings/transfer`);
		await page.getByLabel("Format").selectOption("eml");
		const size = () => page.evaluate(async () => (await (await (await navigator.storage.getDirectory()).getFileHandle("export.zip")).getFile()).size);
		let held = null;
		await page.context().route(/\/jmap\/api/, (route) => (route.request().postData()?.includes("Blob/get") ? (held ??= route, undefined) : route.continue()));
		await page.getByRole("button", { name: "Export", exact: true }).click();
		await eventually("letters are asked for", () => held !== null);
		await page.locator("[data-export]").getByRole("button", { name: "Cancel" }).click();
		await page.locator("[data-export=stopped]").getByText(/not complete and was not kept/).waitFor();
		assert.equal(await size(), 0);
		await page.context().unroute(/\/jmap\/api/);
		await page.locator("[data-export]").getByRole("button", { name: "Done" }).click();
		await page.getByLabel("Format").selectOption("eml");
		await page.getByRole("button", { name: "Export", exact: true }).click();
		await page.locator("[data-export=done]").waitFor();
		const download = page.waitForEvent("download");
		await page.evaluate(async () => {
			const a = document.createElement("a");
			a.href = URL.createObjectURL(await (await (await navigator.storage.getDirectory()).getFileHandle("export.zip")).getFile());
			a.download = "export.zip";
			a.click();
		});
		await world.ask("exported", { who: "alice", file: await (await download).path(), form: "eml" });
		await page.close();
		world.faults.length = 0; // the request that was held
	},

	"selected messages are saved as one file": async (world) => {
		const page = await world.page("alice");
		await rows(page).first().waitFor();
		for (let i = 0; i < 2; i++) {
			await page.keyboard.press("x");
			await page.keyboard.press("j");
		}
		await page.getByRole("toolbar").getByRole("button", { name: "More actions" }).click();
		const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Download" }).click()]);
		const text = readFileSync(await download.path(), "latin1");
		assert.ok(text.split(/^From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/m).length >= 3, text.slice(0, 400));
		await page.close();
	},
};
