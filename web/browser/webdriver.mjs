// Drives Firefox and WebKit by the commands of W3C WebDriver: Firefox takes them itself (Marionette, numbered lists of JSON over
// TCP), WebKit by Debian's WebKitWebDriver (HTTP). Only what a person does is here: look, press, type.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, patience } from "./harness.mjs";

export const miniBrowser = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
const elementKey = "element-6066-11e4-a52e-4f735466cecf";
export const enter = "\uE007";

class CommandError extends Error {
	constructor(verb, { error, message }) {
		super(`${verb}: ${error}: ${message}`);
		this.code = error;
	}
}

/** A program whose output goes to a file, and that ends with this one. */
function start(log, command, args, options = {}) {
	const out = createWriteStream(log, { flags: "a" });
	const program = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
	for (const stream of [program.stdout, program.stderr])
		stream.pipe(out, { end: false });
	const kill = () => program.kill("SIGKILL");
	process.on("exit", kill);
	program.on("exit", () => process.off("exit", kill));
	program.on("error", (e) => out.write(`${e}\n`));
	return program;
}

async function end(program) {
	if (program.exitCode !== null || program.signalCode !== null)
		return;
	const over = once(program, "exit");
	program.kill();
	await over;
}

/** Firefox itself, which asks its makers whether there is something new. No page could: they are nobody's host here. */
const makers = /^CONNECT (?:[\w-]+\.)*(?:mozilla\.(?:org|com|net)|firefox\.com):443 /;

/** What stands in the way to all hosts but this one. Whoever comes by is written down and turned away. */
export class Barrier {
	constructor() {
		this.seen = [];
		this.server = createServer((socket) => {
			socket.on("error", () => undefined);
			socket.once("data", (data) => {
				const line = data.toString("latin1").split("\r\n")[0].slice(0, 200);
				if (!makers.test(line))
					this.seen.push(line);
				socket.destroy();
			});
		});
	}

	async open() {
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		this.port = this.server.address().port;
		return this;
	}

	close() {
		this.server.close();
	}
}

// --- Firefox ---

class Marionette {
	constructor(socket) {
		this.socket = socket;
		this.buffer = Buffer.alloc(0);
		this.waiting = new Map();
		this.last = 0;
		this.greeted = new Promise((done) => { this.greet = done; });
		socket.on("data", (data) => this.take(data));
		socket.on("close", () => this.failAll("the browser ended"));
		socket.on("error", (e) => this.failAll(e.message));
	}

	failAll(message) {
		for (const { verb, failed } of this.waiting.values())
			failed(new CommandError(verb, { error: "closed", message }));
		this.waiting.clear();
	}

	take(data) {
		this.buffer = Buffer.concat([this.buffer, data]);
		for (let colon; (colon = this.buffer.indexOf(":")) >= 0;) {
			const whole = colon + 1 + Number(this.buffer.subarray(0, colon));
			if (this.buffer.length < whole)
				return;
			const message = JSON.parse(this.buffer.subarray(colon + 1, whole));
			this.buffer = this.buffer.subarray(whole);
			if (Array.isArray(message))
				this.answer(message);
			else
				this.greet(message);
		}
	}

	answer([, id, error, result]) {
		const { verb, done, failed } = this.waiting.get(id);
		this.waiting.delete(id);
		if (error)
			failed(new CommandError(verb, error));
		else
			done(result && "value" in result ? result.value : result);
	}

	send(verb, params = {}) {
		const name = verb.includes(":") ? verb : `WebDriver:${verb}`;
		return new Promise((done, failed) => {
			const text = JSON.stringify([0, ++this.last, name, params]);
			this.waiting.set(this.last, { verb, done, failed });
			this.socket.write(`${Buffer.byteLength(text)}:${text}`);
		});
	}
}

const preferences = (proxy) => ({
	"marionette.port": 0, "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": proxy, "network.proxy.ssl": "127.0.0.1",
	"network.proxy.ssl_port": proxy, "network.proxy.no_proxies_on": "localhost", "ui.prefersReducedMotion": 1, "intl.accept_languages": "en-GB",
	"browser.shell.checkDefaultBrowser": false, "browser.startup.page": 0, "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.server": "",
	"app.update.disabledForTesting": true, "extensions.getAddons.cache.enabled": false, "extensions.systemAddon.update.enabled": false,
	"network.connectivity-service.enabled": false, "network.captive-portal-service.enabled": false, "services.settings.server": "data:,none",
	"browser.safebrowsing.malware.enabled": false, "browser.safebrowsing.phishing.enabled": false, "geo.provider.testing": true,
	"media.gmp-manager.updateEnabled": false, "media.gmp-manager.url": "data:,none",
});

/** Trust in the installation's own authority, as a person gives it in the settings. */
function trust(pem) {
	const { Cc, Ci } = globalThis;
	Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "C,,");
}

/** What stands in the browser's console about pages: their errors and what their policy refused; advice about speed is left out. */
function consoleErrors(from) {
	// The SHA-384 of no bytes: Gecko compares the hashes also of scripts whose page was left before they came.
	const ofNothing = "OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
	const { Services, Ci } = globalThis;
	const all = Services.console.getMessageArray().filter((m) => m instanceof Ci.nsIScriptError)
		.filter((m) => /CSP|Content Security Policy/.test(m.category) || (!(m.flags & Ci.nsIScriptError.warningFlag) && (m.sourceName.startsWith(from) || m.errorMessage.includes(from) || m.category === "content javascript")));
	Services.console.reset();
	return all.map((m) => `${m.category}: ${m.errorMessage} (${m.sourceName}:${m.lineNumber})`).filter((text) => !text.includes(ofNothing));
}

export class Firefox {
	name = "Firefox";

	async open({ ca, work, proxy }) {
		this.profile = mkdtempSync(join(tmpdir(), "firefox-"));
		const lines = Object.entries(preferences(proxy)).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
		writeFileSync(join(this.profile, "user.js"), `${lines.join("\n")}\n`);
		this.program = start(join(work, "firefox.log"), "firefox-esr", ["--marionette", "--remote-allow-system-access", "--headless", "--no-remote", "--profile", this.profile, "--width", "1440", "--height", "900"]);
		const port = await eventually("Firefox listens", () => Number(readFileSync(join(this.profile, "MarionetteActivePort"), "utf8")));
		this.socket = connect(port, "127.0.0.1");
		this.wire = new Marionette(this.socket);
		await this.wire.greeted;
		await this.wire.send("NewSession", { capabilities: { alwaysMatch: { timeouts: { pageLoad: patience, script: patience } } } });
		await this.inChrome(trust, readFileSync(ca, "utf8"));
	}

	async inChrome(script, ...args) {
		await this.wire.send("Marionette:SetContext", { value: "chrome" });
		try {
			return await this.wire.send("ExecuteScript", { script: `return (${script}).apply(null, arguments)`, args, sandbox: "system" });
		} finally {
			await this.wire.send("Marionette:SetContext", { value: "content" });
		}
	}

	send(verb, params) {
		return this.wire.send(verb, params);
	}

	frame(element) {
		return { element: element[elementKey] };
	}

	console(from) {
		return this.inChrome(consoleErrors, from);
	}

	async close() {
		if (this.program)
			await end(this.program);
		this.socket?.destroy();
		rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
	}
}

// --- WebKit ---

const paths = {
	NewSession: () => "", Navigate: () => "/url", ExecuteScript: () => "/execute/sync", SwitchToFrame: () => "/frame",
	SwitchToParentFrame: () => "/frame/parent", SetWindowRect: () => "/window/rect",
	ElementClick: ({ id }) => `/element/${id}/click`, ElementSendKeys: ({ id }) => `/element/${id}/value`,
};

export class WebKit {
	name = "WebKit";

	async open({ certificate, work, proxy }) {
		const log = join(work, "webkit.log");
		this.home = mkdtempSync(join(tmpdir(), "webkit-"));
		mkdirSync(join(this.home, "run"), { mode: 0o700 });
		this.screen = start(log, "Xvfb", ["-displayfd", "3", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
		const [display] = await once(this.screen.stdio[3], "data");
		const env = {
			...process.env, DISPLAY: `:${String(display).trim()}`, HOME: this.home, XDG_RUNTIME_DIR: join(this.home, "run"), XDG_DATA_HOME: join(this.home, "data"),
			XDG_CACHE_HOME: join(this.home, "cache"), XDG_CONFIG_HOME: join(this.home, "config"), GDK_BACKEND: "x11", NO_AT_BRIDGE: "1", GSETTINGS_BACKEND: "memory", LIBGL_ALWAYS_SOFTWARE: "1", WEBKIT_DISABLE_DMABUF_RENDERER: "1",
		};
		const port = await freePort();
		this.program = start(log, "WebKitWebDriver", [`--port=${port}`], { env });
		this.url = `http://127.0.0.1:${port}`;
		await eventually("WebKitWebDriver listens", async () => (await fetch(`${this.url}/status`)).ok);
		const at = `127.0.0.1:${proxy}`;
		const capabilities = {
			"webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"], certificates: [{ host: "localhost", certificateFile: certificate }] },
			proxy: { proxyType: "manual", httpProxy: at, sslProxy: at, noProxy: ["localhost"] },
			timeouts: { pageLoad: patience, script: patience },
		};
		this.session = (await this.send("NewSession", { capabilities: { alwaysMatch: capabilities } })).sessionId;
		await this.send("SetWindowRect", { width: 1440, height: 1000 });
	}

	async send(verb, params = {}) {
		const answer = await fetch(`${this.url}/session${this.session ? `/${this.session}` : ""}${paths[verb](params)}`, {
			method: "POST", body: JSON.stringify(params), headers: { "Content-Type": "application/json" },
		});
		const { value } = await answer.json();
		if (!answer.ok)
			throw new CommandError(verb, value);
		return value;
	}

	frame(element) {
		return { id: element };
	}

	/** The driver tells nobody what its console says; what pages themselves hear of is all there is. */
	console() {
		return [];
	}

	async close() {
		if (this.session)
			await fetch(`${this.url}/session/${this.session}`, { method: "DELETE" }).catch(() => undefined);
		for (const program of [this.program, this.screen])
			if (program)
				await end(program);
		rmSync(this.home, { recursive: true, force: true, maxRetries: 10 });
	}
}

async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
}

// --- what a person does ---

/** Runs in the page. An element that is seen, and whose name or text has this in it. */
export function lookFor(css, text) {
	const named = (e) => [e.getAttribute("aria-label"), e.labels?.[0]?.textContent, e.innerText, e.title];
	return [...document.querySelectorAll(css)].find((e) => e.checkVisibility() && (!text || named(e).some((n) => n?.includes(text)))) ?? null;
}

/** Runs in the page, once for each document: its errors, and what its policy refuses. */
function watch() {
	if (window.complaints)
		return;
	window.complaints = [];
	const say = (...words) => window.complaints.push(words.join(" "));
	addEventListener("error", (e) => say("error:", e.message ?? e.target));
	addEventListener("unhandledrejection", (e) => say("rejected:", e.reason?.stack ?? e.reason));
	addEventListener("securitypolicyviolation", (e) => say("policy:", e.effectiveDirective, e.blockedURI, e.sourceFile, e.lineNumber));
	for (const kind of ["error", "warn"])
		console[kind] = (...words) => say(`console.${kind}:`, ...words);
}

/** These pass when the page has drawn itself anew between two commands. */
const passing = new Set(["stale element reference", "element click intercepted", "element not interactable", "no such element", "javascript error"]);

export class Person {
	constructor(engine, url) {
		this.engine = engine;
		this.url = url;
	}

	run(f, ...args) {
		return this.engine.send("ExecuteScript", { script: `return (${f}).apply(null, arguments)`, args });
	}

	/** WebKitWebDriver waits for ever when it is sent to where it is. */
	async go(path) {
		await this.engine.send("Navigate", { url: new URL(path, this.url).href });
		await this.run(watch);
	}

	/** Until it can be done. */
	act(what, how) {
		return eventually(`${this.engine.name}: ${what}`, async () => {
			try {
				return await how();
			} catch (e) {
				if (passing.has(e.code))
					return null;
				e.final = true;
				throw e;
			}
		});
	}

	see(css, text = "") {
		return this.act(`${css} with ${text}`, () => this.run(lookFor, css, text));
	}

	gone(css, text = "") {
		return this.act(`${css} with ${text} goes`, async () => !(await this.run(lookFor, css, text)));
	}

	press(css, text = "") {
		return this.act(`${css} with ${text} is pressed`, () => this.on(css, text, "ElementClick"));
	}

	write(css, text, what) {
		return this.act(`${what} is written into ${css}`, () => this.on(css, text, "ElementSendKeys", { text: what }));
	}

	async on(css, text, verb, more = {}) {
		const element = await this.run(lookFor, css, text);
		if (!element)
			return false;
		await this.engine.send(verb, { id: element[elementKey], ...more });
		return true;
	}

	/** What a function says inside a frame, once it says something. */
	inFrame(css, f) {
		return this.act(`something in ${css}`, async () => {
			const element = await this.run(lookFor, css, "");
			if (!element)
				return null;
			await this.engine.send("SwitchToFrame", this.engine.frame(element));
			try {
				return await this.run(f);
			} finally {
				await this.engine.send("SwitchToParentFrame");
			}
		});
	}

	async complaints() {
		const own = await this.run(() => window.complaints?.splice(0) ?? ["the page is another than the one that was watched"]);
		return [...own, ...await this.engine.console(this.url)].map((text) => `${this.engine.name}: ${text}`);
	}
}
