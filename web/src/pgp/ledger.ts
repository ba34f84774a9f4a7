// What an owner's clients know together, as entries that can be merged in any order: keys and pins of
// correspondents, preferences, trust decisions. Each entry counts its own changes; of two versions the
// one that was changed more often counts, so that whoever has not seen a change cannot undo it.
import type { Json } from "./json";

export interface Item {
	clock: number;
	device: string; // that made this version
	value: Json; // null: deleted
}

const CLOCK_MAX = 2 ** 40;

export function itemOk(i: Item): boolean {
	return Number.isInteger(i.clock) && i.clock > 0 && i.clock < CLOCK_MAX && typeof i.device === "string" && i.device.length <= 32 && i.value !== undefined;
}

function verified(value: Json): boolean {
	return typeof value === "object" && value !== null && !Array.isArray(value) && value.verified === true;
}

/** Whether b takes the place of a. At equal clocks neither has seen the other: then a key that a person has
 * compared comes before one that was taken by itself. */
export function newer(a: Item, b: Item): boolean {
	if (a.clock !== b.clock) return b.clock > a.clock;
	if (verified(a.value) !== verified(b.value)) return verified(b.value);
	if (a.device !== b.device) return b.device > a.device;
	return JSON.stringify(b.value) > JSON.stringify(a.value);
}

export class Ledger {
	private readonly items = new Map<string, Item>();

	get(id: string): Json {
		return this.items.get(id)?.value ?? null;
	}

	has(id: string): boolean {
		return this.items.has(id);
	}

	/** In the order of ids. */
	entries(prefix = ""): [string, Item][] {
		return [...this.items].filter(([id]) => id.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
	}

	/** A change made here; null deletes. False when it is none. */
	put(id: string, value: Json, device: string): boolean {
		const old = this.items.get(id);
		if (old ? JSON.stringify(old.value) === JSON.stringify(value) : value === null) return false;
		this.items.set(id, { clock: (old?.clock ?? 0) + 1, device, value });
		return true;
	}

	/** A version from elsewhere. True when it takes the place of what was here. */
	merge(id: string, item: Item): boolean {
		const old = this.items.get(id);
		if (!itemOk(item) || (old && !newer(old, item))) return false;
		this.items.set(id, item);
		return true;
	}
}
