// Writing: replies, attachments, drafts, undo. What is sent is looked for in the other's mailbox.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { box, conversation, emptyFile, eventually, messages, openRow, reveal, row, rows, toast } from "./harness.mjs";

const composer = (page) => page.getByRole("region", { name: "New message" });

async function write(page, to, subject, text) {
	await page.keyboard.press("c");
	await composer(page).waitFor();
	await composer(page).getByRole("combobox", { name: "To", exact: true }).fill(`${to}`);
	await page.keyboard.press("Enter");
	await composer(page).getByRole("button", { name: /^Remove / }).first().waitFor();
	await composer(page).getByLabel("Subject").fill(subject);
	await composer(page).getByLabel("Text of the message").click();
	await page.keyboard.type(text);
}

/** Begins to watch for the composer: what has the focus in the first frame in which it is seen. */
const watchSight = (page) => page.evaluate(() => {
	globalThis.atSight = new Promise((done) => {
		const look = () => {
			const box = document.querySelector("section[aria-label='New message']");
			if (box)
				done(box.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : "nothing in it");
			else
				requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	});
});

/** Alice's letters go at once; Bob's can be undone. */
export const hasty = ["alice"];

export const tests = {
	async "a reply reaches the other and joins the conversation"(world) {
		const page = await world.page();
		await openRow(page, "Soup");
		await page.keyboard.press("r");
		await composer(page).getByLabel("Text of the message").click();
		await page.keyboard.press("Control+Home");
		await page.keyboard.type("Thursday is fine. Twenty past twelve?");
		await page.keyboard.press("Control+Enter");
		await toast(page, "Message sent").waitFor();
		const bob = await world.page("bob");
		await reveal(bob, "Re: Soup");
		await openRow(bob, "Soup");
		await eventually("the text", () => messages(bob).last().frameLocator("iframe").getByText("Twenty past twelve?").isVisible());
		await eventually("joined", async () => await conversation(page).locator("article, button[aria-expanded=false]:has(time)").count() >= 2);
		await bob.close();
		await page.close();
	},

	async "the field to begin with has the focus when it is seen; Escape closes, and keys are heard again"(world) {
		const page = await world.page("bob");
		const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
		await rows(page).first().click();
		await messages(page).last().waitFor();
		for (const [key, field] of [["c", "To"], ["r", "Text of the message"], ["f", "To"]]) {
			await watchSight(page);
			await page.keyboard.press(key);
			assert.equal(await page.evaluate(() => globalThis.atSight), field, `the focus after ${key}`);
			await page.keyboard.press("Escape");
			await composer(page).waitFor({ state: "detached" });
			await page.keyboard.press("?");
			await sheet.waitFor();
			await page.keyboard.press("Escape");
			await sheet.waitFor({ state: "detached" });
		}
		await page.close();
	},

	async "a letter with an attachment arrives as it was"(world) {
		const page = await world.page("bob");
		const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 255));
		await write(page, "dave@letterlock.test", "Survey data", "Here is the attached file. Grüße & 你好!");
		await composer(page).locator("input[type=file]").setInputFiles({ name: "survey ä.bin", mimeType: "application/octet-stream", buffer: data });
		await composer(page).getByText("survey ä.bin").waitFor();
		// Sent at once: the letter waits for the file by itself.
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		const got = await world.ask("letter", { to: "dave", subject: "Survey data" });
		assert.match(got.text, /Grüße & 你好!/);
		assert.deepEqual(got.files, [{ name: "survey ä.bin", sha256: createHash("sha256").update(data).digest("hex") }]);
		await page.close();
	},

	async "a letter does not go without a file that could not be attached"(world) {
		const page = await world.page("bob");
		await write(page, "dave@letterlock.test", "The lease", "Here it is.");
		await page.route("**/jmap/upload/**", (route) => route.fulfill({ status: 413, contentType: "application/problem+json", body: "{}" }));
		await composer(page).locator("input[type=file]").setInputFiles({ name: "lease.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(1000) });
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "“lease.pdf” could not be attached.").waitFor();
		world.forgive(/^413 /);
		await page.unroute("**/jmap/upload/**");
		await composer(page).getByRole("button", { name: "Remove lease.pdf" }).click();
		await composer(page).locator("input[type=file]").setInputFiles({ name: "lease.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(1000) });
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		const got = await world.ask("letter", { to: "dave", subject: "The lease" });
		assert.equal(got.files.length, 1);
		await page.close();
	},

	async "a file that is too large is named at once, and is no part of the letter"(world) {
		const page = await world.page("bob");
		await write(page, "dave@letterlock.test", "The film", "Here it is.");
		const file = emptyFile(world, "film.mp4", 60_000_000);
		await composer(page).locator("input[type=file]").setInputFiles(file);
		await toast(page, /^“film.mp4” is too large. Files may have 36 MB together, in an encrypted message 26 MB.$/).waitFor();
		await composer(page).getByRole("listitem").filter({ hasText: "film.mp4too large" }).waitFor();
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await composer(page).getByRole("button", { name: "Remove film.mp4" }).click();
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		const got = await world.ask("letter", { to: "dave", subject: "The film" });
		assert.deepEqual(got.files, []);
		await page.close();
	},

	async "a draft that was discarded comes back whole; the focus is never nowhere"(world) {
		const page = await world.page("bob");
		const focus = () => page.evaluate(() => document.activeElement?.getAttribute("role") ?? document.activeElement?.tagName);
		await page.keyboard.press("ArrowDown");
		assert.equal(await focus(), "listbox", "arrows work from the start");
		await write(page, "dave@letterlock.test", "Thrown away", "By mistake.");
		await composer(page).locator("input[type=file]").setInputFiles({ name: "map.bin", mimeType: "application/octet-stream", buffer: Buffer.from("north is up") });
		await composer(page).getByText("Draft saved").waitFor();
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await toast(page, "Draft discarded").waitFor();
		await eventually("the list has the focus", async () => await focus() === "listbox");
		await page.keyboard.press("z");
		await composer(page).getByText("map.bin").waitFor();
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		await eventually("the list has the focus again", async () => await focus() === "listbox");
		const got = await world.ask("letter", { to: "dave", subject: "Thrown away" });
		assert.deepEqual(got.files.map((f) => f.name), ["map.bin"]);
		await page.close();
	},

	async "a letter stays open while one looks at the settings"(world) {
		const page = await world.page("bob");
		await write(page, "dave@letterlock.test", "Half written", "So far.");
		await composer(page).locator("input[type=file]").setInputFiles({ name: "map.bin", mimeType: "application/octet-stream", buffer: Buffer.from("north is up") });
		await page.getByRole("button", { name: "Settings" }).first().click();
		await page.getByRole("heading", { name: "Account", exact: true }).waitFor();
		assert.equal(await composer(page).count(), 0);
		await page.getByRole("link", { name: "Back to mail" }).click();
		await composer(page).getByText("map.bin").waitFor();
		assert.equal(await composer(page).getByLabel("Subject").inputValue(), "Half written");
		await composer(page).getByLabel("Text of the message").click();
		await page.keyboard.press("Control+End");
		await page.keyboard.type(" And the rest.");
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		const got = await world.ask("letter", { to: "dave", subject: "Half written" });
		assert.match(got.text, /So far\. And the rest\./);
		assert.deepEqual(got.files.map((f) => f.name), ["map.bin"]);
		await page.close();
	},

	async "a line is a line, here and where it arrives; what is pasted keeps its paragraphs"(world) {
		const page = await world.page();
		await write(page, "dave@letterlock.test", "Three lines", "First line");
		for (const text of ["Second line", "", "After  a gap"]) {
			await page.keyboard.press("Enter");
			await page.keyboard.type(text);
		}
		const field = composer(page).getByLabel("Text of the message");
		const heights = await field.evaluate((el) => {
			const tops = [...el.children].map((c) => c.getBoundingClientRect().top);
			return tops.slice(1).map((top, i) => Math.round(top - tops[i]));
		});
		assert.deepEqual(heights, Array(3).fill(await field.evaluate((el) => Math.round(parseFloat(getComputedStyle(el).lineHeight)))), "one line each");
		await page.keyboard.press("Enter");
		await field.evaluate((el) => {
			const data = new DataTransfer();
			data.setData("text/html", "<p>Pasted one</p><p>Pasted two</p><div>and<br>a line</div>");
			el.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
		});
		await field.evaluate((el) => {
			const data = new DataTransfer();
			data.setData("text/plain", " plain\n\nend");
			el.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
		});
		await page.keyboard.press("Enter");
		await page.keyboard.type("שלום, Bob");
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		const got = await world.ask("letter", { to: "dave", subject: "Three lines" });
		assert.match(got.html, /<div>First line<\/div><div>Second line<\/div><div><br><\/div><div>After(&nbsp;|\u00a0) a gap<\/div><div>Pasted one<\/div><p>Pasted two<\/p><div>and<br>a line plain<\/div><div><br><\/div><div>end<\/div><div dir="rtl">שלום, Bob<\/div>/, got.html);
		assert.equal(got.text.trim().replace(/\r/g, ""), "First line\nSecond line\n\nAfter  a gap\nPasted one\n\nPasted two\n\nand\na line plain\n\nend\nשלום, Bob");
		await page.close();
	},

	async "an alias that the operator gives can be written as at once, and is gone when it is taken"(world) {
		const page = await world.page();
		const alias = "desk@letterlock.test";
		await write(page, "dave@letterlock.test", "From the desk", "Written as somebody else.");
		const from = composer(page).getByRole("combobox", { name: "From", exact: true });
		assert.equal(await from.count(), 0, "nothing to choose with one address");
		await world.ask("alias", { how: "add", alias, to: "alice" });
		await from.selectOption(alias);
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Message sent").waitFor();
		assert.equal((await world.ask("letter", { to: "dave", subject: "From the desk" })).from, alias, "who it is from");
		await page.keyboard.press("c");
		await from.waitFor();
		await world.ask("alias", { how: "remove", alias, to: "alice" });
		await from.waitFor({ state: "detached" });
		await page.close();
	},

	async "sending is undone, and the letter is a draft again"(world) {
		const page = await world.page("bob");
		await write(page, "dave@letterlock.test", "Too early", "This must not go out.");
		await page.keyboard.press("Control+Enter");
		await toast(page, "Message sent").getByRole("button", { name: "Undo" }).click();
		await composer(page).waitFor();
		await eventually("the text is back", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes("This must not go out."));
		await composer(page).getByRole("button", { name: "Save and close" }).click();
		await box(page, "Drafts").click();
		await reveal(page, "Too early");
		const { waiting } = await world.ask("queue", {});
		assert.equal(waiting, 0, "letters that still wait to go out");
		assert.equal((await world.ask("count", { to: "dave", subject: "Too early" })).count, 0, "it did not go out");
		await page.close();
	},

	async "a draft is saved while one types, and outlives the page"(world) {
		const page = await world.page();
		await write(page, "marta@lindqvist.example", "About the kayaks", "They are at the back wall now.");
		await composer(page).getByText("Draft saved").waitFor();
		await page.goto("about:blank");
		await page.goto(`${world.url}/mail/drafts`);
		await composer(page).waitFor();
		await eventually("recovered", async () => (await composer(page).getByLabel("Text of the message").innerText()).includes("They are at the back wall now."));
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await eventually("discarded", async () => await row(page, "About the kayaks").count() === 0);
		await page.close();
	},

	async "a forgotten attachment and a missing recipient are noticed"(world) {
		const page = await world.page();
		await page.keyboard.press("c");
		await composer(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "Add at least one recipient.").waitFor();
		await composer(page).getByRole("button", { name: "Save and close" }).click();
		await write(page, "dave@letterlock.test", "The plan", "The plan is attached.");
		await page.keyboard.press("Control+Enter");
		await page.getByRole("dialog").getByText("nothing is attached").waitFor();
		await page.getByRole("button", { name: "Keep writing" }).click();
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await page.close();
	},
};
