// Parts of the page that did not come. A browser may remember for as long as the page is open that an import has failed
// (HTML Standard, "fetch a single module script"), and a new release takes the files of the one before it away. So a part
// that fails again although the server answers is had by loading the page anew: by itself once for each part, and never
// when something would be lost by it.
import { keepWriting } from "./mail/compose_state.ts";

/** The part cannot be had on this page, and the page was not loaded anew by itself. */
export class Stuck extends Error {}

const missed = new Set<string>();
const mark = (name: string) => `letterlock.anew.${name}`;

/** Fields that somebody has typed into. */
const typed = new WeakSet<EventTarget>();
addEventListener("input", (e) => e.target && typed.add(e.target), true);

/** What stands below data-kept is kept by other means. */
const typing = () => [...document.querySelectorAll("input,textarea,select,[contenteditable]")].some((field) => typed.has(field) && !field.closest("[data-kept]"));

/** The service worker leaves such a request to the server. */
const reachable = () => fetch("/index.html", { method: "HEAD", cache: "no-store" }).then((r) => r.ok, () => false);

/** Whatever would ask before the page is closed is asked. */
async function mayGo(): Promise<boolean> {
	await keepWriting();
	return !typing() && dispatchEvent(new Event("beforeunload", { cancelable: true }));
}

/** A letter that is being written is saved before, and opened again after. */
export async function loadAnew(): Promise<void> {
	await keepWriting();
	location.reload();
}

/** It was missed before, and that is not for want of the server. */
export async function isStuck(name: string): Promise<boolean> {
	const again = missed.has(name);
	missed.add(name);
	return again && reachable();
}

/** byHand: somebody asks for it, and may be shown a new page for the second time. */
export async function fetchPart<T>(name: string, load: () => Promise<T>, byHand = false): Promise<T> {
	try {
		const part = await load();
		missed.delete(name);
		sessionStorage.removeItem(mark(name));
		return part;
	} catch (e) {
		if (!(await isStuck(name)))
			throw e;
		if ((byHand || sessionStorage.getItem(mark(name)) === null) && await mayGo()) {
			sessionStorage.setItem(mark(name), "1");
			await loadAnew();
		}
		throw new Stuck(name);
	}
}

/** Milliseconds before what has failed that often is asked for again. */
export const pause = (times: number): number => Math.min(30_000, 250 * 2 ** times);

/** For what nobody sees: asked for until it is there. */
export async function awaitPart<T>(name: string, load: () => Promise<T>): Promise<T> {
	for (let times = 1; ; times++)
		try {
			return await fetchPart(name, load);
		} catch {
			await new Promise((done) => setTimeout(done, pause(times)));
		}
}
