// Filing by mouse and menu, links that lie, and languages on a small screen.
import assert from "node:assert/strict";
import { box, eventually, messages, openRow, rows, toast } from "./harness.mjs";

export const tests = {
	async "three that stand together are selected, moved by the menu, and taken back"(world) {
		const page = await world.page("bob");
		await eventually("enough letters", async () => await rows(page).count() >= 3);
		await page.keyboard.press("x");
		await page.getByRole("listbox", { name: "Inbox" }).focus();
		await page.keyboard.press("Shift+ArrowDown");
		await page.keyboard.press("Shift+ArrowDown");
		const chosen = page.locator("[id^=row-][aria-selected=true]");
		await eventually("three are selected", async () => await chosen.count() === 3);
		const ids = await chosen.evaluateAll((all) => all.map((r) => r.id));
		await page.keyboard.press("v");
		await page.getByRole("menuitem", { name: "Archive", exact: true }).click();
		for (const id of ids)
			await page.locator(`[id="${id}"]`).waitFor({ state: "detached" });
		await box(page, "Archive").click();
		for (const id of ids)
			await page.locator(`[id="${id}"]`).waitFor();
		await page.getByRole("button", { name: "Undo" }).click();
		await box(page, "Inbox").click();
		for (const id of ids)
			await page.locator(`[id="${id}"]`).waitFor();
		await page.close();
	},

	async "a folder is made, named, filled by a menu under the right button, and deleted; what was in it is in the trash"(world) {
		const page = await world.page("bob");
		const ask = async (button, name) => {
			const dialog = page.getByRole("dialog");
			if (name)
				await dialog.getByRole("textbox").fill(name);
			await dialog.getByRole("button", { name: button, exact: true }).click();
			return dialog;
		};
		await page.getByRole("button", { name: "New folder" }).click();
		const dialog = await ask("Create", "inbox");
		await dialog.getByText("There is a folder of this name already.").waitFor();
		await ask("Create", "Garden");
		await page.getByRole("heading", { name: "Garden" }).waitFor();
		await page.getByRole("button", { name: "Actions for Garden" }).click();
		await page.getByRole("menuitem", { name: "Rename folder" }).click();
		await ask("Rename", "Allotment");
		await page.getByRole("heading", { name: "Allotment" }).waitFor();

		// Below another one and back; never below itself.
		await page.getByRole("button", { name: "New folder" }).click();
		await ask("Create", "House");
		await page.getByRole("heading", { name: "House" }).waitFor();
		await box(page, "Allotment").click({ button: "right" });
		await page.getByRole("menuitem", { name: "Move folder…" }).click();
		const below = page.getByRole("dialog").getByLabel("Below");
		assert.ok((await below.locator("option").allInnerTexts()).includes("House"));
		assert.equal((await below.locator("option").allInnerTexts()).includes("Allotment"), false, "not below itself");
		await below.selectOption("House");
		await ask("Move");
		await toast(page, "Folder Allotment moved").waitFor();
		const level = (n) => eventually(`on level ${n}`, async () => await box(page, "Allotment").getAttribute("aria-level") === n);
		await level("2");
		await toast(page, "Folder Allotment moved").getByRole("button", { name: "Undo" }).click();
		await level("1");
		await page.getByRole("button", { name: "Actions for House" }).click();
		await page.getByRole("menuitem", { name: "Delete folder" }).click();
		await ask("Delete folder");
		await box(page, "House").waitFor({ state: "detached" });

		await box(page, "Inbox").click();
		await eventually("a second letter", async () => await rows(page).count() >= 2);
		const id = await rows(page).nth(1).getAttribute("id");
		await page.locator(`[id="${id}"]`).click({ button: "right" });
		await page.getByRole("menuitem", { name: /^Move to/ }).click();
		await page.getByRole("menuitem", { name: "Allotment" }).click();
		await page.locator(`[id="${id}"]`).waitFor({ state: "detached" });
		await box(page, "Allotment").click();
		await page.locator(`[id="${id}"]`).waitFor();

		await box(page, "Allotment").click({ button: "right" });
		await page.getByRole("menuitem", { name: "Delete folder" }).click();
		await ask("Delete folder");
		await box(page, "Allotment").waitFor({ state: "detached" });
		await page.getByRole("heading", { name: "Inbox" }).waitFor();
		await box(page, "Trash").click();
		await page.locator(`[id="${id}"]`).dragTo(box(page, "Inbox"));
		await page.locator(`[id="${id}"]`).waitFor({ state: "detached" });
		await page.close();
	},

	async "a folder is drawn below another one by the mouse, out of it again, and never below itself"(world) {
		const page = await world.page("bob");
		const make = async (name, inside) => {
			await page.getByRole("button", { name: inside ? `Actions for ${inside}` : "New folder" }).click();
			if (inside)
				await page.getByRole("menuitem", { name: `New folder in ${inside}` }).click();
			await page.getByRole("dialog").getByRole("textbox").fill(name);
			await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
			await page.getByRole("heading", { name }).waitFor();
		};
		const level = (name, n) => eventually(`${name} on level ${n}`, async () => await box(page, name).getAttribute("aria-level") === String(n));
		const point = async (where) => {
			const at = await where.boundingBox();
			await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2, { steps: 4 });
			// What is entered by one movement is stood upon by the next.
			await page.mouse.move(at.x + at.width / 2 + 2, at.y + at.height / 2);
		};
		/** Held above a place; what is seen there, then dropped. */
		const draw = async (name, where, seen) => {
			await point(box(page, name));
			await page.mouse.down();
			await point(box(page, "Inbox"));
			await page.locator("[role=tree][data-dragging]").waitFor();
			await seen?.();
			await point(where());
			if (seen)
				await where().and(page.locator("[data-over]")).waitFor();
			await page.mouse.up();
			await page.locator("[role=tree]:not([data-dragging])").waitFor();
		};
		await make("Years");
		await make("Spring", "Years");
		await make("Plans");
		// Not into the inbox, not below its own child: both are seen beforehand, and nothing happens.
		await draw("Years", () => box(page, "Plans"), async () => {
			await eventually("where it may go", async () => await box(page, "Plans").getAttribute("data-may") !== null);
			for (const name of ["Inbox", "Years", "Spring", "Trash"])
				assert.equal(await box(page, name).getAttribute("data-may"), null, name);
		});
		await toast(page, "Folder Years moved").waitFor();
		await level("Years", 2);
		await level("Spring", 3);
		await toast(page, "Folder Years moved").getByRole("button", { name: "Undo" }).click();
		await level("Years", 1);
		await draw("Years", () => box(page, "Spring"));
		await draw("Years", () => box(page, "Trash"));
		await level("Spring", 2);
		// Out again.
		await draw("Spring", () => page.getByText("Out of this folder"), () => page.getByText("Out of this folder").waitFor());
		await level("Spring", 1);
		assert.equal(await box(page, "Inbox").getAttribute("draggable"), null);
		for (const name of ["Spring", "Years", "Plans"]) {
			await box(page, name).click({ button: "right" });
			await page.getByRole("menuitem", { name: "Delete folder" }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Delete folder" }).click();
			await box(page, name).waitFor({ state: "detached" });
		}
		await page.close();
	},

	async "a label of one's own, by the keys alone, with nothing open; an address of no folder says so"(world) {
		const page = await world.page("bob");
		await page.getByRole("listbox", { name: "Inbox" }).focus();
		await page.keyboard.press("l");
		await page.locator("[role=menu] :focus").waitFor();
		await page.keyboard.press("End");
		await page.keyboard.press("Enter");
		await page.getByRole("textbox", { name: "Name of the label" }).fill("Büro & mehr");
		await page.keyboard.press("Enter");
		const labelled = rows(page).filter({ hasText: "Büro & mehr" });
		await labelled.waitFor();
		await page.reload();
		await labelled.waitFor();
		assert.equal(await page.evaluate(() => document.querySelectorAll("[role=menu]:popover-open, dialog[open]").length), 0);
		await page.goto(`${world.url}/mail/nowhere`);
		await page.getByText("There is no such folder.").waitFor();
		await page.close();
	},

	async "a letter is dragged into a mailbox"(world) {
		const page = await world.page("bob");
		const letter = rows(page).nth(1);
		const id = await letter.getAttribute("id");
		await letter.dragTo(box(page, "Archive"));
		await page.locator(`[id="${id}"]`).waitFor({ state: "detached" });
		await box(page, "Archive").click();
		await page.locator(`[id="${id}"]`).waitFor();
		await page.locator(`[id="${id}"]`).dragTo(box(page, "Inbox"));
		await page.locator(`[id="${id}"]`).waitFor({ state: "detached" });
		await page.close();
	},

	async "a link that lies about where it goes asks first"(world) {
		const page = await world.page();
		const { token } = await world.ask("deliver_html", { to: "alice", html: '<p>See <a href="https://evil.example/login">https://weeklygrain.example/archive</a>, or <a href="https://honest.example/">this</a>.</p>' });
		await openRow(page, token);
		await messages(page).last().frameLocator("iframe").getByText("https://weeklygrain.example/archive").click();
		const dialog = page.getByRole("dialog", { name: "This link goes somewhere else" });
		await dialog.getByText("https://evil.example/login").waitFor();
		assert.equal(page.context().pages().length, 1, "nothing was opened");
		await page.close();
	},

	async "a row is drawn aside by a finger: far enough to the left into the archive, to the right read or unread, and undone"(world) {
		await (await world.page("bob")).close();
		const storageState = await world.people.get("bob").storageState();
		const context = await world.visitor({ storageState, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
		const page = await context.newPage();
		const loaded = page.waitForResponse((r) => /\/assets\/swipe/.test(r.url()));
		await page.goto(`${world.url}/mail/inbox`);
		await Promise.all([rows(page).first().waitFor(), loaded]);
		const client = await context.newCDPSession(page);
		const id = await rows(page).nth(1).getAttribute("id");
		const row = page.locator(`[id="${id}"]`);
		const touch = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
		const draw = async (dx, dy, then = async () => undefined) => {
			const { x, y, width, height } = await row.boundingBox();
			const from = [x + width / 2, y + height / 2];
			await touch("touchStart", from);
			for (let i = 1; i <= 8; i++)
				await touch("touchMove", [from[0] + dx * i / 8, from[1] + dy * i / 8]);
			await then();
			await touch("touchEnd");
		};
		const under = row.locator("xpath=preceding-sibling::div");
		await eventually("it can be drawn", async () => {
			await draw(-80, 0, () => under.getByText("Archive").waitFor({ timeout: 2000 }));
			return true;
		});
		await eventually("not far enough", async () => await row.evaluate((el) => el.style.transform === "") && await under.count() === 0);
		assert.equal(await toast(page, "archived").count(), 0);
		await draw(20, 120);
		assert.equal(await under.count(), 0, "that is scrolling");

		const unread = async () => await row.getAttribute("data-unread") !== null;
		const before = await unread();
		await draw(220, 0, async () => assert.ok(await under.getAttribute("data-far") !== null, "far enough"));
		await eventually("the other way round", async () => await unread() !== before);
		await page.getByRole("button", { name: "Undo" }).last().click();
		await eventually("as it was", async () => await unread() === before);

		await draw(-220, 0);
		await row.waitFor({ state: "detached" });
		await page.getByRole("button", { name: "Undo" }).last().click();
		await row.waitFor();
		assert.match(page.url(), /\/mail\/inbox$/, "nothing was opened by it");
		await context.close();
	},

	async "every language fits the phone"(world) {
		await (await world.page("alice")).close();
		const storageState = await world.people.get("alice").storageState(); // the cookie: she is signed in
		for (const locale of ["de-DE", "fr-FR"]) {
			const context = await world.visitor({ locale, storageState, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
			const page = await context.newPage();
			await page.goto(`${world.url}/mail/inbox`);
			await page.locator("main [role=option] time").first().waitFor();
			assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
			for (const path of ["/mail/inbox", "/settings/account", "/settings/security", "/settings/mail"]) {
				await page.goto(world.url + path);
				await page.getByRole("heading").or(page.locator("main [role=option] time")).first().waitFor();
				await page.waitForLoadState("networkidle");
				assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${locale} ${path} is wider than the screen`);
			}
			await context.close();
		}
	},
};
