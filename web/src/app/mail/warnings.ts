// What a reader should know of a message before trusting it: said rarely, in plain words, with the reason.
import type { Key, Args } from "../../i18n/index.ts";
import type { BodyPart, FullEmail } from "../../jmap/types.ts";

export interface Warning { key: Key; args?: Args }

const dangerous = /\.(exe|scr|com|pif|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|msi|msp|jar|lnk|iso|img|vhd|cpl|reg|dll|docm|xlsm|pptm|appx|url|chm)$/i;

export function isDangerous(part: Pick<BodyPart, "name" | "type">): boolean {
	return dangerous.test(part.name ?? "") || /x-msdownload|x-msdos-program/.test(part.type);
}

/** The first results header is our own server's; what a sender wrote into the message stands below it. */
export function authenticationFailed(header: string | null | undefined): boolean {
	return /\bdmarc\s*=\s*fail\b/i.test(header ?? "");
}

/** Letters of other scripts that look like Latin ones, as Latin ones. */
export function skeleton(text: string): string {
	const alike: Record<string, string> = {
		"а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "i", "ѕ": "s", "ј": "j", "ԁ": "d", "ɡ": "g", "ո": "n", "ο": "o", "α": "a",
		"ν": "v", "ı": "i", "0": "o", "1": "l", "5": "s", "|": "l",
	};
	return [...text.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "")].map((c) => alike[c] ?? c).join("").replace(/rn/g, "m").replace(/vv/g, "w");
}

/** Somebody unknown whose name or address looks like that of somebody known. */
export function imitates(from: { name: string | null; email: string } | undefined, known: ReadonlyMap<string, string>): string | null {
	if (!from || known.has(from.email.toLowerCase()))
		return null;
	const name = skeleton(from.name ?? "");
	const address = skeleton(from.email);
	for (const [email, knownName] of known)
		if (skeleton(email) === address || (name.length > 4 && name.includes(" ") && skeleton(knownName) === name))
			return email;
	return null;
}

export function warningsFor(email: FullEmail, known: ReadonlyMap<string, string>): Warning[] {
	const out: Warning[] = [];
	const from = email.from?.[0];
	const alike = imitates(from, known);

	if (authenticationFailed(email["header:Authentication-Results:asText"]))
		out.push({ key: "warnAuthentication", args: { domain: from?.email.split("@")[1] ?? "" } });
	if (alike)
		out.push({ key: "warnImitation", args: { address: from?.email ?? "", known: alike } });
	if (/\S+@\S+\.\S+/.test(from?.name ?? "") && !from?.name?.toLowerCase().includes(from.email.toLowerCase()))
		out.push({ key: "warnNameIsAddress", args: { address: from?.email ?? "" } });
	if (email.attachments.some(isDangerous))
		out.push({ key: "warnAttachment", args: { name: email.attachments.find(isDangerous)?.name ?? "" } });
	return out;
}
