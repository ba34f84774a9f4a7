// Addresses of the page. A view has an address, so that back, reload and links work as everywhere.
import { computed, signal } from "@preact/signals";

const path = signal(location.pathname);

interface Route { view: string; parts: readonly string[] }

function parseRoute(pathname: string): Route {
	const parts = pathname.split("/").filter(Boolean).map((p) => {
		try {
			return decodeURIComponent(p);
		} catch {
			return p;
		}
	});
	return { view: parts[0] ?? "mail", parts: parts.slice(1) };
}

export const route = computed(() => parseRoute(path.value));

export function address(...parts: readonly string[]): string {
	return `/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(to: string, replace = false): void {
	if (to === location.pathname)
		return;
	history[replace ? "replaceState" : "pushState"](null, "", to);
	path.value = to;
}

addEventListener("popstate", () => { path.value = location.pathname; });

/** Links inside the page do not load it again. */
export function startLinks(): void {
	document.addEventListener("click", (e) => {
		const link = (e.target as Element).closest?.("a[href^='/']");
		if (!link || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || link.hasAttribute("download") || link.hasAttribute("target"))
			return;
		e.preventDefault();
		go(new URL((link as HTMLAnchorElement).href).pathname);
	});
}
