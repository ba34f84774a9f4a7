// What this browser remembers of how things shall look. Nothing here is secret.
import { effect, signal } from "@preact/signals";
import type { Language } from "../i18n/index.ts";

export interface Prefs {
	theme: "auto" | "light" | "dark";
	language: Language | null;
	density: "roomy" | "compact";
	conversations: boolean;
	listWidth: number;
	sideWidth: number;
	undoSeconds: number;
	plainText: boolean;
	images: "ask" | "always";
	darkMail: boolean;
	showFrom: string[];
	/** off; quiet: that mail has come; names: from whom and about what, while the page is open. */
	news: "off" | "quiet" | "names";
	/** Recent mail on this device, where one stays signed in. */
	keepMail: boolean;
}

export const initial: Prefs = {
	theme: "auto", language: null, density: "roomy", conversations: true, listWidth: 420, sideWidth: 236, undoSeconds: 10,
	plainText: false, images: "ask", darkMail: true, showFrom: [], news: "off", keepMail: true,
};
const place = "letterlock.prefs";

function load(): Prefs {
	try {
		return { ...initial, ...JSON.parse(localStorage.getItem(place) ?? "{}") as Partial<Prefs> };
	} catch {
		return initial;
	}
}

export const prefs = signal<Prefs>(load());

export function setPrefs(change: Partial<Prefs>): void {
	prefs.value = { ...prefs.value, ...change };
	localStorage.setItem(place, JSON.stringify(prefs.value));
	dispatchEvent(new Event("letterlock-prefs"));
}

const wide = matchMedia("(prefers-color-scheme: dark)");
export const dark = signal(false);

export function startTheme(): void {
	const system = signal(wide.matches);
	wide.addEventListener("change", () => { system.value = wide.matches; });
	effect(() => {
		const { theme, density } = prefs.value;
		document.documentElement.dataset.theme = theme;
		document.documentElement.dataset.density = density;
		dark.value = theme === "dark" || (theme === "auto" && system.value);
	});
}
