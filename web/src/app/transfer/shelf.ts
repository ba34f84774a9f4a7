// How far imports have come, kept in this browser (IndexedDB) so that they go on after the page was closed.
// Positions, counts and ids only; of the mail itself, the subjects of what could not be imported.
import type { Id } from "../../jmap/types.ts";
import type { Position } from "./files.ts";

export type Reason = "tooLarge" | "notMessage" | "refused" | "truncated" | "damaged" | "bomb" | "encryptedZip" | "unknownMethod" | "tooManyFiles" | "unreadable" | "notMail";

export interface Failure { path: string; subject: string; from: string; reason: Reason; detail: string }

export interface Counts { imported: number; present: number; skipped: number; failed: number }

export interface Kept {
	/** Of account and files. */
	key: string;
	account: string;
	name: string;
	into: Id | null;
	fraction: number;
	position: Position;
	counts: Counts;
	failures: Failure[];
	/** Unix milliseconds. */
	changed: number;
}

export const mostFailures = 1000;
const database = "letterlock-transfer";

function open(): Promise<IDBDatabase> {
	return new Promise((done, failed) => {
		const request = indexedDB.open(database, 1);
		request.onupgradeneeded = () => {
			request.result.createObjectStore("imports", { keyPath: "key" });
			request.result.createObjectStore("ids", { autoIncrement: true }).createIndex("key", "key");
		};
		request.onsuccess = () => done(request.result);
		request.onerror = () => failed(request.error ?? new Error("IndexedDB"));
	});
}

async function run<T>(mode: IDBTransactionMode, act: (t: IDBTransaction) => IDBRequest<T> | undefined): Promise<T | undefined> {
	const db = await open();
	try {
		return await new Promise((done, failed) => {
			const t = db.transaction(["imports", "ids"], mode, { durability: "strict" });
			const request = act(t);
			t.oncomplete = () => done(request?.result);
			t.onabort = t.onerror = () => failed(t.error ?? new Error("IndexedDB"));
		});
	} finally {
		db.close();
	}
}

/** An acknowledged part, and the Emails that it made. */
export async function keep(record: Kept, ids: readonly Id[]): Promise<void> {
	await run("readwrite", (t) => {
		if (ids.length)
			t.objectStore("ids").add({ key: record.key, ids });
		return t.objectStore("imports").put(record);
	});
}

export async function kept(key: string): Promise<Kept | null> {
	return (await run<Kept>("readonly", (t) => t.objectStore("imports").get(key))) ?? null;
}

export async function keptIds(key: string): Promise<Set<Id>> {
	const parts = await run<Array<{ ids: Id[] }>>("readonly", (t) => t.objectStore("ids").index("key").getAll(key));
	return new Set((parts ?? []).flatMap((p) => p.ids));
}

export async function unfinished(account: string): Promise<Kept[]> {
	const all = await run<Kept[]>("readonly", (t) => t.objectStore("imports").getAll());
	return (all ?? []).filter((k) => k.account === account).sort((a, b) => b.changed - a.changed);
}

export async function forget(key: string): Promise<void> {
	await run("readwrite", (t) => {
		const cursor = t.objectStore("ids").index("key").openKeyCursor(key);
		cursor.onsuccess = () => {
			if (!cursor.result)
				return;
			t.objectStore("ids").delete(cursor.result.primaryKey);
			cursor.result.continue();
		};
		t.objectStore("imports").delete(key);
		return undefined;
	});
}
