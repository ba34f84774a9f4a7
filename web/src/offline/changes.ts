// Changes that were made without the server: noted in the order in which they were made, and made there in the same
// order once it can be reached. What has gone on the server meanwhile stays gone; a letter is never brought back.
import type { FullEmail, Id, Mailbox, SetResult } from "../jmap/types.ts";
import type { Around, Ask } from "./keeper.ts";
import type { Noted } from "./local.ts";
import type { Vault } from "./vault.ts";

async function nextName(vault: Vault): Promise<string> {
	const last = (await vault.names("change")).at(-1);
	const n = last ? Number(last.split("-", 1)[0]) + 1 : 1;
	return `${String(n).padStart(10, "0")}-${crypto.randomUUID().slice(0, 8)}`;
}

let writing: Promise<unknown> = Promise.resolve();

/** Puts a change away with the letters as they are after it. */
export function note(vault: Vault, noted: Noted, now: ReadonlyMap<Id, FullEmail | undefined>, boxes: readonly Mailbox[]): Promise<void> {
	const work = async () => {
		if (!noted.update && !noted.destroy)
			return;
		await vault.put("change", [[await nextName(vault), noted]]);
		await vault.put("mail", [...now].filter(([, e]) => e).map(([id, e]) => [id, e] as const));
		await vault.drop("mail", [...now].filter(([, e]) => !e).map(([id]) => id));
		const around = await vault.get<Around>("state", "mail");
		if (around)
			await vault.put("state", [["mail", { ...around, mailboxes: boxes }]]);
	};
	const done = writing.then(work, work);
	writing = done.catch(() => undefined);
	return done;
}

interface Replayed { made: number; gone: number; refused: number }

/** Makes them on the server. Rejects when it cannot be reached; what has been made by then is not made again. */
export async function replay(vault: Vault, ask: Ask): Promise<Replayed> {
	const told: Replayed = { made: 0, gone: 0, refused: 0 };
	for (const [name, noted] of await vault.all<Noted>("change")) {
		const result = await once(ask, noted);
		const wrong = Object.values({ ...result?.notUpdated, ...result?.notDestroyed });
		const all = Object.keys(noted.update ?? {}).length + (noted.destroy?.length ?? 0);
		// What was to be deleted and is gone is as it should be.
		const gone = Object.values(result?.notUpdated ?? {}).filter((e) => e.type === "notFound").length;
		const fine = Object.values(result?.notDestroyed ?? {}).filter((e) => e.type === "notFound").length;
		told.gone += gone;
		told.refused += result ? wrong.length - gone - fine : all;
		told.made += result ? all - wrong.length + fine : 0;
		await vault.drop("change", [name]);
	}
	return told;
}

/** null: the server refuses all of it. */
async function once(ask: Ask, noted: Noted): Promise<SetResult | null> {
	try {
		return await ask<SetResult>("Email/set", { ...noted });
	} catch (e) {
		if ((e as { type?: string; status?: number }).type === "offline" || ((e as { status?: number }).status ?? 0) > 0)
			throw e;
		return null;
	}
}
