// Without the server: reading, searching, changing and writing; what stays on the device and what does not; a new build.
// One browser with its profile on the disk, whose owner stays signed in, does most of it.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { box, conversation, eventually, fillSignIn, inbox, messages, openRow, patience, reveal, row, rows, signIn, toast } from "./harness.mjs";

const composer = (page) => page.getByRole("region", { name: "New message" });
const strip = (page) => page.getByText("You are offline.");
const outbox = (page) => page.getByRole("dialog", { name: "Outbox" });

const folder = (world) => join(world.config.work, "profile");

/** The browser of the device; the same one until it is closed. */
async function device(world) {
	world.device ??= await world.resident(folder(world));
	return world.device;
}

async function closeDevice(world) {
	await world.device?.close();
	world.device = undefined;
}

/** What the browser keeps: records by kind, files of the client, service workers. */
const kept = (page) => page.evaluate(async () => {
	const count = {};
	const ids = [];
	const bases = await indexedDB.databases();
	if (bases.some((b) => b.name === "letterlock-offline")) {
		const db = await new Promise((done, failed) => {
			const r = indexedDB.open("letterlock-offline");
			r.onsuccess = () => done(r.result);
			r.onerror = () => failed(r.error);
			// It was deleted in this moment.
			r.onupgradeneeded = () => r.transaction.abort();
		});
		const keys = await new Promise((done) => {
			const r = db.transaction("records").objectStore("records").getAllKeys();
			r.onsuccess = () => done(r.result);
		});
		db.close();
		for (const [, kind, id] of keys) {
			count[kind] = (count[kind] ?? 0) + 1;
			ids.push(id);
		}
	}
	const names = await caches.keys();
	const files = (await Promise.all(names.map(async (n) => (await (await caches.open(n)).keys()).map((r) => new URL(r.url).pathname)))).flat();
	const active = (await navigator.serviceWorker.getRegistration())?.active?.state === "activated";
	return { ...count, ids, names, files, active, workers: (await navigator.serviceWorker.getRegistrations()).length };
});

async function secret(page) {
	return page.evaluate(async () => {
		const db = await new Promise((done) => {
			const r = indexedDB.open("letterlock-keys");
			r.onsuccess = () => done(r.result);
		});
		const n = db.objectStoreNames.contains("secrets")
			? await new Promise((done) => { const r = db.transaction("secrets").objectStore("secrets").count(); r.onsuccess = () => done(r.result); }) : 0;
		db.close();
		return n;
	});
}

/** A page of the device with everything in its place for the time without the server. */
async function ready(world, { least = 10 } = {}) {
	const page = await (await device(world)).newPage();
	await page.goto(`${world.url}/mail/inbox`);
	await page.getByRole("tree", { name: "Mailboxes" }).or(page.getByRole("heading", { name: "Sign in" })).first().waitFor();
	if (await page.getByRole("heading", { name: "Sign in" }).count())
		await signIn(world, page, "alice");
	await inbox(page);
	await eventually("mail and client are kept", async () => {
		const k = await kept(page);
		return (k.mail ?? 0) >= least && k.files.length > 20 && k.active && k.state === 1;
	});
	return page;
}

/** A letter of two words that stand nowhere else, once the device keeps it. */
async function marked(world, page) {
	const mark = await world.ask("mark", {});
	const id = (await (await reveal(page, mark.subject)).getAttribute("id")).replace(/^row-/, "");
	await eventually("it is kept", async () => (await kept(page)).ids.includes(id));
	return mark;
}

/** The server goes away, and what that does to a page is no fault of the page. */
async function without(world, act) {
	await world.ask("stop", {});
	try {
		return await act();
	} finally {
		await world.ask("start", {});
		world.forgive(/ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|WebSocket connection to|ERR_CONNECTION_CLOSED|ERR_FAILED|ERR_CONNECTION_RESET/);
	}
}

/** A way to the server that may go without a word: what is sent is lost then, and no connection is closed or refused. */
async function openWay(world) {
	const way = { dead: false, ends: new Set() };
	const server = createServer((near) => {
		const far = connect(world.config.port, world.config.address);
		for (const [from, to] of [[near, far], [far, near]]) {
			way.ends.add(from);
			from.on("data", (data) => way.dead || to.write(data));
			from.on("error", () => undefined);
			from.on("close", () => way.dead || to.destroy());
		}
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const { host, address } = world.config;
	const args = world.launching.args.map((a) => a.replace(`MAP ${host} ${address}`, `MAP ${host} 127.0.0.1:${server.address().port}`));
	assert.notDeepEqual(args, world.launching.args);
	way.browser = await chromium.launch({ ...world.launching, args });
	way.close = async () => {
		await way.browser.close();
		way.ends.forEach((s) => s.destroy());
		server.close();
	};
	return way;
}

async function write(page, subject, text, to = "dave@letterlock.test") {
	await page.keyboard.press("c");
	await composer(page).waitFor();
	await composer(page).getByRole("combobox", { name: "To", exact: true }).fill(to);
	await page.keyboard.press("Enter");
	await composer(page).getByRole("button", { name: /^Remove / }).first().waitFor();
	await composer(page).getByLabel("Subject").fill(subject);
	await composer(page).getByLabel("Text of the message").click();
	await page.keyboard.type(text);
}

/** Breaks the connection once: before a request has gone, or before its answer has come. */
async function loseOne(page, requestStage, which) {
	const lost = { count: 0 };
	const cdp = await page.context().newCDPSession(page);
	cdp.on("Fetch.requestPaused", ({ requestId, request }) => {
		const hit = lost.count === 0 && which.test(request.postData ?? "");
		lost.count += hit ? 1 : 0;
		void cdp.send(...(hit ? ["Fetch.failRequest", { requestId, errorReason: "ConnectionReset" }] : ["Fetch.continueRequest", { requestId }])).catch(() => undefined);
	});
	await cdp.send("Fetch.enable", { patterns: [{ urlPattern: "*/jmap/api", requestStage }] });
	return lost;
}

const back = async (page) => {
	await page.evaluate(() => dispatchEvent(new Event("online")));
	await strip(page).waitFor({ state: "detached" });
};

export const tests = {
	async "a device that is trusted keeps the client and recent mail, and nobody else's does"(world) {
		const stranger = await world.visitor();
		const there = await stranger.newPage();
		await fillSignIn(world, there, "alice", world.config.people.alice.password, false);
		await inbox(there);
		await there.waitForTimeout(3000);
		const nothing = await kept(there);
		assert.deepEqual([nothing.mail, nothing.files.length, nothing.workers], [undefined, 0, 0]);
		world.policies = await there.evaluate(async (paths) => Object.fromEntries(await Promise.all(paths.map(async (p) =>
			[p, (await fetch(p, { cache: "no-store" })).headers.get("Content-Security-Policy")]))), ["/mailframe", "/index.html"]);
		assert.match(world.policies["/mailframe"], /sandbox allow-scripts/);
		await stranger.close();

		const page = await (await device(world)).newPage();
		await signIn(world, page, "alice");
		await page.close();
		const again = await ready(world);
		const k = await kept(again);
		assert.equal(k.workers, 1);
		assert.equal(k.names.length, 1);
		assert.ok(k.files.includes("/index.html") && k.files.includes("/mailframe"), k.files.join(" "));
		assert.ok(!k.files.some((f) => /^\/(api|jmap)/.test(f)), "answers of the server are not kept");
		await again.close();
	},

	async "without the server the page opens, says so, and mail is listed, searched and read"(world) {
		const first = await ready(world);
		await first.close();
		await without(world, async () => {
			const page = await (await device(world)).newPage();
			await page.goto(`${world.url}/mail/inbox`);
			await strip(page).waitFor();
			assert.ok(await rows(page).count() > 3);
			await openRow(page, "Soup");
			assert.ok((await messages(page).last().innerText()).length > 20);
			await page.getByRole("searchbox").or(page.getByRole("combobox", { name: /Search/ })).first().fill("soup");
			await page.keyboard.press("Enter");
			await row(page, "Soup").first().waitFor();
			await page.getByRole("searchbox").or(page.getByRole("combobox", { name: /Search/ })).first().fill("word-that-is-nowhere");
			await page.keyboard.press("Enter");
			await page.getByText("Nothing was found").or(page.getByText("Nothing found")).first().waitFor();
			await page.close();
		});
	},

	async "a network that goes without a word is noticed by the page, and so is its return"(world) {
		const way = await openWay(world);
		const page = await world.watched(await way.browser.newContext({ locale: "en-GB", timezoneId: "UTC" })).newPage();
		await page.clock.install();
		await fillSignIn(world, page, "alice", world.config.people.alice.password, false);
		await inbox(page);
		await page.waitForTimeout(2000);
		way.dead = true;
		const mark = await world.ask("mark", {});
		// A minute in which nothing is done: no request can fail.
		for (let i = 0; i < 12; i++)
			await page.clock.runFor(5000);
		await strip(page).waitFor();
		assert.equal(await row(page, mark.subject).count(), 0);
		way.dead = false;
		await page.clock.runFor(30_000);
		await strip(page).waitFor({ state: "detached" });
		await row(page, mark.subject).waitFor();
		await way.close();
		world.forgive(/ERR_TIMED_OUT|ERR_HTTP2_PING_FAILED|ERR_CONNECTION_|ERR_NETWORK_CHANGED|WebSocket connection to/);
	},

	async "formatted mail is shown in its frame, whose policy is kept with it"(world) {
		const first = await ready(world);
		await without(world, async () => {
			await first.reload();
			await strip(first).waitFor();
			for (const path of ["/mailframe", "/index.html"]) {
				const stored = await first.evaluate(async (p) => (await caches.match(p)).headers.get("Content-Security-Policy"), path);
				assert.equal(stored, world.policies[path]);
			}
			const html = await eventually("a formatted letter", async () => {
				for (const r of await rows(first).all()) {
					await r.click();
					await messages(first).last().waitFor();
					if (await messages(first).locator("iframe").count())
						return true;
				}
				return false;
			});
			assert.ok(html);
			await eventually("text in the frame", async () => (await messages(first).frameLocator("iframe").first().locator("body").innerText()).length > 20);
			await first.close();
		});
	},

	async "changes made meanwhile are made on the server afterwards, in order; what is gone there stays gone"(world) {
		const page = await ready(world);
		const [kept1, gone] = [await marked(world, page), await marked(world, page)];
		await reveal(page, kept1.subject);
		await reveal(page, gone.subject);
		await without(world, async () => {
			await page.reload();
			await strip(page).waitFor();
			await openRow(page, kept1.subject);
			await page.keyboard.press("s");
			await page.keyboard.press("u");
			await openRow(page, gone.subject);
			await page.keyboard.press("s");
			await page.keyboard.press("u");
			await (await reveal(page, kept1.subject)).click();
			await page.keyboard.press("e");
			await row(page, kept1.subject).waitFor({ state: "detached" });
			await eventually("five changes are noted", async () => (await kept(page)).change >= 5);
			await page.waitForTimeout(800);
			await page.reload();
			await strip(page).waitFor();
			assert.equal(await row(page, kept1.subject).count(), 0, "it stays so after a reload");
			await page.context().setOffline(true);
		});
		await world.ask("remove", { subject: gone.subject });
		await page.context().setOffline(false);
		await back(page);
		await page.getByText("One change was left out").or(page.getByText("changes were left out")).waitFor();
		await eventually("the archive has it", async () => (await world.ask("state", { subject: kept1.subject, mailbox: "Archive" })).count === 1);
		const now = await world.ask("state", { subject: kept1.subject, mailbox: "Archive" });
		assert.match(now.flags, /\\Seen/);
		assert.match(now.flags, /\\Flagged/);
		assert.equal((await world.ask("state", { subject: kept1.subject })).count, 0);
		assert.equal((await world.ask("state", { subject: gone.subject })).count, 0);
		assert.equal((await kept(page)).change, undefined);
		await page.close();
	},

	async "a letter that is sent without the server waits, can be changed, and arrives once"(world) {
		const page = await ready(world);
		await without(world, async () => {
			await page.reload();
			await strip(page).waitFor();
			await write(page, "Written on a train", "First words.");
			await page.getByText("Saved on this device").waitFor();
			await page.keyboard.press("Control+Enter");
			await toast(page, "outbox").waitFor();
			await page.reload();
			await strip(page).waitFor();
			await box(page, "Outbox").click();
			await outbox(page).getByText("Written on a train").waitFor();
			await outbox(page).getByRole("button", { name: "Edit" }).click();
			await composer(page).getByLabel("Text of the message").click();
			await page.keyboard.press("Control+Home");
			await page.keyboard.type("Second thoughts. ");
			await page.keyboard.press("Control+Enter");
			await toast(page, "outbox").waitFor();
			await write(page, "Never to be sent", "No.");
			await page.keyboard.press("Control+Enter");
			await eventually("two wait", async () => (await kept(page)).letter === 2);
			await box(page, "Outbox").click();
			await outbox(page).locator("li", { hasText: "Never to be sent" }).getByRole("button", { name: "Delete" }).click();
			await outbox(page).getByText("Never to be sent").waitFor({ state: "detached" });
			await page.keyboard.press("Escape");
		});
		await back(page);
		await toast(page, "Sent: Written on a train").waitFor();
		await eventually("it arrived", async () => (await world.ask("count", { to: "dave", subject: "Written on a train" })).count >= 1);
		assert.match((await world.ask("letter", { to: "dave", subject: "Written on a train" })).text, /Second thoughts\. First words\./);
		await page.waitForTimeout(1500);
		assert.equal((await world.ask("count", { to: "dave", subject: "Written on a train" })).count, 1);
		assert.equal((await world.ask("count", { to: "dave", subject: "Never to be sent" })).count, 0);
		assert.equal((await world.ask("state", { subject: "Written on a train", mailbox: "Sent" })).count, 1);
		assert.equal((await world.ask("state", { subject: "Written on a train", mailbox: "Drafts" })).count, 0);
		assert.equal((await kept(page)).letter, undefined);
		await page.close();
	},

	async "an answer that is lost on its way sends nothing twice"(world) {
		for (const [kind, reached] of [["answer", true], ["question", false]]) {
			const page = await ready(world);
			const subject = `The lost ${kind}`;
			const lost = await loseOne(page, reached ? "Response" : "Request", /"EmailSubmission\/set",\{[^]*"create":\{"send0"/);
			await write(page, subject, "Once, please.");
			await page.getByText("Draft saved").waitFor();
			await page.keyboard.press("Control+Enter");
			await toast(page, `Sent: ${subject}`).waitFor();
			assert.equal(lost.count, 1);
			await eventually("it arrived", async () => (await world.ask("count", { to: "dave", subject })).count >= 1);
			await page.waitForTimeout(1500);
			assert.equal((await world.ask("count", { to: "dave", subject })).count, 1, `the ${kind} was lost`);
			assert.equal((await world.ask("state", { subject, mailbox: "Sent" })).count, 1);
			assert.equal((await world.ask("state", { subject, mailbox: "Drafts" })).count, 0);
			assert.equal((await kept(page)).letter, undefined);
			world.forgive(/ERR_CONNECTION_RESET|ERR_FAILED/);
			await page.close();
		}
	},

	async "the profile on the disk says nothing of what is in it"(world) {
		const page = await ready(world);
		const mark = await marked(world, page);
		await openRow(page, mark.subject);
		await messages(page).getByText(mark.text).waitFor();
		await without(world, async () => {
			await page.reload();
			await strip(page).waitFor();
			await openRow(page, mark.subject);
			await messages(page).getByText(mark.text).waitFor();
			await write(page, `Reply ${mark.subject}`, `Again ${mark.text}`);
			await page.keyboard.press("Control+Enter");
			await eventually("it waits", async () => (await kept(page)).letter === 1);
			await page.waitForTimeout(500);
			await closeDevice(world);
		});
		const words = [mark.subject, mark.text];
		assert.deepEqual((await world.ask("grep", { folder: "profile", words })).found, []);
		// That it would be found if it stood there.
		const control = await (await device(world)).newPage();
		await control.goto(`${world.url}/mail/inbox`);
		await inbox(control);
		await control.evaluate(async ([a, b]) => {
			const db = await new Promise((done) => {
				const r = indexedDB.open("control");
				r.onupgradeneeded = () => r.result.createObjectStore("s");
				r.onsuccess = () => done(r.result);
			});
			await new Promise((done) => { const x = db.transaction("s", "readwrite"); x.objectStore("s").put(`${a} ${b}`, 1); x.oncomplete = done; });
			db.close();
		}, words);
		await toast(control, `Sent: Reply ${mark.subject}`).waitFor();
		await closeDevice(world);
		assert.deepEqual((await world.ask("grep", { folder: "profile", words })).found, [...words].sort());
	},

	async "a tab whose device keeps nothing sends when the connection is back"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await fillSignIn(world, page, "alice", world.config.people.alice.password, false);
		await inbox(page);
		await page.waitForTimeout(1500);
		await write(page, "From a tab alone", "Still here?");
		await page.getByText("Draft saved").waitFor();
		await without(world, async () => {
			await page.keyboard.press("Control+Enter");
			await toast(page, "Keep this tab open").waitFor();
			assert.equal((await kept(page)).letter, undefined);
		});
		await eventually("it arrived", async () => (await world.ask("count", { to: "dave", subject: "From a tab alone" })).count === 1);
		await context.close();
	},

	async "a tab whose device keeps nothing says that the connection is gone, and takes it back by itself"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await fillSignIn(world, page, "bob", world.config.people.bob.password, false);
		await inbox(page);
		// What looks after the connection is there, and so are its words.
		await eventually("the part is loaded", () => page.evaluate(() => performance.getEntriesByType("resource").some((e) => /start-/.test(e.name))));
		const kept = await row(page, "").count();
		// No socket is closed by this, as when a cable is pulled: only the browser says so.
		await context.setOffline(true);
		await strip(page).waitFor();
		await page.getByText("What is on the screen can be read").waitFor();
		assert.equal(await row(page, "").count(), kept);
		await page.keyboard.press("g");
		await page.keyboard.press(",");
		await strip(page).waitFor();
		await page.getByText("This part could not be loaded.").waitFor();
		await context.setOffline(false);
		await strip(page).waitFor({ state: "detached" });
		await page.getByRole("heading", { name: "Account", level: 1 }).waitFor();
		// Now without a word of the browser: a request does not arrive, and neither does the next question.
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		await eventually("the part is loaded", () => page.evaluate(() => performance.getEntriesByType("resource").some((e) => /start-/.test(e.name))));
		const lost = (route) => route.abort("connectionreset");
		await context.route(/\/(jmap\/api|api\/v1\/session)$/, lost);
		await page.getByRole("treeitem").filter({ hasText: "Archive" }).click();
		await strip(page).waitFor();
		await context.unroute(/\/(jmap\/api|api\/v1\/session)$/, lost);
		await strip(page).waitFor({ state: "detached" });
		await page.getByText("Offline", { exact: true }).waitFor({ state: "detached" });
		world.forgive(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_RESET|WebSocket connection to/);
		await context.close();
	},

	async "the service worker tells of new mail when nobody is looking, and answers the server's question"(world) {
		const context = await device(world);
		await context.grantPermissions(["notifications"], { origin: world.url });
		const page = await ready(world);
		const cdp = await context.newCDPSession(page);
		const registered = new Promise((done) => {
			cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
				const own = registrations.find((r) => r.scopeURL === `${world.url}/` && !r.isDeleted);
				if (own)
					done(own.registrationId);
			});
		});
		await cdp.send("ServiceWorker.enable");
		const registrationId = await registered;
		const worker = await eventually("the service worker", () => context.serviceWorkers()[0]);
		await worker.evaluate(() => {
			globalThis.shown = [];
			const show = globalThis.registration.showNotification.bind(globalThis.registration);
			globalThis.registration.showNotification = (title, o) => {
				globalThis.shown.push([title, o.body, o.silent, o.tag, o.data]);
				return show(title, o);
			};
		});
		const deliver = (data) => cdp.send("ServiceWorker.deliverPushMessage", { origin: world.url, registrationId, data: JSON.stringify(data) });
		const notices = () => worker.evaluate(() => globalThis.shown);
		const delivery = { "@type": "StateChange", changed: { a: { EmailDelivery: "1" } } };
		await deliver(delivery);
		await page.waitForTimeout(1000);
		assert.deepEqual(await notices(), [], "somebody is looking");
		// The page goes; the browser stays, with a page of nobody.
		const blank = await context.newPage();
		await page.goto("about:blank");
		await deliver(delivery);
		await eventually("a notice", async () => (await notices()).length > 0);
		await page.goto(`${world.url}/mail/inbox`);
		await inbox(page);
		assert.deepEqual(await notices(), [["New mail", "Letterlock", true, "letterlock-mail", "/mail/inbox"]]);
		const asked = context.waitForEvent("request", { predicate: (r) => /PushSubscription\/set/.test(r.postData() ?? "") });
		await deliver({ "@type": "PushVerification", pushSubscriptionId: "P1", verificationCode: "a code" });
		assert.match((await asked).postData(), /"P1":\{"verificationCode":"a code"\}/);
		await blank.close();
		await page.close();
	},

	async "notices are chosen in the settings, and the browser's subscription becomes the server's"(world) {
		await (await ready(world)).close();
		const context = await device(world);
		const page = await context.newPage();
		// This browser has no push service; the rest of the way is real.
		await page.addInitScript(() => {
			let now = null;
			const keys = { p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", auth: "BTBZMqHH6r4Tts7J_aSIgg" };
			PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
				if (!userVisibleOnly || new Uint8Array(applicationServerKey).length !== 65)
					throw new Error("not a subscription");
				now = { endpoint: "https://push.example.org/one", unsubscribe: async () => { now = null; return true; }, toJSON: () => ({ endpoint: "https://push.example.org/one", keys }) };
				return now;
			};
			PushManager.prototype.getSubscription = async () => now;
		});
		await page.goto(`${world.url}/settings/device`);
		const asked = page.waitForRequest((r) => /"PushSubscription\/set",\{"create"/.test(r.postData() ?? ""));
		await page.getByLabel("New mail").selectOption("quiet");
		const answer = await (await (await asked).response()).json();
		assert.ok(answer.methodResponses[0][1].created?.s?.id, JSON.stringify(answer));
		await page.getByText("Also when no tab is open").waitFor();
		const ended = page.waitForRequest((r) => /"PushSubscription\/set",\{"destroy"/.test(r.postData() ?? ""));
		await page.getByLabel("New mail").selectOption("off");
		assert.equal((await (await (await ended).response()).json()).methodResponses[0][1].destroyed.length, 1);
		await page.close();
	},

	async "a link to a mail address opens a message, and the server does not learn of it"(world) {
		await (await ready(world)).close();
		const page = await (await device(world)).newPage();
		await page.goto(`${world.url}/mail/inbox#compose=${encodeURIComponent("mailto:dave@letterlock.test?subject=From a link")}`);
		await composer(page).waitFor();
		assert.equal(await composer(page).getByLabel("Subject").inputValue(), "From a link");
		assert.equal(new URL(page.url()).hash, "");
		await composer(page).getByRole("button", { name: "Discard draft" }).click();
		await page.close();
	},

	async "a new build is offered, taken when asked for, and is the one that was built"(world) {
		const page = await ready(world);
		const before = (await kept(page)).names;
		await world.ask("build", { old: "New message", new: "A letter anew" });
		world.forgive(/ERR_CONNECTION|WebSocket connection to|502|503/);
		await page.reload();
		await inbox(page);
		assert.equal(await page.getByText("A letter anew").count(), 0, "a page that runs stays what it is");
		await toast(page, "There is a new version.").waitFor();
		await toast(page, "There is a new version.").getByRole("button", { name: "Reload" }).click();
		await page.getByText("A letter anew").first().waitFor();
		await eventually("only the new files are kept", async () => {
			const { names } = await kept(page);
			return names.length === 1 && names[0] !== before[0];
		});
		assert.doesNotMatch((await world.ask("verify", {})).said, /differs/, "what the server gives out is what was built");
		await page.close();
	},

	async "a session that was ended elsewhere takes what was kept with it"(world) {
		const page = await ready(world);
		const other = await world.page("alice");
		await other.goto(`${world.url}/settings/security`);
		await other.getByRole("button", { name: "Sign out all others" }).or(other.getByRole("button", { name: /others/ })).first().click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await eventually("all is gone", async () => {
			const k = await kept(page);
			const left = await secret(page);
			if (k.mail !== undefined || k.files.length || k.workers || left)
				throw new Error(JSON.stringify({ ...k, left }));
			return true;
		});
		await other.close();
		await signIn(world, page, "alice");
		await page.close();
		await (await ready(world)).close();
	},

	async "signing out leaves nothing behind"(world) {
		const page = await ready(world);
		await page.getByRole("button", { name: /^Account menu/ }).click();
		await page.getByRole("menuitem", { name: "Sign out" }).click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await eventually("all is gone", async () => {
			const k = await kept(page);
			return k.mail === undefined && k.state === undefined && k.blob === undefined && k.files.length === 0 && k.workers === 0;
		});
		assert.equal(await secret(page), 0);
		const bases = await page.evaluate(async () => (await indexedDB.databases()).map((b) => b.name));
		assert.ok(!bases.includes("letterlock-offline"), bases.join());
		await page.close();
		await closeDevice(world);
	},
};

export { conversation, patience };
