// What a service worker's global scope has of what is used here. TypeScript's own description of it cannot stand
// beside that of a page.

interface Extendable { waitUntil(done: Promise<unknown>): void }
export interface Installing extends Extendable {
	/** Requests that never come to the worker; not every browser has it. */
	addRoutes?(routes: { condition: { urlPattern: { pathname: string } }; source: "network" }[]): Promise<void>;
}
interface Fetching extends Extendable {
	readonly request: Request;
	respondWith(answer: Promise<Response>): void;
}
export interface Pushed extends Extendable { readonly data: { text(): string } | null }
export interface Clicked extends Extendable { readonly notification: Notification }
export interface Told extends Extendable { readonly data: unknown }

export interface Client { readonly url: string; readonly visibilityState: string; focus(): Promise<unknown> }

export interface Scope {
	readonly caches: CacheStorage;
	readonly location: { readonly origin: string };
	readonly navigator: { readonly languages: readonly string[]; setAppBadge?(count?: number): Promise<void> };
	readonly registration: { showNotification(title: string, options: NotificationOptions): Promise<void> };
	readonly clients: {
		matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly Client[]>;
		openWindow(url: string): Promise<unknown>;
	};
	fetch(input: string | Request, init?: RequestInit): Promise<Response>;
	skipWaiting(): Promise<void>;
	addEventListener(type: "install", hear: (e: Installing) => void): void;
	addEventListener(type: "activate", hear: (e: Extendable) => void): void;
	addEventListener(type: "fetch", hear: (e: Fetching) => void): void;
	addEventListener(type: "push", hear: (e: Pushed) => void): void;
	addEventListener(type: "notificationclick", hear: (e: Clicked) => void): void;
	addEventListener(type: "message", hear: (e: Told) => void): void;
}
