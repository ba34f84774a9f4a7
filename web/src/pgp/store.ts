// What is known of other people's keys: every key that was seen for an address, from where and when,
// and the pins. Plain data, without I/O; its owner's client keeps it sealed.
//
// A pin is the key that messages to an address were first encrypted to, or that a person has
// verified. Nothing that arrives by itself replaces it (R3, R10): another key makes "changed".
import type { Bytes } from "./openpgp";

/** In the order of preference. */
export const sources = ["manual", "directory", "wkd", "dane", "autocrypt", "attached", "keyserver"] as const;
export type Source = (typeof sources)[number];

export interface Candidate {
	fingerprint: string;
	key: Bytes;
	source: Source;
	firstSeen: number; // seconds since 1970
	lastSeen: number;
	mutual: boolean; // its owner would like to get encrypted mail (Autocrypt)
}

export interface Pin {
	fingerprint: string;
	verified: boolean; // by a person, out of band
	since: number;
}

export interface Contact {
	candidates: Candidate[];
	pin?: Pin | undefined;
}

const CANDIDATES_MAX = 10; // of one address

/** Contacts by address in lower case. */
export class KeyStore {
	private readonly contacts: Map<string, Contact>;

	constructor(contacts: Iterable<[string, Contact]> = []) {
		this.contacts = new Map(contacts);
	}

	entries(): [string, Contact][] {
		return [...this.contacts];
	}

	contact(address: string): Contact {
		return this.contacts.get(address.toLowerCase()) ?? { candidates: [] };
	}

	/** A key was seen. One that is known gets a better source, never a worse one. */
	seen(address: string, c: Omit<Candidate, "firstSeen" | "lastSeen">, at: number): void {
		const contact = this.contact(address);
		const old = contact.candidates.find((o) => o.fingerprint === c.fingerprint);
		const merged: Candidate = old
			? { ...c, source: better(old.source, c.source), firstSeen: Math.min(old.firstSeen, at), lastSeen: Math.max(old.lastSeen, at) }
			: { ...c, firstSeen: at, lastSeen: at };
		// An older message says nothing about what its sender wants now.
		if (old && at < old.lastSeen) merged.mutual = old.mutual;
		const rest = contact.candidates.filter((o) => o !== old);
		this.contacts.set(address.toLowerCase(), { ...contact, candidates: this.trim([...rest, merged], contact.pin) });
	}

	/** The key in use from now on. A verified pin is replaced only by another verified one. */
	pin(address: string, fingerprint: string, verified: boolean, at: number): boolean {
		const contact = this.contact(address);
		const { pin } = contact;
		if (!contact.candidates.some((c) => c.fingerprint === fingerprint)) return false;
		if (pin && pin.fingerprint !== fingerprint && !verified) return false;
		const kept = pin?.fingerprint === fingerprint ? pin : undefined;
		const made = { fingerprint, verified: verified || (kept?.verified ?? false), since: kept?.since ?? at };
		this.contacts.set(address.toLowerCase(), { ...contact, pin: made });
		return true;
	}

	unpin(address: string): void {
		const { candidates } = this.contact(address);
		this.contacts.set(address.toLowerCase(), { candidates });
	}

	forget(address: string, fingerprint: string): void {
		const { candidates, pin } = this.contact(address);
		const left = candidates.filter((c) => c.fingerprint !== fingerprint);
		const keep = pin?.fingerprint === fingerprint ? undefined : pin;
		this.contacts.set(address.toLowerCase(), { candidates: left, pin: keep });
	}

	/** As it was kept, or as another client has it. */
	restore(address: string, contact: Contact): void {
		this.contacts.set(address.toLowerCase(), contact);
	}

	/** In the order in which they are to be used: the pinned one, then by source, then the newest. */
	ordered(address: string): Candidate[] {
		const { candidates, pin } = this.contact(address);
		const rank = (c: Candidate) => (c.fingerprint === pin?.fingerprint ? -1 : sources.indexOf(c.source));
		return [...candidates].sort((a, b) => rank(a) - rank(b) || b.lastSeen - a.lastSeen);
	}

	/** Too many for one address: those that were not seen for longest go, the pinned one never. */
	private trim(candidates: Candidate[], pin: Pin | undefined): Candidate[] {
		if (candidates.length <= CANDIDATES_MAX) return candidates;
		const order = [...candidates].sort((a, b) => a.lastSeen - b.lastSeen);
		const gone = order.find((c) => c.fingerprint !== pin?.fingerprint);
		return candidates.filter((c) => c !== gone);
	}
}

function better(a: Source, b: Source): Source {
	return sources.indexOf(a) <= sources.indexOf(b) ? a : b;
}
