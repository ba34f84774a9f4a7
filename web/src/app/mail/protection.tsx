// What stands between a letter's head and its text when OpenPGP has a part in it. The rest is loaded then only.
import { useEffect, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import type { FullEmail } from "../../jmap/types.ts";

const armor = /^-----BEGIN PGP (SIGNED )?MESSAGE-----/m;

/** Whether the letter is one for the OpenPGP worker. Some servers make a multipart/mixed of an encrypted one. */
export function isProtected(email: FullEmail): boolean {
	const type = email["header:Content-Type:asText"] ?? "";
	return /^\s*multipart\/(encrypted|signed)\b/i.test(type) ||
		email.textBody.some((p) => armor.test(email.bodyValues[p.partId ?? ""]?.value ?? "")) ||
		(/^\s*multipart\/mixed\b/i.test(type) && email.attachments.some((a) => a.type === "application/pgp-encrypted"));
}

/** Whether there is nothing to be seen before it is opened. */
export function isEncrypted(email: FullEmail): boolean {
	return isProtected(email) && !/^\s*multipart\/signed\b/i.test(email["header:Content-Type:asText"] ?? "") &&
		!email.textBody.some((p) => /^-----BEGIN PGP SIGNED /m.test(email.bodyValues[p.partId ?? ""]?.value ?? ""));
}

/** What stands in place of an encrypted subject (RFC 9788, and the forms of older programs). */
export function isHiddenSubject(subject: string | null | undefined): boolean {
	return /^(\[\.\.\.\]|\.\.\.|…|Encrypted Message)$/i.test(subject?.trim() ?? "");
}

export type Opening = "none" | "waiting" | "locked" | "failed" | "done";

/** Opens the letter where it has to be opened; the store has it then. */
export function useOpened(email: FullEmail): Opening {
	const [state, setState] = useState<Opening>(isProtected(email) && !email.pgp ? "waiting" : "none");
	useEffect(() => {
		let gone = false;
		let stop: (() => void) | undefined;
		if (email.pgp)
			setState("done");
		else if (isProtected(email)) {
			void import("../pgp/opening.ts").then(({ open }) => {
				if (!gone)
					stop = open(email).subscribe(setState);
			});
		} else if (email["header:Autocrypt:asText"])
			void import("../pgp/opening.ts").then(({ learnFrom }) => learnFrom(email)).catch(() => undefined);
		return () => { gone = true; stop?.(); };
	}, [email.id, email.pgp !== undefined]);
	return state;
}

export function Protection({ email }: { email: FullEmail }) {
	const [view, setView] = useState<{ Line: ComponentType<{ email: FullEmail; opening: Opening }> } | null>(null);
	const wanted = isProtected(email) || email.pgp !== undefined;
	const opening = useOpened(email);
	useEffect(() => {
		if (wanted)
			void import("../pgp/verdict_line.tsx").then((m) => setView({ Line: m.VerdictLine }));
	}, [wanted]);
	return view && wanted ? <view.Line email={email} opening={opening} /> : null;
}
