// Where the parts that are loaded later (this folder) put what the mail view shows of them.
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";

/** Above the list while the server cannot be reached. */
export const strip = signal<ComponentType | null>(null);
/** Letters on this device that the server does not have yet. */
export const unsent = signal(0);

const mark = "letterlock.kept";

/** Noted in clear, so that a page where nothing is kept need not load what could take it away. */
export const keepsHere = (): boolean => localStorage.getItem(mark) !== null;

export function noteKept(on: boolean): void {
	if (on)
		localStorage.setItem(mark, "1");
	else
		localStorage.removeItem(mark);
}
