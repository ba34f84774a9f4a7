// The mailboxes that an import fills: those that are there, by role and by name, and those it makes.
import type { Id, Mailbox, SetResult } from "../../jmap/types.ts";
import type { Place } from "./places.ts";
import { Halt, type Wire } from "./wire.ts";

const fallback: Record<string, string> = { inbox: "Inbox", sent: "Sent", drafts: "Drafts", trash: "Trash", junk: "Junk", archive: "Archive" };
const key = (parent: Id | null, name: string) => `${parent ?? ""}/${name.normalize("NFC")}`;
const folded = (exact: string) => exact.toLowerCase();

export class Target {
	private readonly byRole = new Map<string, Id>();
	private readonly byName = new Map<string, Id>();
	private readonly byFolded = new Map<string, Id>();
	/** Mailboxes are made one after the other, so that none is made twice. */
	private last: Promise<unknown> = Promise.resolve();

	/** exact: names that differ by case are different mailboxes, as they were where an export of ours comes from. */
	constructor(private readonly wire: Wire, mailboxes: readonly Mailbox[], private readonly into: Id | null, private readonly exact = false) {
		for (const m of mailboxes)
			this.note(m);
	}

	private note(m: Pick<Mailbox, "id" | "name" | "parentId" | "role">): void {
		if (m.role)
			this.byRole.set(m.role, m.id);
		this.byName.set(key(m.parentId, m.name), m.id);
		this.byFolded.set(folded(key(m.parentId, m.name)), m.id);
	}

	private named(parent: Id | null, name: string, exact: boolean): Id | undefined {
		const k = key(parent, name);
		return this.byName.get(k) ?? (exact ? undefined : this.byFolded.get(folded(k)));
	}

	/** The ids of these places; all in one mailbox where that was chosen. */
	find(places: readonly Place[]): Promise<Id[]> {
		if (this.into)
			return Promise.resolve([this.into]);
		const all = this.last.then(async () => {
			const ids = new Set<Id>();
			for (const p of places)
				ids.add(await this.one(p));
			return [...ids].slice(0, this.wire.mailLimit("maxMailboxesPerEmail", ids.size));
		});
		this.last = all.catch(() => undefined);
		return all;
	}

	private async one(place: Place): Promise<Id> {
		const there = place.role && this.byRole.get(place.role);
		if (there)
			return there;
		if (place.role)
			return this.named(null, fallback[place.role] ?? "", false) ?? await this.make(null, fallback[place.role] ?? place.folder.at(-1) ?? place.role, place.role);
		let parent: Id | null = null;
		for (const name of this.levels(place.folder))
			parent = this.named(parent, name, this.exact) ?? await this.make(parent, name, null);
		return parent ?? await this.one({ role: "inbox", folder: [] });
	}

	/** Names as the server takes them: what is too deep becomes one name, what is too long is cut. */
	private levels(folder: readonly string[]): string[] {
		const depth = this.wire.mailLimit("maxMailboxDepth", 10);
		const longest = this.wire.mailLimit("maxSizeMailboxName", 100);
		const cleaned = folder.map((f) => f.replace(/[\u0000-\u001f\u007f-\u009f]/g, "").replace(/\//g, "-").trim()).filter(Boolean);
		const levels = cleaned.length > depth ? [...cleaned.slice(0, depth - 1), cleaned.slice(depth - 1).join(" - ")] : cleaned;
		return levels.map((l) => cut(l, longest));
	}

	private async make(parentId: Id | null, name: string, role: string | null): Promise<Id> {
		const result = await this.wire.call<SetResult>("Mailbox/set", { create: { m: { name, parentId, ...(role ? { role } : {}) } } });
		const id = result.created?.m?.id;
		if (!id && role)
			return this.make(parentId, name, null);
		if (!id)
			return await this.other(parentId, name, result.notCreated?.m?.type ?? "");
		this.note({ id, name, parentId, role });
		return id;
	}

	/** A name that the server refuses: made meanwhile by somebody else, or not a name for it. */
	private async other(parentId: Id | null, name: string, why: string): Promise<Id> {
		const got = await this.wire.call<{ list: Mailbox[] }>("Mailbox/get", { ids: null });
		got.list.forEach((m) => this.note(m));
		const there = this.named(parentId, name, false);
		if (there)
			return there;
		const plain = name.replace(/[^\p{L}\p{N} _.-]/gu, "_").replace(/^[. ]+|[. ]+$/g, "") || "Imported";
		if (plain === name || why === "overQuota")
			throw new Halt("server", `mailbox ${name}: ${why}`);
		return this.named(parentId, plain, false) ?? await this.make(parentId, plain, null);
	}
}

/** Whole characters, at most so many octets of UTF-8. */
function cut(text: string, octets: number): string {
	const encoder = new TextEncoder();
	let out = "";
	let n = 0;
	for (const c of text) {
		n += encoder.encode(c).length;
		if (n > octets)
			return out.trim();
		out += c;
	}
	return out;
}
