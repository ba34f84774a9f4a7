// Which letters are being written. The editor itself is loaded only when one is opened.
import { signal } from "@preact/signals";
import type { FullEmail, Id } from "../../jmap/types.ts";

export type ComposeStart =
	| { mode: "new" }
	| { mode: "reply" | "replyAll" | "forward"; email: FullEmail }
	| { mode: "draft"; email: FullEmail }
	| { mode: "mailto"; href: string }
	| { mode: "again" }
	/** One that is on this device only. */
	| { mode: "here"; key: string };

export interface Open { key: string; start: ComposeStart; draftId: Id | null }

export const writing = signal<Open | null>(null);
/** Of the letter that is open: saves and ends it, saves it and lets it be opened again, and would lose something with the page. */
interface Keeping { finish(): Promise<void>; save(): Promise<void>; lost(): boolean }
let keeping: Keeping | null = null;
addEventListener("beforeunload", (e) => keeping?.lost() && e.preventDefault());
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

export function onLeave(how: Keeping): void {
	keeping = how;
}

/** What is being written is kept as a draft. */
export async function finishWriting(): Promise<void> {
	if (writing.peek())
		await keeping?.finish();
}

/** The same, and the page that comes next opens it again. */
export async function keepWriting(): Promise<void> {
	if (writing.peek())
		await keeping?.save();
}

export function compose(start: ComposeStart = { mode: "new" }): void {
	void finishWriting().then(() => {
		writing.value = { key: `w${++serial}`, start, draftId: start.mode === "draft" ? start.email.id : null };
	});
}

export function closeCompose(): void {
	writing.value = null;
	keeping = null;
}
