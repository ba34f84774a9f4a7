// Reads the letters of a mailbox for an export: small ones many at a time, some ahead of what is being written.
import type { Id } from "../../jmap/types.ts";
import { type Bytes, bytesOf, bytesOfBase64 } from "./bytes.ts";
import type { Exported } from "./mail_write.ts";
import { Refused, type Wire } from "./wire.ts";

/** Why a letter is not in the export: somebody has deleted it meanwhile, or the server cannot open it any more. */
export type Loss = "gone" | "damaged";
export interface Read { email: Exported; raw: Bytes }

interface Got<T> { list: T[]; notFound: Id[]; "urn:letterlock:damaged"?: Id[] }
interface Data { id: Id; "data:asText"?: string | null; "data:asBase64"?: string }

const properties = ["id", "blobId", "keywords", "receivedAt", "from", "subject", "size"];
const page = 500;
/** Letters up to this size travel together. */
const small = 128 << 10;
const together = { messages: 100, bytes: 1 << 20 };
/** What is fetched ahead. */
const ahead = { groups: 3, bytes: 24 << 20 };

/** All of a mailbox, the oldest first. */
export async function idsOf(wire: Wire, inMailbox: Id): Promise<Id[]> {
	const out: Id[] = [];
	const seen = new Set<Id>();
	for (;;) {
		const ids = await following(wire, inMailbox, out);
		if (ids.length === 0)
			return out;
		for (const id of ids)
			if (!seen.has(id)) {
				seen.add(id);
				out.push(id);
			}
	}
}

/** What stands behind the last that is still there: positions move when somebody deletes letters meanwhile. */
async function following(wire: Wire, inMailbox: Id, known: readonly Id[]): Promise<Id[]> {
	const query = async (from: Record<string, unknown>) => (await wire.call<{ ids: Id[] }>("Email/query", {
		filter: { inMailbox }, sort: [{ property: "receivedAt", isAscending: true }], limit: 50_000, ...from,
	})).ids;
	for (let n = known.length, back = 1; n > 0; n -= back, back *= 2)
		try {
			return await query({ anchor: known[n - 1], anchorOffset: 1 });
		} catch (e) {
			if (!(e instanceof Refused && e.type === "anchorNotFound"))
				throw e;
		}
	return query({ position: 0 });
}

/** Those of the ids that can be had, in their order; of the others, why not. */
export async function* readLetters(wire: Wire, ids: readonly Id[], lost: (email: Exported | null, why: Loss) => void): AsyncGenerator<Read> {
	const queue: Array<{ emails: Exported[]; raw: Promise<Array<Bytes | Loss>> }> = [];
	let bytes = 0;
	const next = async function* (): AsyncGenerator<Read> {
		const { emails, raw } = queue.shift() as (typeof queue)[number];
		const got = await raw;
		bytes -= sizeOf(emails);
		for (const [i, email] of emails.entries()) {
			const one = got[i] ?? "gone";
			if (typeof one === "string")
				lost(email, one);
			else
				yield { email, raw: one };
		}
	};
	for await (const emails of groups(rows(wire, ids, (why) => lost(null, why)))) {
		const raw = fetchGroup(wire, emails);
		raw.catch(() => undefined);
		queue.push({ emails, raw });
		bytes += sizeOf(emails);
		while (queue.length > ahead.groups || (bytes > ahead.bytes && queue.length > 1))
			yield* next();
	}
	while (queue.length)
		yield* next();
}

async function* rows(wire: Wire, ids: readonly Id[], lost: (why: Loss) => void): AsyncGenerator<Exported> {
	const most = Math.min(page, wire.limit("maxObjectsInGet", page));
	for (let i = 0; i < ids.length; i += most) {
		const part = ids.slice(i, i + most);
		const got = await wire.call<Got<Exported>>("Email/get", { ids: part, properties });
		const damaged = new Set(got["urn:letterlock:damaged"]);
		for (const id of got.notFound)
			lost(damaged.has(id) ? "damaged" : "gone");
		const byId = new Map(got.list.map((e) => [e.id, e]));
		for (const id of part) {
			const email = byId.get(id);
			if (email)
				yield email;
		}
	}
}

const sizeOf = (emails: readonly Exported[]): number => emails.reduce((n, e) => n + e.size, 0);

/** One large letter, or some small ones. */
async function* groups(emails: AsyncGenerator<Exported>): AsyncGenerator<Exported[]> {
	let group: Exported[] = [];
	for await (const e of emails) {
		if (group.length && (e.size > small || group.length >= together.messages || sizeOf(group) + e.size > together.bytes)) {
			yield group;
			group = [];
		}
		group.push(e);
		if (e.size > small) {
			yield group;
			group = [];
		}
	}
	if (group.length)
		yield group;
}

async function fetchGroup(wire: Wire, emails: readonly Exported[]): Promise<Array<Bytes | Loss>> {
	const [first] = emails;
	if (!wire.hasBlobs || (first && first.size > small))
		return Promise.all(emails.map((e) => fetchOne(wire, e)));
	const got = await wire.call<Got<Data>>("Blob/get", { ids: emails.map((e) => e.blobId), properties: ["data"] });
	const damaged = new Set(got["urn:letterlock:damaged"]);
	const byId = new Map(got.list.map((b) => [b.id, b]));
	return emails.map((e) => {
		const data = byId.get(e.blobId);
		return data ? dataOf(data) : damaged.has(e.blobId) ? "damaged" : "gone";
	});
}

const dataOf = (d: Data): Bytes => (typeof d["data:asText"] === "string" ? bytesOf(d["data:asText"]) : bytesOfBase64(d["data:asBase64"] ?? ""));

async function fetchOne(wire: Wire, email: Exported): Promise<Bytes | Loss> {
	try {
		return await wire.download(email.blobId);
	} catch (e) {
		if (!(e instanceof Refused))
			throw e;
		return e.type === "urn:letterlock:damaged" ? "damaged" : "gone";
	}
}
