// What this browser remembers between visits, in IndexedDB.
//
// Pins, always: the identity key and the newest manifest seen of each account, so that a server that
// shows an older or another account is noticed.
//
// Only with "stay signed in": the unlock secret, and the account's sealed records, which open the keys
// without the network; both sealed under an AES key that the browser made and does not give out. This
// is what it is worth: a copy of the database's values alone opens nothing, and the secret ends with
// the password it came from. It does not protect against somebody who can use this browser's profile,
// nor against script of this origin: both can have the key used. Whoever shares the device should not
// stay signed in.
import { aeadOpen, aeadSeal, NONCE_LEN } from "./aead";
import { base64url, type Bytes, random, unbase64url, utf8, utf8Decode, wipe } from "./bytes";
import { KeysError } from "./error";
import type { KeptAnswers } from "./kept_answers";
import type { Pin } from "./open";
import type { UnlockType } from "./scope";

export interface Kept {
	account: Bytes;
	unlocker: Bytes;
	type: UnlockType;
	secret: Bytes; // S_U
}

export interface Device {
	pin(account: Bytes): Promise<Pin | undefined>;
	setPin(account: Bytes, pin: Pin): Promise<void>;
	kept(): Promise<Kept | undefined>;
	keep(kept: Kept): Promise<void>;
	/** What opens the keys together with the kept secret when the server cannot be reached. */
	answers(): Promise<KeptAnswers | undefined>;
	keepAnswers(answers: KeptAnswers): Promise<void>;
	/** Forgets the secret and the answers; pins stay. */
	forget(): Promise<void>;
}

interface Sealed {
	key: CryptoKey;
	nonce: Bytes;
	sealed: Bytes;
}

const NAME = "letterlock-keys";
const KEPT = "kept";
const ANSWERS = "answers";

function done<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
	});
}

function database(): Promise<IDBDatabase> {
	const request = indexedDB.open(NAME, 1);
	request.onupgradeneeded = () => {
		request.result.createObjectStore("pins");
		request.result.createObjectStore("secrets");
	};
	return done(request);
}

async function inStore<T>(
	name: "pins" | "secrets",
	mode: IDBTransactionMode,
	use: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
	const db = await database();
	try {
		return await done(use(db.transaction(name, mode).objectStore(name)));
	} finally {
		db.close();
	}
}

function encode(k: Kept): Bytes {
	const [account, unlocker, secret] = [k.account, k.unlocker, k.secret].map(base64url);
	return utf8(JSON.stringify({ account, unlocker, type: k.type, secret }));
}

function decode(bytes: Bytes): Kept {
	const v = JSON.parse(utf8Decode(bytes)) as Record<"account" | "unlocker" | "secret", string> & {
		type: UnlockType;
	};
	const [account, unlocker, secret] = [v.account, v.unlocker, v.secret].map(unbase64url);
	if (!account || !unlocker || !secret) throw new KeysError("syntax", "not a kept secret");
	return { account, unlocker, type: v.type, secret };
}

const contextOf = (what: string) => utf8(`letterlock/1/${what === KEPT ? "device" : `device/${what}`}\0`);

async function put(what: string, plain: Bytes): Promise<void> {
	const algorithm = { name: "AES-GCM", length: 256 };
	const key = (await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"])) as CryptoKey;
	const nonce = random(NONCE_LEN);
	const sealed: Sealed = { key, nonce, sealed: await aeadSeal(key, nonce, plain, contextOf(what)) };
	wipe(plain);
	await inStore("secrets", "readwrite", (s) => s.put(sealed, what));
}

async function take<T>(what: string, read: (plain: Bytes) => T): Promise<T | undefined> {
	const s = await inStore<Sealed | undefined>("secrets", "readonly", (st) => st.get(what) as IDBRequest<Sealed | undefined>);
	if (!s) return undefined;
	const plain = await aeadOpen(s.key, s.nonce, s.sealed, contextOf(what));
	const value = read(plain);
	wipe(plain);
	return value;
}

export const browserDevice: Device = {
	pin: (account) =>
		inStore<Pin | undefined>("pins", "readonly", (s) => s.get(base64url(account)) as IDBRequest<Pin | undefined>),
	async setPin(account, pin) {
		await inStore("pins", "readwrite", (s) => s.put(pin, base64url(account)));
	},
	kept: () => take(KEPT, decode),
	keep: (kept) => put(KEPT, encode(kept)),
	answers: () => take(ANSWERS, (plain) => JSON.parse(utf8Decode(plain)) as KeptAnswers),
	keepAnswers: (answers) => put(ANSWERS, utf8(JSON.stringify(answers))),
	async forget() {
		await inStore("secrets", "readwrite", (s) => s.clear());
	},
};
