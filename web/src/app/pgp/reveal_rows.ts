// Gives encrypted letters in a list their real subjects: those opened before from the sealed index, the others by
// opening them, a few at a time. Nothing happens while the keys are locked.
import { isHiddenSubject } from "../mail/protection.tsx";
import { mail } from "../mail/state.ts";
import type { Id } from "../../jmap/types.ts";
import { knownRows } from "./index_store.ts";
import { reveal } from "./opening.ts";
import { KeysLocked } from "./worker.ts";

const atOnce = 25;
const tried = new Set<Id>();
let running: Promise<void> = Promise.resolve();

async function fromIndex(): Promise<void> {
	const store = mail();
	for (const { id, subject, preview } of await knownRows()) {
		if (!store.revealed.has(id))
			store.revealed.set(id, { subject, preview });
		const row = store.emails.peek(id);
		if (row && isHiddenSubject(row.subject))
			store.emails.put([row]);
	}
}

async function openRows(ids: readonly Id[]): Promise<void> {
	const store = mail();
	const wanted = ids.filter((id) => !tried.has(id) && isHiddenSubject(store.emails.peek(id)?.subject)).slice(0, atOnce);
	await store.read(wanted);
	for (const id of wanted) {
		const email = store.full.peek(id);
		if (email && !email.pgp)
			await reveal(email).catch((e: unknown) => {
				if (e instanceof KeysLocked)
					throw e;
			});
		tried.add(id);
	}
}

export function revealRows(ids: readonly Id[]): void {
	running = running.then(fromIndex).then(() => openRows(ids)).catch(() => undefined);
}
