// The store's names of an account's key records, and copies of the records themselves:
//
//	k/anchor/   id
//	k/grant/    id area:1 version:4 tag:8
//	k/keyring/  hash:16
//	k/manifest/ (2^64-1 - seq):8
//	k/unlock/   id                      pk_U; the manifest has its hash
//	k/verifier/ id                      kept by the server
import { type Bytes, concat, copy, hex, utf8, Writer } from "./bytes";
import { ID_LEN } from "./record";

const U64_MAX = (1n << 64n) - 1n;
const manifests = utf8("k/manifest/");

export const recordKey = {
	anchor: (id: Bytes) => concat(utf8("k/anchor/"), id),
	unlock: (id: Bytes) => concat(utf8("k/unlock/"), id),
	verifier: (id: Bytes) => concat(utf8("k/verifier/"), id),
	grant: (id: Bytes, area: number, version: number, tag: Bytes) =>
		new Writer().bytes(utf8("k/grant/")).bytes(id).u8(area).u32(version).bytes(tag).take(),
	keyring: (hash: Bytes) => concat(utf8("k/keyring/"), hash.slice(0, ID_LEN)),
	manifest: (seq: bigint) => new Writer().bytes(manifests).u64(U64_MAX - seq).take(),
};

/** What was read from the account's partition. Others than those needed do no harm. */
export class KeyRecords {
	private readonly map = new Map<string, Bytes>();

	put(key: Uint8Array, value: Uint8Array): void {
		this.map.set(hex(key), copy(value));
	}

	delete(key: Uint8Array): void {
		this.map.delete(hex(key));
	}

	/** Empty values count as missing. */
	get(key: Uint8Array): Bytes | undefined {
		const value = this.map.get(hex(key));
		return value?.length ? value : undefined;
	}

	has(key: Uint8Array): boolean {
		return this.map.has(hex(key));
	}

	get size(): number {
		return this.map.size;
	}

	clone(): KeyRecords {
		const all = new KeyRecords();
		for (const [key, value] of this.map) all.map.set(key, copy(value));
		return all;
	}

	/** [key, value] in the order of keys; keys in hexadecimal. */
	entries(): [string, Bytes][] {
		return [...this.map].sort(([a], [b]) => (a < b ? -1 : 1));
	}

	/** The highest seq that a stored manifest's key claims. */
	newestSeq(): bigint | undefined {
		const prefix = hex(manifests);
		let newest: bigint | undefined;
		for (const key of this.map.keys()) {
			if (!key.startsWith(prefix) || key.length !== prefix.length + 16) continue;
			const seq = U64_MAX - BigInt(`0x${key.slice(prefix.length)}`);
			if (newest === undefined || seq > newest) newest = seq;
		}
		return newest;
	}
}

/** Writes to the account's partition, in this order. put-new takes effect; "exists" from the server
 * means that another client was faster: open again. */
export interface KeyChange {
	kind: "put" | "put-new" | "delete";
	key: Bytes;
	value: Bytes;
}
