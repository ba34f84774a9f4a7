// The chief way through the client in the two other engines, at once: Alice has Firefox, Bob has WebKit, and they write to each
// other. All ways to other hosts end at a barrier that notes who came by.
import assert from "node:assert/strict";
import { eventually } from "./harness.mjs";
import { Barrier, enter, Firefox, lookFor, Person, WebKit } from "./webdriver.mjs";

const row = "main [role=option]:has(time)";
const composer = "[aria-label='New message']";
const letter = "[role=region][aria-label='Conversation'] article:last-of-type, section[aria-label='Conversation'] article:last-of-type";
const frame = letter.split(", ").map((one) => `${one} iframe`).join(", ");
const mark = Date.now().toString(36);

/** Letters go at once: undoing is tried elsewhere. */
const preferences = JSON.stringify({ undoSeconds: 0 });

export class World {
	constructor(config) {
		this.config = config;
		this.barrier = new Barrier();
		this.url = `https://${config.host}:${config.port}`;
		this.people = { alice: new Person(new Firefox(), this.url), bob: new Person(new WebKit(), this.url) };
		this.both = Object.entries(this.people);
		this.faults = [];
	}

	async open() {
		const { port } = await this.barrier.open();
		await Promise.all(this.both.map(([, p]) => p.engine.open({ ...this.config, proxy: port })));
	}

	async inspect() {
		assert.deepEqual([...this.barrier.seen.splice(0), ...(await Promise.all(this.both.map(([, p]) => p.complaints()))).flat()], [], "what a page must never do");
	}

	/** What was on the screens when a test failed. */
	async keepScreens() {
		const texts = await Promise.all(this.both.map(async ([who, p]) => {
			const seen = await p.run(() => `${location.href}: ${document.body.innerText}`).catch((e) => e.message);
			return `\n${who}, on the screen of ${p.engine.name}: ${seen.replace(/\s+/g, " ").slice(0, 500)}`;
		}));
		return texts.join("");
	}

	tidy() {}

	async close() {
		await Promise.all(this.both.map(([, p]) => p.engine.close()));
		this.barrier.close();
	}
}

const together = (world, act) => Promise.all(world.both.map(([name, person]) => act(person, name)));

async function signIn(world, person, name) {
	const { address, password } = world.config.people[name];
	await person.go("/mail/drafts");
	await person.see("input[name=username]");
	await person.run((text) => { localStorage["letterlock.prefs"] = text; }, preferences);
	await person.go("/mail/inbox");
	await person.write("input[name=username]", "", address);
	await person.write("input[name=password]", "", password);
	await person.press("button[type=submit]", "Sign in");
	await person.see(row, "Welcome");
}

async function open(person, subject) {
	await person.press(row, subject);
	await person.see("h1, h2", subject);
}

/** The text of a letter, from the frame that shows it; and what it may do there. */
async function read(person, wanted) {
	let said;
	await eventually(`${person.engine.name}: a letter with ${wanted}`, async () => {
		said = await person.inFrame(frame, () => (document.body?.innerText.trim()
			? { text: document.body.innerText, origin: window.origin, loaded: performance.getEntriesByType("resource").length, images: document.images.length, ran: Boolean(window.ran) } : null));
		return said.text.includes(wanted);
	});
	assert.equal(said.origin, "null", `${person.engine.name}: a letter has an origin of its own`);
	return said;
}

async function send(person, { to, subject, text, lock }) {
	await person.press("button", "New message");
	await person.write(`${composer} input[role=combobox]`, "To", to);
	// Keys come faster than any person's: Enter means nothing before the page has drawn what was typed.
	await person.act(`${to} is taken`, async () => await person.run(lookFor, `${composer} button[aria-label^=Remove]`, "")
		|| await person.on(`${composer} input[role=combobox]`, "To", "ElementSendKeys", { text: enter }) && false);
	await person.write(`${composer} input`, "Subject", subject);
	await person.press(`${composer} [contenteditable]`);
	await person.write(`${composer} [contenteditable]`, "", text);
	await person.see(`${composer} [data-lock=${lock}]`);
	await person.press(`${composer} button`, "Send");
	await person.see("[role=status]", "Message sent");
	await person.gone(composer);
}

async function sealedLetter(from, to, address, subject) {
	await send(from, { to: address, subject, text: `The basket is blue ${mark}.`, lock: "encrypted" });
	await open(to, subject);
	await read(to, `The basket is blue ${mark}.`);
	await to.see("[data-verdict][data-encrypted=true]", "End-to-end encrypted");
}

const hostile = `<p style="color: rgb(1, 2, 3)">Harmless ${mark}</p><script>globalThis.ran = true</script><img src="x" onerror="globalThis.ran = true">\r\n<img src="http://elsewhere.example/a.png"><div style="background: url(https://elsewhere.example/b.png)">b</div><link rel="stylesheet" href="https://elsewhere.example/c.css">`;

export const tests = {
	async "Firefox and WebKit come by the barrier when they ask another host"(world) {
		await together(world, async (person) => {
			await person.engine.send("Navigate", { url: `http://${person.engine.name.toLowerCase()}.example/` }).catch(() => undefined);
			await eventually(`${person.engine.name} at the barrier`, () => world.barrier.seen.some((line) => line.includes(`${person.engine.name.toLowerCase()}.example`)));
		});
		await together(world, (person) => person.go("/"));
		world.barrier.seen.length = 0;
	},

	async "Firefox and WebKit open a mailbox with the password, and make keys"(world) {
		await together(world, async (person, name) => {
			await signIn(world, person, name);
			await eventually(`a key of ${name} in the directory`, async () => (await world.ask("wkd", { address: world.config.people[name].address })).key);
		});
	},

	async "Firefox and WebKit show a letter by itself, and fetch nothing that it names"(world) {
		const { token } = await world.ask("deliver_html", { to: "alice", html: hostile });
		const other = await world.ask("deliver_html", { to: "bob", html: hostile });
		await together(world, async (person, name) => {
			await open(person, name === "alice" ? token : other.token);
			const said = await read(person, `Harmless ${mark}`);
			assert.deepEqual([said.ran, said.loaded], [false, 0], `${person.engine.name}: what ran, what was loaded`);
			await person.see("article *", "not loaded");
			assert.equal(await person.inFrame(frame, () => getComputedStyle(document.querySelector("p")).color), "rgb(1, 2, 3)", "its own style");
		});
	},

	async "a letter from Firefox is encrypted, comes by itself, and is read in WebKit"(world) {
		await sealedLetter(world.people.alice, world.people.bob, world.config.people.bob.address, `Picnic ${mark}`);
	},

	async "a letter from WebKit is encrypted, comes by itself, and is read in Firefox"(world) {
		await sealedLetter(world.people.bob, world.people.alice, world.config.people.alice.address, `Basket ${mark}`);
	},

	async "a letter without encryption arrives as it was written, from Firefox and from WebKit"(world) {
		await together(world, async (person, name) => {
			const subject = `Lines from ${name} ${mark}`;
			await send(person, { to: "dave@letterlock.test", subject, text: `One${enter}Two`, lock: "plain" });
			const got = await world.ask("letter", { to: "dave", subject });
			assert.equal(got.text.trim().replace(/\r/g, ""), "One\nTwo");
			assert.equal(got.from, world.config.people[name].address);
		});
	},
};
