// Finds recipients' keys: the server asks the own directory, the domain's Web Key Directory and the DNS, and
// the worker checks what comes. An answer is good for ten minutes.
import { fetchJson } from "../../jmap/client.ts";
import { unbase64url } from "../../keys/bytes";
import { now, persist, pgp } from "./worker.ts";

interface Found { address: string; local: boolean; keys: { source: "directory" | "wkd" | "dane"; key: string }[] }

const freshFor = 600;
const asked = new Map<string, { at: number; done: Promise<void> }>();

async function find(address: string): Promise<void> {
	const found = await fetchJson<Found>(`/api/v1/keys/lookup?address=${encodeURIComponent(address)}`);
	const p = await pgp();
	for (const { key, source } of found.keys)
		await p.call("learn", { address, key: unbase64url(key), source, at: now() });
	if (found.keys.length)
		persist();
}

/** Done when all have been asked for; an answer that does not come is as good as none, and asked again. */
export async function findKeys(addresses: readonly string[]): Promise<void> {
	await Promise.all(addresses.map((a) => {
		const address = a.toLowerCase();
		const before = asked.get(address);
		if (before && now() - before.at < freshFor)
			return before.done;
		const done = find(address).catch(() => void asked.delete(address));
		asked.set(address, { at: now(), done });
		return done;
	}));
}

export function askAgain(address: string): void {
	asked.delete(address.toLowerCase());
}
