// Which letters are being written. The editor itself is loaded only when one is opened.
import { signal } from "@preact/signals";
import type { FullEmail, Id } from "../../jmap/types.ts";

export type ComposeStart =
	| { mode: "new" }
	| { mode: "reply" | "replyAll" | "forward"; email: FullEmail }
	| { mode: "draft"; email: FullEmail }
	| { mode: "mailto"; href: string }
	| { mode: "again"; key: string }
	/** One that is on this device only. */
	| { mode: "here"; key: string };

export interface Open { key: string; start: ComposeStart; draftId: Id | null }

export const writing = signal<Open | null>(null);
/** Asked before another letter takes the place of the one that is open. */
let leave: () => Promise<void> = () => Promise.resolve();
let serial = 0;

/** One letter; it has several submissions when blind copies of it are encrypted each for itself. ownCopy: its message in
 * Sent goes to nobody; letterOf: the Message-ID by which letters under a password go with it. */
export interface Pending { ids: Id[]; emailId: Id; sendAt: string; ownCopy?: boolean; letterOf?: string }

/** Submissions that this page has taken back itself. */
export const cancelled = new Set<Id>();

/** Letters that wait on the server for their time; null: not asked yet. */
export const pending = signal<readonly Pending[] | null>(null);

const place = "letterlock.writing";

/** Marks the name of a letter that is on this device only. */
export const herePrefix = "here/";

/** The draft that is being written in this tab, for when the tab breaks. */
export function noteWriting(id: string | null): void {
	if (id)
		sessionStorage.setItem(place, id);
	else
		sessionStorage.removeItem(place);
}

export const notedWriting = (): string | null => sessionStorage.getItem(place);

export function onLeave(finish: () => Promise<void>): void {
	leave = finish;
}

/** What is being written is kept as a draft. */
export async function finishWriting(): Promise<void> {
	if (writing.peek())
		await leave();
}

export function compose(start: ComposeStart = { mode: "new" }): void {
	void finishWriting().then(() => {
		writing.value = { key: `w${++serial}`, start, draftId: start.mode === "draft" ? start.email.id : null };
	});
}

export function closeCompose(): void {
	writing.value = null;
	leave = () => Promise.resolve();
}
