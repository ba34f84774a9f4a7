// The service worker: gives out the client's own files without the network, and hears of new mail while no page is
// open. A new version waits until no page of the old one is left, or until somebody asks for it.
import { onClick, onPush } from "./push.ts";
import type { Scope } from "./scope.ts";
import { Shell } from "./shell.ts";

const scope = globalThis as unknown as Scope;
const shell = new Shell(scope, SHELL, SHELL_VERSION);
const past = ["/api/*", "/jmap/*"];

scope.addEventListener("install", (e) => {
	e.waitUntil(shell.fill());
	const routes = past.map((pathname) => ({ condition: { urlPattern: { pathname } }, source: "network" as const }));
	e.waitUntil(Promise.resolve(e.addRoutes?.(routes)).catch(() => undefined));
});

scope.addEventListener("activate", (e) => e.waitUntil(shell.dropOthers()));

scope.addEventListener("fetch", (e) => {
	const file = shell.fileFor(e.request);
	if (file)
		e.respondWith(shell.answer(file, e.request));
});

scope.addEventListener("message", (e) => {
	if (e.data === "take")
		e.waitUntil(scope.skipWaiting());
});

scope.addEventListener("push", (e) => e.waitUntil(onPush(scope, e.data?.text())));
scope.addEventListener("notificationclick", (e) => e.waitUntil(onClick(scope, e)));
