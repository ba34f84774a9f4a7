// What this browser keeps of OpenPGP between visits, in IndexedDB: the store of other people's keys and the
// search index of encrypted letters. Every value is sealed by the OpenPGP worker; this only puts it away.

type Name = "stores" | "index";

function done<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
	});
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
	if (!opened) {
		const request = indexedDB.open("letterlock-pgp", 1);
		request.onupgradeneeded = () => {
			request.result.createObjectStore("stores");
			request.result.createObjectStore("index");
		};
		opened = done(request);
	}
	return opened;
}

async function inStore<T>(name: Name, mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
	const db = await database();
	return done(act(db.transaction(name, mode).objectStore(name)));
}

export type Sealed = Uint8Array<ArrayBuffer>;

export async function keptStore(account: string): Promise<Sealed | undefined> {
	return (await inStore("stores", "readonly", (s) => s.get(account))) as Sealed | undefined;
}

export async function keepStore(account: string, record: Sealed): Promise<void> {
	await inStore("stores", "readwrite", (s) => s.put(record, account));
}

/** All entries of the index of one account. */
export async function keptIndex(account: string): Promise<Sealed[]> {
	const range = IDBKeyRange.bound([account], [account, []]);
	return (await inStore("index", "readonly", (s) => s.getAll(range))) as Sealed[];
}

export async function keepEntry(account: string, id: string, record: Sealed): Promise<void> {
	await inStore("index", "readwrite", (s) => s.put(record, [account, id]));
}

export async function dropEntries(account: string, ids: readonly string[]): Promise<void> {
	for (const id of ids)
		await inStore("index", "readwrite", (s) => s.delete([account, id]));
}
