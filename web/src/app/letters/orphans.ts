// Which letters wait for a time at which nobody will be told of them: the mail with their link was taken back by another
// program. Nothing but recipient and time names that mail, so in doubt a letter stays; its author can withdraw it.
import type { Submission } from "../mail/pending.ts";
import type { LetterInfo } from "./waiting.ts";

/** The server's clock and that of who wrote it differ by no more. */
export const drift = 30 * 60;
/** A letter is here before its mail is handed in. */
const settled = 5 * 60;

const lower = (l: LetterInfo) => l.to.toLowerCase();

/** at: now; seconds since 1970. */
export function orphansOf(letters: readonly LetterInfo[], recent: readonly Submission[], known: ReadonlySet<string>, at: number): LetterInfo[] {
	const waiting = letters.filter((l) => l.state === "open" && l.sendAt > at);
	return waiting.filter((l) => {
		const off = (s: Submission) => Math.abs(Date.parse(s.sendAt) / 1000 - l.sendAt);
		const mails = recent.filter((s) => s.envelope?.rcptTo.some((a) => a.email.toLowerCase() === lower(l)) && off(s) < drift).sort((a, b) => off(a) - off(b));
		if (mails[0]?.undoStatus !== "canceled")
			return false;
		const beside = waiting.filter((o) => lower(o) === lower(l) && Math.abs(o.sendAt - l.sendAt) < drift).length;
		return known.has(l.messageId) || (at - l.created > settled && mails.filter((s) => s.undoStatus !== "canceled").length < beside);
	});
}
