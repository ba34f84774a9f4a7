// One person of the demonstration, with the client's own code for keys, OpenPGP and what browsers share.
import { base64, type Bytes, unbase64, unbase64url } from "../src/keys/bytes";
import type { Device, Kept } from "../src/keys/device";
import type { Json, JsonObject } from "../src/keys/http";
import type { Pin } from "../src/keys/open";
import { KeyService } from "../src/keys/service";
import type { Draft } from "../src/pgp/build";
import { PgpService } from "../src/pgp/service";
import type { Https } from "./https";

const SETTINGS = "urn:letterlock:params:jmap:settings";
const MAIL = "urn:ietf:params:jmap:mail";
const now = () => Math.floor(Date.now() / 1000);

/** Nothing is kept: this is a visit. */
class Visit implements Device {
	private seen: Pin | undefined;
	pin = () => Promise.resolve(this.seen);
	setPin = (_: Bytes, pin: Pin) => Promise.resolve(void (this.seen = pin));
	kept = (): Promise<Kept | undefined> => Promise.resolve(undefined);
	keep = () => Promise.resolve();
	answers = () => Promise.resolve(undefined);
	keepAnswers = () => Promise.resolve();
	forget = () => Promise.resolve();
}

export class Person {
	private readonly pgp: PgpService;
	private readonly keys: KeyService;
	private accountId = "";
	private readonly mailboxes = new Map<string, string>(); // ids by role

	constructor(readonly name: string, readonly address: string, private readonly https: Https) {
		this.pgp = new PgpService((edit) => this.keys.editOpenpgp(edit));
		this.keys = new KeyService(https, new Visit(), (keys, storeKeys) => this.pgp.setKeys(keys.map((k) => k.slice()), storeKeys));
	}

	async signIn(password: string): Promise<void> {
		await this.keys.signInPassword({ address: this.address, password, remember: false, device: "Demonstration" });
		await this.keys.unlockSession();
		const session = await this.https.send("GET", "/jmap/session");
		this.accountId = String((session.primaryAccounts as JsonObject)[MAIL]);
		const { list } = await this.call(MAIL, "Mailbox/get", { ids: null });
		for (const m of list as { id: string; role: string | null }[]) if (m.role) this.mailboxes.set(m.role, m.id);
	}

	/** The letters that tell of this sign-in go with it. */
	async signOut(): Promise<void> {
		const { ids } = await this.call(MAIL, "Email/query", { filter: { subject: "Sign-in from a new device" } });
		await this.call(MAIL, "Email/set", { destroy: ids as Json });
		await this.keys.signOut();
	}

	private call(capability: string, name: string, args: JsonObject): Promise<JsonObject> {
		return this.https.jmap([capability], name, { accountId: this.accountId, ...args });
	}

	/** A key, published, as the page makes one at the first sign-in. */
	async ensureKey(): Promise<void> {
		const [own] = await this.pgp.ownKeys();
		const { fingerprint } = own ?? (await this.pgp.generate({ name: this.name, address: this.address }));
		const { binary } = await this.pgp.exportPublic({ fingerprint, address: this.address });
		await this.https.post("/api/v1/auth/key-publish", { key: binary });
		this.pgp.setEntry({ id: "published", value: fingerprint });
	}

	/** These two have read each other the fingerprints, over coffee. */
	async compare(other: string): Promise<void> {
		const { keys } = await this.https.send("GET", `/api/v1/keys/lookup?address=${encodeURIComponent(other)}`);
		const [found] = keys as { key: string; source: "directory" }[];
		const [info] = await this.pgp.learn({ address: other, key: unbase64url(found?.key ?? ""), source: "directory", at: now() });
		if (!info || !this.pgp.pin({ address: other, fingerprint: info.fingerprint, verified: true, at: now() })) throw new Error(`no key of ${other}`);
	}

	/** What this person's browsers are to know. */
	async share(): Promise<void> {
		const { state, list } = await this.call(SETTINGS, "ClientSettings/get", { ids: null });
		await this.pgp.readSettings({ stored: (list as { id: string; data: string }[]).map((s) => ({ id: s.id, data: unbase64(s.data) })) });
		const w = await this.pgp.writeSettings();
		if (!w) return;
		const create = Object.fromEntries([...w.parts, w.root].map((data, i) => [`p${i}`, { data: base64(data) }]));
		const { notCreated } = await this.call(SETTINGS, "ClientSettings/set", { ifInState: String(state), create, destroy: w.gone });
		if (notCreated) throw new Error(JSON.stringify(notCreated));
	}

	async write(draft: Draft): Promise<Bytes> {
		const value = await this.pgp.autocryptValue({ address: this.address, mutual: true });
		const [out] = await this.pgp.write({ draft: { ...draft, extra: [{ name: "Autocrypt", value }] }, protection: "encrypted", bcc: [], at: now() });
		if (!out) throw new Error("no message was made");
		return out.message;
	}

	async put(message: Bytes, role: "inbox" | "sent", receivedAt: Date, seen: boolean): Promise<void> {
		const { blobId } = await this.https.send("POST", `/jmap/upload/${this.accountId}`, message, "message/rfc822");
		const email = { blobId: String(blobId), mailboxIds: { [this.mailboxes.get(role) ?? ""]: true }, keywords: (seen ? { $seen: true } : {}) as Json, receivedAt: `${receivedAt.toISOString().slice(0, 19)}Z` };
		const { notCreated } = await this.call(MAIL, "Email/import", { emails: { m: email } });
		if (notCreated) throw new Error(JSON.stringify(notCreated));
	}
}
