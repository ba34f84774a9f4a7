// 100,000 messages in one mailbox (tests/system/test_large.py put them there): the list, its ends and its middle, search.
import assert from "node:assert/strict";
import { conversation, eventually, messages, row, rows, toast } from "./harness.mjs";

const list = (page) => page.locator("main [role=listbox]");
const name = (n) => `Letter ${String(n).padStart(6, "0")}`;
const scrollTo = (page, part) => list(page).evaluate((el, part) => { el.scrollTop = part * el.scrollHeight; }, part);

export const tests = {
	async "the list is scrolled from the newest to the oldest"(world) {
		const { count } = world.config.people.large;
		const page = await world.page();
		await row(page, name(count - 2)).first().waitFor(); // the last is an answer to it
		for (const part of [0.5, 0.25, 0.9, 1]) {
			await scrollTo(page, part);
			await eventually(`rows at ${part}`, async () => {
				const shown = (await rows(page).allInnerTexts()).flatMap((t) => [...t.matchAll(/Letter (\d{6})/g)].map((m) => Number(m[1])));
				const wanted = count - part * count;
				return shown.length > 5 && shown.every((n) => Math.abs(n - wanted) < 200 + 0.02 * count);
			});
			assert.ok(await page.locator("main [role=option]").count() < 80, "only what is seen is drawn");
		}
		await row(page, name(0)).first().waitFor();
		await scrollTo(page, 0);
		await row(page, name(count - 2)).first().waitFor();
		await page.close();
	},

	async "the oldest is read, starred and found by it"(world) {
		const page = await world.page();
		await scrollTo(page, 1);
		await row(page, name(0)).first().click();
		await conversation(page).getByRole("heading", { name: name(0) }).waitFor();
		await messages(page).last().getByText("of day 0").waitFor();
		await page.keyboard.press("s");
		await page.goto(`${world.url}/search/${encodeURIComponent("is:starred")}`);
		await row(page, name(0)).first().waitFor();
		assert.equal(await rows(page).count(), 1);
		await page.close();
	},

	async "a rare word, a writer and a span of days are found among all"(world) {
		const { count, rare } = world.config.people.large;
		const page = await world.page();
		const search = async (text) => {
			await page.goto(`${world.url}/search/${encodeURIComponent(text)}`);
			await rows(page).first().waitFor();
		};
		await search(rare);
		const hits = [];
		for (let n = 7; n < count; n += 40_000)
			hits.push(n);
		for (const n of hits)
			await row(page, name(n)).first().waitFor();
		assert.equal(await rows(page).count(), hits.length);
		await search(`from:writer42@large.example subject:"${name(42)}"`);
		assert.equal(await rows(page).count(), 1);
		await search("after:2017-07-14 before:2017-07-15");
		await eventually("the first day alone", async () => !(await rows(page).allInnerTexts()).some((t) => Number(/Letter (\d+)/.exec(t)?.[1]) > 1440));
		await page.close();
	},

	async "a search shows its first rows before it has counted, and then the right count"(world) {
		const { count } = world.config.people.large;
		const found = Math.ceil((count - 42) / 100); // by this writer, each in a conversation of its own
		const text = "from:writer42@large.example";
		const page = await world.page();
		await row(page, name(count - 2)).first().waitFor();
		let release = () => undefined;
		const held = new Promise((done) => { release = done; });
		const counts = [];
		await page.route("**/jmap/api", async (route) => {
			const asked = route.request().postData() ?? "";
			if (asked.includes(text.slice(5)) && asked.includes('"calculateTotal":true')) {
				counts.push(asked);
				await held;
			}
			await route.continue();
		});
		await page.getByRole("combobox", { name: "Search" }).fill(text);
		await page.keyboard.press("Enter");
		const newest = count - 100 + 42 - (count % 100);
		await row(page, name(newest)).first().waitFor();
		await page.getByText("Counting …").waitFor();
		if (found > 150) // else they come with the last row, and so with the count
			await eventually("the next rows without the count", async () => {
				const shown = (await rows(page).allInnerTexts()).map((t) => Number(/Letter (\d{6})/.exec(t)?.[1]));
				if (shown.some((n) => n <= newest - 52 * 100))
					return true;
				await scrollTo(page, 1);
				return false;
			});
		assert.equal(await page.getByText("Counting …").count(), 1);
		release();
		await page.getByText(`${found.toLocaleString("en")} conversations`).waitFor();
		assert.equal(await page.getByText("Counting …").count(), 0);
		await scrollTo(page, 1);
		await row(page, name(42)).first().waitFor();
		assert.equal(counts.length, 1, "counted once");
		await page.close();
	},

	async "archiving one of many is undone"(world) {
		const { count } = world.config.people.large;
		const page = await world.page();
		await row(page, name(count - 2)).first().click();
		await conversation(page).getByRole("heading", { name: name(count - 2) }).waitFor();
		await page.keyboard.press("e");
		await row(page, name(count - 2)).first().waitFor({ state: "detached" });
		await toast(page, "Archived").waitFor();
		await page.keyboard.press("z");
		await row(page, name(count - 2)).first().waitFor();
		await page.close();
	},
};
