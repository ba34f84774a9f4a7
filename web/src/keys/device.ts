// What this browser remembers between visits, in IndexedDB.
//
// Pins, always: the identity key and the newest manifest seen of each account, so that a server that
// shows an older or another account is noticed.
//
// Only with "stay signed in": the unlock secret, sealed under an AES key that the browser made and
// does not give out. This is what it is worth: a copy of the database's values alone opens nothing,
// and the secret ends with the password it came from. It does not protect against somebody who can
// use this browser's profile, nor against script of this origin: both can have the key used. Whoever
// shares the device should not stay signed in.
import { aeadOpen, aeadSeal, NONCE_LEN } from "./aead";
import { base64url, type Bytes, concat, random, unbase64url, utf8, utf8Decode, wipe } from "./bytes";
import { KeysError } from "./error";
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
	/** Forgets the secret; pins stay. */
	forget(): Promise<void>;
}

interface Sealed {
	key: CryptoKey;
	nonce: Bytes;
	sealed: Bytes;
}

const NAME = "letterlock-keys";
const KEPT = "kept";

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

const context = concat(utf8("letterlock/1/device\0"));

async function seal(k: Kept): Promise<Sealed> {
	const algorithm = { name: "AES-GCM", length: 256 };
	const key = (await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"])) as CryptoKey;
	const [nonce, plain] = [random(NONCE_LEN), encode(k)];
	const sealed = await aeadSeal(key, nonce, plain, context);
	wipe(plain);
	return { key, nonce, sealed };
}

async function open(s: Sealed): Promise<Kept> {
	const plain = await aeadOpen(s.key, s.nonce, s.sealed, context);
	const kept = decode(plain);
	wipe(plain);
	return kept;
}

export const browserDevice: Device = {
	pin: (account) =>
		inStore<Pin | undefined>("pins", "readonly", (s) => s.get(base64url(account)) as IDBRequest<Pin | undefined>),
	async setPin(account, pin) {
		await inStore("pins", "readwrite", (s) => s.put(pin, base64url(account)));
	},
	async kept() {
		const s = await inStore<Sealed | undefined>("secrets", "readonly", (st) => st.get(KEPT) as IDBRequest<Sealed | undefined>);
		return s && open(s);
	},
	async keep(kept) {
		const sealed = await seal(kept);
		await inStore("secrets", "readwrite", (s) => s.put(sealed, KEPT));
	},
	async forget() {
		await inStore("secrets", "readwrite", (s) => s.delete(KEPT));
	},
};
