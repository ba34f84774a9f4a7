// The vault of whoever is signed in: in the browser's database where the owner stays signed in and wants it, else
// in this tab's memory, for letters that wait while the connection is broken.
import { signal } from "@preact/signals";
import { MemoryShelf } from "../../offline/memory_shelf.ts";
import { Vault, BrowserShelf, type Sealer } from "../../offline/vault.ts";
import { keys } from "../auth/keys.ts";
import { account } from "../session.ts";

const sealer: Sealer = {
	seal: (items) => keys().call("sealHere", { items }),
	open: (items) => keys().call("openHere", { items }),
};

const plain: Sealer = {
	seal: (items) => Promise.resolve(items.map(([, body]) => body)),
	open: (items) => Promise.resolve(items.map(([, record]) => record)),
};

interface Now { account: string; lasting: boolean; vault: Vault }
const current = signal<Now | null>(null);

export function openVault(lasting: boolean): Vault {
	const id = account.peek()?.accountId ?? "";
	const now = current.peek();
	if (now && now.account === id && now.lasting === lasting)
		return now.vault;
	const made = lasting ? new Vault(id, sealer, new BrowserShelf()) : new Vault(id, plain, new MemoryShelf());
	current.value = { account: id, lasting, vault: made };
	return made;
}

/** The one that is in use. */
export function vault(): Vault {
	const now = current.peek();
	return now && now.account === account.peek()?.accountId ? now.vault : openVault(false);
}

/** What is kept outlasts the tab. */
export const lasting = (): boolean => current.value?.lasting ?? false;

export function forgetVault(): void {
	current.value = null;
}
