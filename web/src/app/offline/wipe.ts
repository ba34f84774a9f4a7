// Takes away what was kept on this device: at sign-out, when the session has ended elsewhere, and where somebody
// signs in without staying signed in.
import { BrowserShelf, deleteDatabase } from "../../offline/vault.ts";
import { keys } from "../auth/keys.ts";
import { noteKept, unsent } from "./hooks.ts";
import { forgetWorker } from "./register.ts";
import { forgetVault } from "./vaults.ts";

async function dropWorker(): Promise<void> {
	const registration = await navigator.serviceWorker?.getRegistration();
	const push = await registration?.pushManager?.getSubscription();
	await push?.unsubscribe();
	await registration?.unregister();
	forgetWorker();
	localStorage.removeItem("letterlock.push");
	const names = await globalThis.caches?.keys() ?? [];
	await Promise.all(names.filter((n) => n.startsWith("letterlock-")).map((n) => caches.delete(n)));
}

/** letters: also those that have not been sent. Sealed as they are, only their owner's next sign-in opens them. */
export async function wipe({ letters }: { letters: boolean }): Promise<void> {
	noteKept(false);
	await keys().call("stay", { on: false }).catch(() => undefined);
	await dropWorker().catch(() => undefined);
	await (navigator as { clearAppBadge?(): Promise<void> }).clearAppBadge?.().catch(() => undefined);
	const shelf = new BrowserShelf();
	const names = letters ? [] : await shelf.names([]).catch(() => []);
	const stay = (place: string[]) => place[1] === "letter" || place[1] === "file";
	if (names.some(stay))
		await shelf.put([], names.filter((place) => !stay(place)));
	else
		await deleteDatabase();
	unsent.value = 0;
	forgetVault();
}

/** The session was ended elsewhere: this page's keys go, too. */
export async function wipeEnded(): Promise<void> {
	await keys().call("close").catch(() => undefined);
	await wipe({ letters: false });
}
