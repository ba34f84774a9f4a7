// Finds recipients' keys: the server asks the own directory, the domain's Web Key Directory and the DNS, and
// the worker checks what comes. An answer is good for ten minutes. A key server is asked only when its writer
// wants it.
import { fetchJson } from "../../jmap/client.ts";
import { unbase64url } from "../../keys/bytes";
import { now, persist, pgp } from "./worker.ts";

interface Found { address: string; local: boolean; server: string; keys: { source: "directory" | "wkd" | "dane" | "keyserver"; key: string }[] }

const freshFor = 600;
const asked = new Map<string, { at: number; done: Promise<void> }>();
/** Of those whose lookup had no answer: not even that there is no key. */
const unanswered = new Set<string>();
export const wasUnanswered = (address: string): boolean => unanswered.has(address.toLowerCase());
const servers = new Map<string, string>();

async function find(address: string, place = "lookup"): Promise<boolean> {
	const found = await fetchJson<Found>(`/api/v1/keys/${place}?address=${encodeURIComponent(address)}`);
	const p = await pgp();
	servers.set(address, found.server);
	for (const { key, source } of found.keys)
		await p.call("learn", { address, key: unbase64url(key), source, at: now() });
	if (found.keys.length)
		persist();
	return found.keys.length > 0;
}

/** The key server that has not been asked for this address; empty: there is none. */
export const keyServerFor = (address: string): string => servers.get(address.toLowerCase()) ?? "";

/** Whether it had a key. The server learns the address. */
export const askKeyServer = (address: string): Promise<boolean> => find(address.toLowerCase(), "server");

/** Done when all have been asked for; an answer that does not come is as good as none, and asked again. */
export async function findKeys(addresses: readonly string[]): Promise<void> {
	await Promise.all(addresses.map((a) => {
		const address = a.toLowerCase();
		const before = asked.get(address);
		if (before && now() - before.at < freshFor)
			return before.done;
		const done = find(address).then(() => void unanswered.delete(address), () => {
			asked.delete(address);
			unanswered.add(address);
		});
		asked.set(address, { at: now(), done });
		return done;
	}));
}

export function askAgain(address: string): void {
	asked.delete(address.toLowerCase());
}
