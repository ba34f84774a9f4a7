// Objects by id, each in a signal of its own, so that a change draws again only what shows that object.
import { signal, type Signal } from "@preact/signals";
import type { Id } from "./types.ts";

export class Records<T extends { id: Id }> {
	private readonly all = new Map<Id, Signal<T | undefined>>();

	/** adjust: what is known better than by whoever puts an object. */
	constructor(private readonly adjust: (item: T) => T = (item) => item) {}

	of(id: Id): Signal<T | undefined> {
		let s = this.all.get(id);
		if (!s)
			this.all.set(id, s = signal<T | undefined>(undefined));
		return s;
	}

	peek(id: Id): T | undefined {
		return this.all.get(id)?.peek();
	}

	has(id: Id): boolean {
		return this.peek(id) !== undefined;
	}

	put(list: readonly T[]): void {
		for (const given of list) {
			const item = this.adjust(given);
			const s = this.of(item.id);
			s.value = s.peek() ? { ...s.peek(), ...item } : item;
		}
	}

	drop(ids: readonly Id[]): void {
		for (const id of ids)
			this.of(id).value = undefined;
	}

	ids(): Id[] {
		return [...this.all].filter(([, s]) => s.peek()).map(([id]) => id);
	}
}
