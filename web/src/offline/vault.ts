// What this browser keeps of an account, in IndexedDB: sealed records under names. The key worker seals and opens
// them; what is in the database without the keys is the account's id, the names (kinds and ids) and the sizes.
import type { Bytes } from "../keys/bytes.ts";

export type Kind = "mail" | "blob" | "state" | "change" | "letter" | "file";

/** The part of the key worker that is needed here. */
export interface Sealer {
	seal(items: [place: string, body: Bytes][]): Promise<Bytes[]>;
	open(items: [place: string, record: Bytes][]): Promise<(Bytes | null)[]>;
}

/** Where sealed records are put; the browser's database, or a map in tests. */
export interface Shelf {
	put(rows: readonly (readonly [place: string[], record: Bytes])[], gone?: readonly string[][]): Promise<void>;
	get(place: string[]): Promise<Bytes | undefined>;
	/** All below the beginning of a place, in order. */
	under(start: string[]): Promise<[place: string[], record: Bytes][]>;
	names(start: string[]): Promise<string[][]>;
}

const databaseName = "letterlock-offline";
/** Records that are sealed or opened by one message to the worker. */
const portion = 100;

function done<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
	});
}

function finished(t: IDBTransaction): Promise<void> {
	return new Promise((resolve, reject) => {
		t.oncomplete = () => resolve();
		t.onerror = t.onabort = () => reject(t.error ?? new Error("IndexedDB failed"));
	});
}

export class BrowserShelf implements Shelf {
	private opened: Promise<IDBDatabase> | null = null;

	private database(): Promise<IDBDatabase> {
		if (!this.opened) {
			const request = indexedDB.open(databaseName, 1);
			request.onupgradeneeded = () => request.result.createObjectStore("records");
			this.opened = done(request).then((db) => {
				// Somebody signs out, and it is deleted: what is still under way must not make it anew.
				db.onversionchange = () => {
					db.close();
					this.opened = Promise.reject(new Error("what was kept is deleted"));
					this.opened.catch(() => undefined);
				};
				return db;
			});
			this.opened.catch(() => { this.opened = null; });
		}
		return this.opened;
	}

	private async store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
		return (await this.database()).transaction("records", mode).objectStore("records");
	}

	async put(rows: readonly (readonly [string[], Bytes])[], gone: readonly string[][] = []): Promise<void> {
		const store = await this.store("readwrite");
		for (const place of gone)
			store.delete(place);
		for (const [place, record] of rows)
			store.put(record, place);
		await finished(store.transaction);
	}

	async get(place: string[]): Promise<Bytes | undefined> {
		return done((await this.store("readonly")).get(place) as IDBRequest<Bytes | undefined>);
	}

	async under(start: string[]): Promise<[string[], Bytes][]> {
		const store = await this.store("readonly");
		const range = IDBKeyRange.bound(start, [...start, []]);
		const [names, records] = await Promise.all([done(store.getAllKeys(range)), done(store.getAll(range) as IDBRequest<Bytes[]>)]);
		return names.map((n, i) => [n as string[], records[i] as Bytes]);
	}

	async names(start: string[]): Promise<string[][]> {
		return (await done((await this.store("readonly")).getAllKeys(IDBKeyRange.bound(start, [...start, []])))) as string[][];
	}
}

/** Takes everything of everybody away. */
export function deleteDatabase(): Promise<void> {
	return new Promise((resolve, reject) => {
		const request = indexedDB.deleteDatabase(databaseName);
		request.onsuccess = () => resolve();
		request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
	});
}

const encode = (value: unknown): Bytes => new TextEncoder().encode(JSON.stringify(value));
const decode = <T>(bytes: Bytes): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

export class Vault {
	constructor(private readonly account: string, private readonly sealer: Sealer, private readonly shelf: Shelf) {}

	private place(kind: Kind, id: string): string[] {
		return [this.account, kind, id];
	}

	async put(kind: Kind, items: readonly (readonly [id: string, value: unknown])[]): Promise<void> {
		await this.putBytes(kind, items.map(([id, value]) => [id, encode(value)] as const));
	}

	async putBytes(kind: Kind, items: readonly (readonly [id: string, body: Bytes])[]): Promise<void> {
		for (let i = 0; i < items.length; i += portion) {
			const some = items.slice(i, i + portion);
			const sealed = await this.sealer.seal(some.map(([id, body]) => [`${kind}/${id}`, body]));
			await this.shelf.put(some.map(([id], n) => [this.place(kind, id), sealed[n] as Bytes] as const));
		}
	}

	async get<T>(kind: Kind, id: string): Promise<T | undefined> {
		const body = await this.getBytes(kind, id);
		return body && decode<T>(body);
	}

	async getBytes(kind: Kind, id: string): Promise<Bytes | undefined> {
		const record = await this.shelf.get(this.place(kind, id));
		return record && ((await this.sealer.open([[`${kind}/${id}`, record]]))[0] ?? undefined);
	}

	/** All of a kind, in the order of their names. What does not open is left out. */
	async all<T>(kind: Kind): Promise<[id: string, value: T][]> {
		const rows = await this.shelf.under([this.account, kind]);
		const out: [string, T][] = [];
		for (let i = 0; i < rows.length; i += portion) {
			const some = rows.slice(i, i + portion).map(([place, record]) => [place[2] ?? "", record] as const);
			const bodies = await this.sealer.open(some.map(([id, record]) => [`${kind}/${id}`, record]));
			bodies.forEach((body, n) => body && out.push([some[n]?.[0] ?? "", decode<T>(body)]));
		}
		return out;
	}

	async names(kind: Kind): Promise<string[]> {
		return (await this.shelf.names([this.account, kind])).map((place) => place[2] ?? "");
	}

	async drop(kind: Kind, ids: readonly string[]): Promise<void> {
		await this.shelf.put([], ids.map((id) => this.place(kind, id)));
	}

	async dropAll(kinds: readonly Kind[]): Promise<void> {
		for (const kind of kinds)
			await this.drop(kind, await this.names(kind));
	}
}
