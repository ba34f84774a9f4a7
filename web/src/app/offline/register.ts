// The service worker as the page sees it: registered where something is kept, and a line when a new version waits.
import { signal } from "@preact/signals";
import { toast } from "../../ui/toast.tsx";
import { loadAnew } from "../fetch_part.ts";
import { compose } from "../mail/compose_state.ts";
import { scriptUrl } from "../trusted.ts";
import { t } from "./texts.ts";

const often = 3_600_000;
let started: Promise<ServiceWorkerRegistration | null> | null = null;
let told: ServiceWorker | null = null;

/** The new version waits until nobody uses the old one; here it can be had at once. */
function offer(waiting: ServiceWorker): void {
	if (told === waiting)
		return;
	told = waiting;
	toast({
		text: t("newVersion"), time: 2 ** 31 - 1,
		action: { label: t("reload"), run: () => {
			navigator.serviceWorker.addEventListener("controllerchange", () => void loadAnew(), { once: true });
			waiting.postMessage("take");
		} },
	});
}

function watch(r: ServiceWorkerRegistration): void {
	if (r.waiting && r.active)
		offer(r.waiting);
	r.addEventListener("updatefound", () => {
		const next = r.installing;
		next?.addEventListener("statechange", () => next.state === "installed" && r.active && offer(next));
	});
	const look = () => void r.update().catch(() => undefined);
	setInterval(look, often);
	document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
}

/** Set while the browser would install the page as a program. */
export const installing = signal<{ prompt(): Promise<unknown> } | null>(null);
addEventListener("beforeinstallprompt", (e) => {
	e.preventDefault();
	installing.value = e as unknown as { prompt(): Promise<unknown> };
});
addEventListener("appinstalled", () => { installing.value = null; });

export function startWorker(): Promise<ServiceWorkerRegistration | null> {
	if (!("serviceWorker" in navigator))
		return Promise.resolve(null);
	started ??= navigator.serviceWorker.register(scriptUrl("/sw.js"), { scope: "/", updateViaCache: "none" })
		.then((r) => { watch(r); return r; }, () => { started = null; return null; });
	return started;
}

/** After it has been taken away. */
export function forgetWorker(): void {
	started = null;
}

/** A mailto: link that was handed to this page stands behind the #. */
export function takeAddress(): void {
	const href = /^#compose=(.+)/.exec(location.hash)?.[1];
	if (!href)
		return;
	history.replaceState(history.state, "", location.pathname + location.search);
	let mailto = href;
	try {
		mailto = decodeURIComponent(href);
	} catch {
		// As it stands, then.
	}
	if (/^mailto:/i.test(mailto))
		compose({ mode: "mailto", href: mailto });
}
