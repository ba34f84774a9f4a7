// Parts of the page that do not come when they are wanted: what is said, what is tried, and that nothing is lost by it.
import assert from "node:assert/strict";
import { box, eventually, fillSignIn, inbox, toast } from "./harness.mjs";

const failed = (page) => page.getByText("This part could not be loaded.");
const anew = (page) => page.getByRole("button", { name: "Load the page again" });
const settings = (page) => page.getByRole("button", { name: "Settings" }).click();
const composer = (page) => page.getByRole("region", { name: "New message" });

const isNewPage = (page, request) => request.isNavigationRequest() && request.frame() === page.mainFrame();

/** A page that keeps nothing on its device, so that every script comes from the server, and how it is spoiled. */
async function open(world) {
	const context = await world.visitor();
	const page = await context.newPage();
	await fillSignIn(world, page, "alice", world.config.people.alice.password, false);
	await inbox(page);
	// All that is fetched without being asked for, with what it imports.
	await eventually("nothing more is fetched", () => page.evaluate(() => {
		const got = performance.getEntriesByType("resource");
		return ["start", "sync", "messages", "paper", "composer", "row_menu", "overlays"].every((part) => got.some((e) => e.name.includes(`/assets/${part}-`)))
			&& performance.now() - Math.max(...got.map((e) => e.responseEnd)) > 1000;
	}));
	const spoilt = { context, page, loads: 0, looks: 0, files: new Set(), catching: false, answer: (route) => route.abort("failed") };
	page.on("request", (r) => {
		spoilt.loads += isNewPage(page, r) ? 1 : 0;
		spoilt.looks += r.method() === "HEAD" ? 1 : 0;
	});
	await context.route("**/assets/*.js", (route) => {
		const url = route.request().url();
		if (spoilt.catching)
			spoilt.files.add(url);
		return spoilt.files.has(url) ? spoilt.answer(route) : route.continue();
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
	giveNextPage(spoilt);
}

/** The page that comes next gets what this one cannot have. Until then nothing changes: not every browser would ask again. */
function giveNextPage({ page, files }) {
	page.on("request", (r) => isNewPage(page, r) && files.clear());
}

/** Each time that the part fails the page looks whether the server is there, be it that the browser asked for the part or that it remembers. */
async function failsAgain(spoilt, times) {
	const before = spoilt.looks;
	await eventually("it is tried again", () => spoilt.looks >= before + times);
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
		await failsAgain(spoilt, 3);
		assert.equal(spoilt.loads, 1);
		await anew(page).click();
		await eventually("the page is loaded anew", () => spoilt.loads === 2);
		await anew(page).waitFor();
		await failsAgain(spoilt, 3);
		assert.equal(spoilt.loads, 2);
		giveNextPage(spoilt);
		await anew(page).click();
		await page.getByRole("heading", { name: "Account", level: 1 }).waitFor();
		assert.equal(spoilt.loads, 3);
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
		await failsAgain(spoilt, 2);
		assert.equal(spoilt.loads, 0);
		giveNextPage(spoilt);
		await context.unroute("**/jmap/api", refuse);
		await eventually("the page is loaded anew", () => spoilt.loads === 1);
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
		await failsAgain(spoilt, 2);
		assert.equal(spoilt.loads, 0);
		assert.equal(await subject.inputValue(), "Away");
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
		giveNextPage(spoilt);
		await anew(page).click();
		await eventually("the page is loaded anew", () => spoilt.loads === 1);
		await inbox(page);
		await box(page, "Inbox").waitFor();
		await fresh.click();
		await page.getByRole("dialog").waitFor();
		await close(world, spoilt);
	},
};
