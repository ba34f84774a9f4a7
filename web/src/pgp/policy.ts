// What will happen for each recipient of a message that is being written, and why. The lock in the
// composer shows exactly this, and sending does exactly this.
import type { Source } from "./store";

export type Wish = "auto" | "encrypt" | "plain";

/** What is known of a recipient's key. */
export interface Recipient {
	address: string;
	/** The best usable key; undefined: none. */
	source: Source | undefined;
	pinned: boolean;
	verified: boolean;
	mutual: boolean; // by the newest Autocrypt header
	/** The pinned key is not the one that the sources have now. */
	changed: boolean;
	/** There is a key, but it has expired, is revoked or cannot encrypt. */
	unusable: boolean;
}

export type Action = "encrypt" | "plain" | "ask";
export type Because =
	| "verifiedKey"
	| "pinnedKey"
	| "publishedKey" // own directory, WKD, DANE
	| "seenKey" // Autocrypt, attached, key server
	| "noKey"
	| "unusableKey"
	| "changedKey"
	| "othersWithoutKey" // this one could get it encrypted, but not everybody can
	| "notWanted"; // plain was chosen

export interface Fate {
	address: string;
	action: Action;
	because: Because;
}

export interface Plan {
	/** ask: nothing is sent before a person has decided. */
	action: Action;
	/** The thread was encrypted, and this message would not be. */
	downgrade: boolean;
	recipients: Fate[];
}

/** Sources that may be used without asking: the owner of the address has put the key there. */
const published: readonly Source[] = ["manual", "directory", "wkd", "dane"];

function ability(r: Recipient): { can: boolean; because: Because } {
	if (r.changed) return { can: false, because: "changedKey" };
	if (r.source === undefined) return { can: false, because: r.unusable ? "unusableKey" : "noKey" };
	if (r.verified) return { can: true, because: "verifiedKey" };
	if (r.pinned) return { can: true, because: "pinnedKey" };
	return { can: true, because: published.includes(r.source) ? "publishedKey" : "seenKey" };
}

/** Whether encryption happens without being asked for: keys that were published are there for it; a
 * key that was only seen is used when its owner said so, or in a thread that is encrypted. */
function byItself(r: Recipient, because: Because, inThread: boolean): boolean {
	return because !== "seenKey" || inThread || r.mutual;
}

function fate(r: Recipient, action: Action, because: Because): Fate {
	return { address: r.address, action, because };
}

/** threadEncrypted: the message answers or forwards one that was encrypted. plainConfirmed: the
 * person has said for this message that it may go unencrypted all the same. */
export function plan(
	recipients: Recipient[],
	wish: Wish,
	threadEncrypted: boolean,
	plainConfirmed = false,
): Plan {
	const able = recipients.map((r) => ({ r, ...ability(r) }));
	const all = able.length > 0 && able.every((a) => a.can);
	const changed = able.some((a) => a.because === "changedKey");
	if (wish === "plain") {
		const action = threadEncrypted && !plainConfirmed ? "ask" : "plain";
		return { action, downgrade: threadEncrypted, recipients: able.map((a) => fate(a.r, action, "notWanted")) };
	}
	const wanted = wish === "encrypt" || threadEncrypted || changed;
	if (all && (wanted || able.every((a) => byItself(a.r, a.because, threadEncrypted))))
		return { action: "encrypt", downgrade: false, recipients: able.map((a) => fate(a.r, "encrypt", a.because)) };
	const action: Action = wanted && !plainConfirmed ? "ask" : "plain";
	const why = (a: (typeof able)[number]): Because => (a.can && !all ? "othersWithoutKey" : a.because);
	return { action, downgrade: threadEncrypted, recipients: able.map((a) => fate(a.r, a.can && action === "ask" ? "encrypt" : action, why(a))) };
}
