// Where nothing may outlast the tab, what waits is in its memory.
import type { Bytes } from "../keys/bytes.ts";
import type { Shelf } from "./vault.ts";

/** A shelf that ends with the tab. */
export class MemoryShelf implements Shelf {
	private readonly rows = new Map<string, [string[], Bytes]>();

	async put(rows: readonly (readonly [string[], Bytes])[], gone: readonly string[][] = []): Promise<void> {
		for (const place of gone)
			this.rows.delete(JSON.stringify(place));
		for (const [place, record] of rows)
			this.rows.set(JSON.stringify(place), [place, record]);
	}

	async get(place: string[]): Promise<Bytes | undefined> {
		return this.rows.get(JSON.stringify(place))?.[1];
	}

	async under(start: string[]): Promise<[string[], Bytes][]> {
		const below = [...this.rows.values()].filter(([place]) => start.every((s, i) => place[i] === s));
		return below.sort(([a], [b]) => (a.join("\0") < b.join("\0") ? -1 : 1));
	}

	async names(start: string[]): Promise<string[][]> {
		return (await this.under(start)).map(([place]) => place);
	}
}
