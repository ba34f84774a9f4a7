// Parts of the page that do not come when they are wanted: what is said, what is tried, and that nothing is lost by it.
import assert from "node:assert/strict";
import { box, eventually, fillSignIn, inbox, toast } from "./harness.mjs";

const failed = (page) => page.getByText("This part could not be loaded.");
const anew = (page) => page.getByRole("button", { name: "Load the page again" });
const settings = (page) => page.getByRole("button", { name: "Settings" }).click();
const composer = (page) => page.getByRole("region", { name: "New message" });

/** A page that keeps nothing on its device, so that every script comes from the server, and how it is spoiled. */
async function open(world) {
	const context = await world.visitor();
	const page = await context.newPage();
	await fillSignIn(world, page, "alice", world.config.people.alice.password, false);
	await inbox(page);
	// All that is fetched ahead.
	await eventually("nothing more is fetched", () => page.evaluate(() => {
		const times = performance.getEntriesByType("resource").map((e) => e.responseEnd);
		return performance.now() > 5000 && performance.now() - Math.max(...times) > 1000;
	}));
	const spoilt = { context, page, loads: 0, asked: 0, files: new Set(), catching: false, answer: (route) => route.abort("failed") };
	page.on("request", (r) => { spoilt.loads += r.isNavigationRequest() && r.frame() === page.mainFrame() ? 1 : 0; });
	await context.route("**/assets/*.js", (route) => {
		const url = route.request().url();
		if (spoilt.catching)
			spoilt.files.add(url);
		if (!spoilt.files.has(url))
			return route.continue();
		spoilt.asked++;
		return spoilt.answer(route);
	});
	return spoilt;
}

async function close(world, { context }) {
	world.forgive(/ERR_FAILED|ERR_INTERNET_DISCONNECTED|WebSocket connection to|^40[04] for GET .*\/assets\/|^500 for POST .*\/jmap\/api|MIME type/);
	await context.close();
}

/** Whatever the page wants for the act is not to be had from now on. */
async function withhold(spoilt, act) {
	spoilt.catching = true;
	await act();
	await failed(spoilt.page).first().waitFor();
	spoilt.catching = false;
	assert.ok(spoilt.files.size > 0);
}

/** As the standard has it: what has failed once fails for as long as the page is open. */
async function remember(spoilt) {
	const { page, files } = spoilt;
	page.on("requestfailed", (r) => r.resourceType() === "script" && files.add(r.url()));
	page.on("request", (r) => r.isNavigationRequest() && r.frame() === page.mainFrame() && files.clear());
}

async function askedAgain(spoilt, times) {
	const before = spoilt.asked;
	await eventually("it is asked for again", () => spoilt.asked >= before + times);
}

async function write(page, subject, text) {
	await page.keyboard.press("c");
	await composer(page).getByLabel("Subject").fill(subject);
	await composer(page).getByLabel("Text of the message").click();
	await page.keyboard.type(text);
}

async function isStillWritten(page, subject, text) {
	await page.getByRole("link", { name: "Back to mail" }).click();
	await composer(page).getByText(text).waitFor();
	assert.equal(await composer(page).getByLabel("Subject").inputValue(), subject);
}

export const tests = {
	async "a part that the browser asks for only once comes with a page loaded anew, and a letter stays"(world) {
		const spoilt = await open(world);
		const { context, page } = spoilt;
		await remember(spoilt);
		await write(page, "Half a letter", "It goes on after this.");
		await context.setOffline(true);
		await page.getByText("You are offline.").waitFor();
		await settings(page);
		await failed(page).waitFor();
		assert.equal(spoilt.loads, 0);
		await context.setOffline(false);
		await page.getByRole("heading", { name: "Account", level: 1 }).waitFor();
		assert.equal(spoilt.loads, 1);
		await isStillWritten(page, "Half a letter", "It goes on after this.");
		await close(world, spoilt);
	},

	async "a part that is gone for good makes the page load anew once, then only by hand"(world) {
		const spoilt = await open(world);
		const { page } = spoilt;
		spoilt.answer = (route) => route.fulfill({ status: 404, contentType: "text/plain", body: "" });
		await withhold(spoilt, () => settings(page));
		await eventually("the page is loaded anew", () => spoilt.loads === 1);
		await anew(page).waitFor();
		await askedAgain(spoilt, 3);
		assert.equal(spoilt.loads, 1);
		await anew(page).click();
		await eventually("the page is loaded anew", () => spoilt.loads === 2);
		await anew(page).waitFor();
		await askedAgain(spoilt, 3);
		assert.equal(spoilt.loads, 2);
		spoilt.files.clear();
		await page.getByRole("heading", { name: "Account", level: 1 }).waitFor();
		assert.equal(spoilt.loads, 2);
		await close(world, spoilt);
	},

	async "no part is worth a letter that cannot be kept"(world) {
		const spoilt = await open(world);
		const { context, page } = spoilt;
		const refuse = (route) => (/"Email\/set"/.test(route.request().postData() ?? "") ? route.fulfill({ status: 500, body: "" }) : route.continue());
		await context.route("**/jmap/api", refuse);
		await write(page, "Not saved", "Nobody else has this.");
		await composer(page).getByText("Not saved", { exact: true }).last().waitFor();
		await withhold(spoilt, () => settings(page));
		await anew(page).waitFor();
		await askedAgain(spoilt, 2);
		assert.equal(spoilt.loads, 0);
		await context.unroute("**/jmap/api", refuse);
		await eventually("the page is loaded anew", () => spoilt.loads === 1);
		spoilt.files.clear();
		await isStillWritten(page, "Not saved", "Nobody else has this.");
		await close(world, spoilt);
	},

	async "no part is worth what stands in a field"(world) {
		const spoilt = await open(world);
		const { page } = spoilt;
		let give;
		const typed = new Promise((done) => { give = done; });
		spoilt.answer = (route) => typed.then(() => route.fulfill({ status: 404, contentType: "text/plain", body: "" }));
		await settings(page);
		await page.getByRole("heading", { name: "Account", level: 1 }).waitFor();
		const group = page.locator("section", { has: page.getByRole("heading", { name: "Vacation notice" }) });
		const subject = group.getByLabel("Subject");
		await withhold(spoilt, async () => {
			await page.getByRole("link", { name: "Mail", exact: true }).click();
			await group.getByText("Text and dates").click();
			await subject.fill("Away");
			give();
		});
		await toast(page, "Loading the page again may help.").waitFor();
		await askedAgain(spoilt, 2);
		assert.equal(spoilt.loads, 0);
		assert.equal(await subject.inputValue(), "Away");
		spoilt.files.clear();
		await group.getByRole("textbox", { name: "Text" }).waitFor();
		assert.equal(spoilt.loads, 0);
		await close(world, spoilt);
	},

	async "what a click wanted is had by a page loaded anew when it fails twice"(world) {
		const spoilt = await open(world);
		const { page } = spoilt;
		const fresh = page.getByRole("button", { name: "New folder" });
		await withhold(spoilt, () => fresh.click());
		assert.equal(await anew(page).count(), 0);
		await fresh.click();
		await anew(page).waitFor();
		spoilt.files.clear();
		await anew(page).click();
		await eventually("the page is loaded anew", () => spoilt.loads === 1);
		await inbox(page);
		await box(page, "Inbox").waitFor();
		await fresh.click();
		await page.getByRole("dialog").waitFor();
		await close(world, spoilt);
	},
};
