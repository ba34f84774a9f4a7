// What the OpenPGP worker can be asked for. Secret keys come from the key worker and go back to it;
// the page gets them only as an export that its owner asks for.
import PostalMime from "postal-mime";
import type { PrivateKey, PublicKey } from "openpgp";
import { wipe } from "../keys/bytes";
import { type LetterInput, type LetterMade, letterMake } from "../keys/letter";
import type { KeyEdit } from "../keys/own_keys";
import { autocryptOf, autocryptValue } from "./autocrypt";
import type { Draft } from "./build";
import { type Protection, write } from "./crypt";
import { daneRecord } from "./dane";
import { parseEntity } from "./entity";
import type { Mailbox } from "./header";
import {
	addAddress,
	addressesOf,
	armorPublic,
	canEncrypt,
	exportSecret,
	fingerprintBytes,
	generate,
	importSecret,
	infoOf,
	type KeyInfo,
	KeyProblem,
	publicFor,
	readPublic,
	readSecret,
	type Reason,
	revocationCertificate,
	revoke,
	setExpiry,
	stripped,
} from "./keys";
import { type Bytes, bytesOf } from "./openpgp";
import { type LetterNote, noteOpen, noteSeal } from "./letter_note";
import { plan, type Plan, type Recipient, type Wish } from "./policy";
import { type Opened, read } from "./read";
import { type Entry, SearchIndex } from "./search_index";
import type { Json } from "./json";
import type { Stored, Writing } from "./parts";
import type { StoreKey } from "./sealed";
import type { Candidate, KeyStore, Source } from "./store";
import { Synced } from "./synced";
import type { SenderKey } from "./verdict";

/** Stores a change of the account's secret keys; done once setKeys was called with what they are now. */
export type Keep = (edit: KeyEdit) => Promise<void>;

export interface Content {
	text: string | undefined;
	html: string | undefined;
	attachments: { name: string; type: string; contentId: string; inline: boolean; content: Bytes }[];
}

/** What the reader shows: content, or the message as the server gives it when content is not there
 * (forms "plain" and "partial"). A message that was encrypted loads nothing from outside, ever. */
export type ReadMessage = Omit<Opened, "entity"> & { content: Content | undefined };

export interface Outgoing {
	recipients: string[];
	message: Bytes;
}

async function contentOf(opened: Opened): Promise<Content | undefined> {
	if (opened.text !== undefined) return { text: opened.text, html: undefined, attachments: [] };
	if (!opened.entity) return undefined;
	const mail = await PostalMime.parse(opened.entity, { attachmentEncoding: "arraybuffer" });
	const attachments = mail.attachments.map((a) => ({
		name: a.filename ?? "",
		type: a.mimeType,
		contentId: (a.contentId ?? "").replace(/[<>]/g, ""),
		inline: a.disposition === "inline",
		content: typeof a.content === "string" ? new TextEncoder().encode(a.content) : new Uint8Array(a.content as ArrayBuffer),
	}));
	return { text: mail.text, html: mail.html, attachments };
}

export class PgpService {
	private secrets: Bytes[] = [];
	private own: PrivateKey[] = [];
	private storeKeys: readonly StoreKey[] = [];
	private synced = new Synced();
	private index = new SearchIndex();
	private writing: Writing | undefined;

	constructor(private readonly keep: Keep) {}

	/** From the key worker, at sign-in, after every change, and with nothing at sign-out. What it gives is wiped by the next. */
	async setKeys(secrets: Bytes[], storeKeys: readonly StoreKey[]): Promise<void> {
		if (secrets.length + storeKeys.length === 0) {
			this.synced = new Synced();
			this.index = new SearchIndex();
			this.writing = undefined;
		}
		wipe(...this.secrets, ...this.storeKeys.map((k) => k.key));
		this.secrets = secrets;
		this.storeKeys = storeKeys;
		this.own = await Promise.all(secrets.map(readSecret));
	}

	private get store(): KeyStore {
		return this.synced.store;
	}

	// --- one's own keys; the first one is in use ---

	ownKeys(): Promise<KeyInfo[]> {
		return Promise.all(this.own.map((k) => infoOf(k.toPublic())));
	}

	/** A new key, which is in use from now on; older ones still open old messages. */
	async generate(owner: Mailbox): Promise<KeyInfo> {
		return this.take(await generate(owner));
	}

	async importKey(a: { data: Bytes; passphrase: string }): Promise<KeyInfo> {
		return this.take(await importSecret(a.data, a.passphrase));
	}

	async use(a: { fingerprint: string }): Promise<void> {
		this.secretOf(a.fingerprint);
		await this.keep({ fingerprint: fingerprintBytes(a.fingerprint), place: "first" });
	}

	/** What is encrypted to it can then not be read any more. */
	async remove(a: { fingerprint: string }): Promise<void> {
		await this.keep({ fingerprint: fingerprintBytes(a.fingerprint), place: "gone" });
	}

	setExpiry(a: { fingerprint: string; expires: number }): Promise<KeyInfo> {
		return this.alter(a.fingerprint, (s) => setExpiry(s, a.expires));
	}

	addAddress(a: { fingerprint: string; owner: Mailbox }): Promise<KeyInfo> {
		return this.alter(a.fingerprint, (s) => addAddress(s, a.owner));
	}

	revoke(a: { fingerprint: string; reason: Reason }): Promise<KeyInfo> {
		return this.alter(a.fingerprint, (s) => revoke(s, a.reason));
	}

	revocationCertificate(a: { fingerprint: string }): Promise<string> {
		return revocationCertificate(this.secretOf(a.fingerprint));
	}

	/** binary: the form that WKD and the server's directory have. */
	async exportPublic(a: { fingerprint: string; address?: string }): Promise<{ armored: string; binary: Bytes }> {
		const binary = await publicFor(this.secretOf(a.fingerprint), a.address);
		return { binary, armored: await armorPublic(binary) };
	}

	exportSecret(a: { fingerprint: string; passphrase: string }): Promise<string> {
		return exportSecret(this.secretOf(a.fingerprint), a.passphrase);
	}

	async daneRecord(a: { fingerprint: string; address: string }): Promise<string> {
		return daneRecord(a.address, await publicFor(this.secretOf(a.fingerprint), a.address));
	}

	async autocryptValue(a: { address: string; mutual: boolean }): Promise<string> {
		const key = await this.inUse();
		return autocryptValue(this.secretOf(key.getFingerprint()), a.address, a.mutual);
	}

	// --- other people's keys ---

	/** A key that was found for an address. It must say itself that it is for it. */
	async learn(a: { address: string; key: Bytes; source: Source; at: number }): Promise<KeyInfo[]> {
		const found: KeyInfo[] = [];
		for (const key of await readPublic(a.key)) {
			if (!(await addressesOf(key)).includes(a.address.toLowerCase())) continue;
			await this.remember(a.address, key, a.source, false, a.at);
			found.push(await infoOf(key));
		}
		return found;
	}

	async contact(a: { address: string }): Promise<{ info: KeyInfo; source: Source; pinned: boolean; verified: boolean; lastSeen: number }[]> {
		const { pin } = this.store.contact(a.address);
		return Promise.all(
			this.store.ordered(a.address).map(async (c) => {
				const pinned = pin?.fingerprint === c.fingerprint;
				const info = await infoOf(await this.parse(c));
				return { info, source: c.source, pinned, verified: pinned && (pin?.verified ?? false), lastSeen: c.lastSeen };
			}),
		);
	}

	/** Everybody of whom a key is known. */
	addresses(): string[] {
		return this.store.entries().filter(([, c]) => c.candidates.length > 0).map(([address]) => address).sort();
	}

	/** A person has compared the fingerprint, or takes the new key. */
	pin(a: { address: string; fingerprint: string; verified: boolean; at: number }): boolean {
		const done = this.store.pin(a.address, a.fingerprint, a.verified, a.at);
		this.synced.note(a.address);
		return done;
	}

	unpin(a: { address: string }): void {
		this.store.unpin(a.address);
		this.synced.note(a.address);
	}

	/** A person takes another key in place of the one used before. */
	exchange(a: { address: string; fingerprint: string; at: number }): boolean {
		this.store.unpin(a.address);
		return this.pin({ ...a, verified: false });
	}

	forget(a: { address: string; fingerprint: string }): void {
		this.store.forget(a.address, a.fingerprint);
		this.synced.note(a.address);
	}

	async plan(a: { addresses: string[]; wish: Wish; threadEncrypted: boolean; plainConfirmed?: boolean }): Promise<Plan> {
		const recipients = await Promise.all(a.addresses.map((address) => this.recipient(address)));
		return plan(recipients, a.wish, a.threadEncrypted, a.plainConfirmed);
	}

	/** Sealed, to be kept by the page. record: what it has kept, which another tab may have written. */
	async saveStore(a: { record: Bytes | undefined }): Promise<Bytes> {
		if (a.record) await this.loadStore({ record: a.record }).catch(() => undefined);
		return this.synced.save(this.storeKeys);
	}

	loadStore(a: { record: Bytes }): Promise<void> {
		return this.synced.load(a.record, this.storeKeys);
	}

	// --- the same for all of the owner's clients ---

	/** Entries by the beginning of their names, without the deleted ones. */
	entries(a: { prefix: string }): [string, Json][] {
		return this.synced.entries(a.prefix).filter(([, value]) => value !== null);
	}

	/** null deletes. */
	setEntry(a: { id: string; value: Json }): boolean {
		return this.synced.put(a.id, a.value);
	}

	/** All that the server has. changed: ids of entries that are others now. */
	async readSettings(a: { stored: Stored[] }): Promise<{ wentBack: boolean; changed: string[] }> {
		const { replaced, ...read } = await this.synced.read(a.stored, this.storeKeys);
		for (const { address, candidate: c } of replaced) await this.remember(address, await this.parse(c), c.source, c.mutual, c.lastSeen);
		return read;
	}

	/** What the server is to be given; undefined: nothing. The root is last, and with it `gone` goes. */
	async writeSettings(): Promise<{ parts: Bytes[]; root: Bytes; gone: string[] } | undefined> {
		this.writing = await this.synced.write(this.storeKeys);
		return this.writing && { parts: this.writing.parts, root: this.writing.root, gone: this.writing.gone };
	}

	/** It was taken; the server's ids of the parts and of the root. */
	settingsWritten(a: { parts: string[]; root: string }): void {
		if (this.writing) this.synced.written(this.writing, a.parts, a.root);
		this.writing = undefined;
	}

	// --- the search index of encrypted letters ---

	/** The entry, sealed, to be kept by the page. */
	indexPut(a: Entry): Promise<Bytes> {
		return this.index.put(a, this.storeKeys);
	}

	indexLoad(a: { records: Bytes[] }): Promise<number> {
		return this.index.load(a.records, this.storeKeys);
	}

	/** Ids of the letters in which all words stand, newest first. */
	indexSearch(a: { words: string[] }): string[] {
		return this.index.search(a.words);
	}

	indexRows(): { id: string; subject: string; preview: string }[] {
		return this.index.rows();
	}

	indexDrop(a: { ids: string[] }): void {
		this.index.drop(a.ids);
	}

	// --- messages ---

	/** One message for all who see each other; when it is encrypted, one more for each blind copy. */
	async write(a: { draft: Draft; protection: Protection; bcc: string[]; at: number; without?: readonly string[] }): Promise<Outgoing[]> {
		const { draft, protection } = a;
		// without: whoever stands in the header and gets the letter in another way.
		const visible = [...draft.to, ...draft.cc].map((m) => m.address.toLowerCase()).filter((m) => !a.without?.includes(m));
		const own = protection === "plain" ? undefined : await this.inUse();
		const groups = protection === "encrypted" ? [visible, ...a.bcc.map((b) => [b])] : [[...visible, ...a.bcc]];
		const out: Outgoing[] = [];
		for (const recipients of groups.filter((g) => g.length)) {
			const keys = protection === "encrypted" ? await this.keysFor(recipients, a.at) : [];
			out.push({ recipients, message: await write(draft, protection, keys, own) });
		}
		return out;
	}

	/** A draft of a letter that will be encrypted: only its writer can read it. */
	async writeDraft(a: { draft: Draft }): Promise<Bytes> {
		return write(a.draft, "encrypted", [], await this.inUse());
	}

	/** Reads a message. received: seconds since 1970; authentic: the server found that it comes from
	 * the domain in From, so that its Autocrypt header may be believed. */
	async read(a: { message: Bytes; received: number; authentic: boolean }): Promise<ReadMessage> {
		const header = a.authentic ? await autocryptOf(parseEntity(a.message), a.received) : undefined;
		if (header) {
			const [key] = await readPublic(header.key);
			if (key) await this.remember(header.address, key, "autocrypt", header.mutual, header.seen);
		}
		const of = (address: string) => this.senderKeys(address);
		const { entity, ...opened } = await read(a.message, { own: this.own, of });
		return { ...opened, content: await contentOf({ ...opened, entity }) };
	}

	// --- letters under a password ---

	/** Sealed here, because the password is stretched by what only a worker may run. Replies are encrypted
	 * to the key in use. */
	async letterMake(a: { letter: Omit<LetterInput, "replyKey">; password: string }): Promise<LetterMade> {
		const secret = this.secretOf((await this.inUse()).getFingerprint());
		// One may write under a name that the key does not have; replies reach the same person.
		const replyKey = await publicFor(secret, a.letter.from).catch(() => publicFor(secret));
		return letterMake({ ...a.letter, replyKey }, a.password);
	}

	/** What its author keeps of it. */
	noteSeal(a: { id: Bytes; note: LetterNote }): Promise<Bytes> {
		return noteSeal(a.id, a.note, this.storeKeys);
	}

	notesOpen(a: { notes: { id: Bytes; record: Bytes }[] }): Promise<(LetterNote | null)[]> {
		return Promise.all(a.notes.map((n) => noteOpen(n.id, n.record, this.storeKeys).catch(() => null)));
	}

	// --- the pieces ---

	/** The first key of one's own that can still be used. */
	private async inUse(): Promise<PrivateKey> {
		for (const key of this.own) if (await canEncrypt(key.toPublic())) return key;
		throw new KeyProblem("notKey", "there is no key of one's own that can be used");
	}

	private secretOf(fingerprint: string): Bytes {
		const at = this.own.findIndex((k) => k.getFingerprint() === fingerprint);
		const secret = this.secrets[at];
		if (!secret) throw new KeyProblem("notKey", "no such key");
		return secret;
	}

	private async take(secret: Bytes): Promise<KeyInfo> {
		const key = await readSecret(secret);
		await this.keep({ fingerprint: fingerprintBytes(key.getFingerprint()), key: secret, place: "first" });
		return infoOf(key.toPublic());
	}

	private async alter(fingerprint: string, change: (secret: Bytes) => Promise<Bytes>): Promise<KeyInfo> {
		const key = await change(this.secretOf(fingerprint));
		await this.keep({ fingerprint: fingerprintBytes(fingerprint), key, place: "same" });
		return infoOf((await readSecret(key)).toPublic());
	}

	/** What was known of a key is merged with what is new: a revocation, once seen, stays. */
	private async remember(address: string, key: PublicKey, source: Source, mutual: boolean, at: number): Promise<void> {
		const fingerprint = key.getFingerprint();
		const old = this.store.contact(address).candidates.find((c) => c.fingerprint === fingerprint);
		const merged = old ? await (await this.parse(old)).update(key) : key;
		this.store.seen(address, { fingerprint, key: bytesOf(stripped(merged).write()), source, mutual }, at);
		this.synced.note(address);
	}

	private async parse(c: Candidate): Promise<PublicKey> {
		const [key] = await readPublic(c.key);
		if (!key) throw new KeyProblem("damaged", "a stored key cannot be read");
		return key;
	}

	private async senderKeys(address: string): Promise<SenderKey[]> {
		const mine = this.own.map((k) => k.toPublic());
		const addresses = await Promise.all(mine.map(addressesOf));
		const own = mine.filter((_, i) => addresses[i]?.includes(address)).map((key) => ({ key, trusted: true }));
		const { pin } = this.store.contact(address);
		const others = await Promise.all(
			this.store.ordered(address).map(async (c) => ({
				key: await this.parse(c),
				trusted: c.fingerprint === pin?.fingerprint,
			})),
		);
		return [...own, ...others];
	}

	/** The first key in order that can be encrypted to now. */
	private async usable(address: string): Promise<{ c: Candidate; key: PublicKey } | undefined> {
		for (const c of this.store.ordered(address)) {
			const key = await this.parse(c);
			if (await canEncrypt(key)) return { c, key };
		}
		return undefined;
	}

	private async recipient(address: string): Promise<Recipient> {
		const { candidates, pin } = this.store.contact(address);
		const found = await this.usable(address);
		const newest = [...candidates].sort((a, b) => b.lastSeen - a.lastSeen)[0];
		const pinned = found !== undefined && pin?.fingerprint === found.c.fingerprint;
		return {
			address,
			source: found?.c.source,
			pinned,
			verified: pinned && (pin?.verified ?? false),
			mutual: newest?.mutual ?? false,
			changed: pin !== undefined && (!pinned || this.replaced(candidates, pin.fingerprint, found?.c)),
			unusable: found === undefined && candidates.length > 0,
		};
	}

	/** A better source than that of the pinned key has another key now. */
	private replaced(candidates: Candidate[], pinned: string, used: Candidate | undefined): boolean {
		return candidates.some(
			(c) => c.fingerprint !== pinned && ["directory", "wkd", "dane"].includes(c.source) && c.lastSeen > (used?.lastSeen ?? 0),
		);
	}

	/** The keys that a message is encrypted to; they are pinned with their first use. */
	private async keysFor(addresses: string[], at: number): Promise<PublicKey[]> {
		const found = await Promise.all(addresses.map((a) => this.usable(a)));
		return addresses.map((address, i) => {
			const f = found[i];
			const { pin } = this.store.contact(address);
			if (!f) throw new KeyProblem("notKey", `there is no key for ${address}`);
			if (pin && pin.fingerprint !== f.c.fingerprint) throw new KeyProblem("notKey", `the key of ${address} has changed`);
			this.pin({ address, fingerprint: f.c.fingerprint, verified: false, at });
			return f.key;
		});
	}
}

/** What the page may call. */
export const pgpServiceMethods = [
	"ownKeys",
	"generate",
	"importKey",
	"use",
	"remove",
	"setExpiry",
	"addAddress",
	"revoke",
	"revocationCertificate",
	"exportPublic",
	"exportSecret",
	"daneRecord",
	"autocryptValue",
	"learn",
	"contact",
	"addresses",
	"pin",
	"unpin",
	"exchange",
	"forget",
	"plan",
	"saveStore",
	"loadStore",
	"entries",
	"setEntry",
	"readSettings",
	"writeSettings",
	"settingsWritten",
	"write",
	"writeDraft",
	"indexPut",
	"indexLoad",
	"indexSearch",
	"indexRows",
	"indexDrop",
	"read",
	"letterMake",
	"noteSeal",
	"notesOpen",
] as const satisfies readonly (keyof PgpService)[];
