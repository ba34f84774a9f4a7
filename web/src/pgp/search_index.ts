// The search index of encrypted letters: one sealed record for each, under the same key as the key store. The
// words are looked for in the opened entries; encrypted letters are few enough for that.
import { concat, type Bytes, utf8, utf8Decode } from "../keys/bytes";
import { KeysError } from "../keys/error";
import { sha256 } from "../keys/kdf";
import { header, type Header, parseHeader, symOpen, symSeal } from "../keys/record";
import { keyOf, type StoreKey } from "./sealed";

export interface Entry {
	id: string;
	threadId: string;
	receivedAt: string;
	subject: string;
	preview: string;
	text: string;
	people: string;
	files: string;
}

const PADDING = 1024;

function headerOf(k: StoreKey, object: Bytes): Header {
	return header("object", { account: k.account, object, author: k.account, area: k.area, keyver: k.version, rev: 1n });
}

/** The record's object id: another one for each letter, and never that of the key store. */
function objectOf(id: string): Bytes {
	return sha256(utf8(`openpgp-index\0${id}`)).slice(0, 16);
}

const fold = (s: string) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export class SearchIndex {
	private readonly entries = new Map<string, Entry & { folded: string }>();

	async put(e: Entry, keys: readonly StoreKey[]): Promise<Bytes> {
		const key = keys.at(-1);
		if (!key) throw new KeysError("state", "there is no key for it");
		this.take(e);
		const body = utf8(JSON.stringify(e));
		const padded = concat(body, new Uint8Array(PADDING - (body.length % PADDING)).fill(32));
		return symSeal(key.key, headerOf(key, objectOf(e.id)), padded);
	}

	/** Records that do not open are left out: they are of keys that are gone, and can be made again. */
	async load(records: readonly Bytes[], keys: readonly StoreKey[]): Promise<number> {
		for (const record of records) {
			const e = await open(record, keys).catch(() => undefined);
			if (e) this.take(e);
		}
		return this.entries.size;
	}

	search(words: readonly string[]): string[] {
		const wanted = words.map(fold).filter((w) => w !== "");
		if (wanted.length === 0) return [];
		return [...this.entries.values()]
			.filter((e) => wanted.every((w) => e.folded.includes(w)))
			.sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1))
			.map((e) => e.id);
	}

	rows(): { id: string; subject: string; preview: string }[] {
		return [...this.entries.values()].map(({ id, subject, preview }) => ({ id, subject, preview }));
	}

	drop(ids: readonly string[]): void {
		for (const id of ids) this.entries.delete(id);
	}

	private take(e: Entry): void {
		this.entries.set(e.id, { ...e, folded: fold([e.subject, e.people, e.files, e.text].join("\n")) });
	}
}

async function open(record: Bytes, keys: readonly StoreKey[]): Promise<Entry> {
	const { object } = parseHeader(record);
	const key = keyOf(record, keys);
	const { body } = await symOpen(key.key, headerOf(key, object), record);
	const e = JSON.parse(utf8Decode(body)) as Entry;
	if (objectOf(e.id).some((b, i) => b !== object[i])) throw new KeysError("syntax", "an entry of another letter");
	return e;
}
