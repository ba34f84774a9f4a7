// What the browser tests have in common: Debian's Chromium, a page that notes every fault, axe.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
	});
}

export const sizes = { desktop: { width: 1440, height: 900 }, tablet: { width: 900, height: 1100 }, phone: { width: 390, height: 844 } };

/** A page of its own profile. faults: errors of script, refusals of the policy, requests to other hosts. */
export async function openPage(browser, { size = "desktop", scheme = "light", origin, ...options } = {}) {
	const phone = size === "phone";
	const context = await browser.newContext({
		viewport: sizes[size], colorScheme: scheme, locale: "en-GB", hasTouch: phone, isMobile: phone, ignoreHTTPSErrors: true, reducedMotion: "reduce", ...options,
	});
	const page = await context.newPage();
	const faults = [];

	page.on("pageerror", (e) => faults.push(`error: ${e.message}`));
	page.on("console", (m) => {
		if (m.type() === "error" && !/status of (401|404|409)/.test(m.text()))
			faults.push(`console: ${m.text()}`);
	});
	page.on("request", (r) => {
		if (origin && !/^(blob|data|about):/.test(r.url()) && new URL(r.url()).origin !== origin)
			faults.push(`request: ${r.url()}`);
	});
	return { page, faults, context };
}

/** The findings of axe, as lines; frames of another origin are not looked into. */
export async function findings(page) {
	// The page's policy forbids evaluated script, so axe goes in through the debugger's own world.
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
		iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
	}));
	return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} ${n.failureSummary?.split("\n")[1] ?? ""}`));
}
