// What a reader should know of a message before trusting it: said rarely, in plain words, with the reason.
import type { Key, Args } from "../../i18n/index.ts";
import { dmarcResult } from "../../jmap/auth_results.ts";
import type { BodyPart, FullEmail } from "../../jmap/types.ts";

interface Warning { key: Key; args?: Args }

const programs = new RegExp(`\\.(?:${[
	"exe scr com pif bat cmd ps1 psc1 vbs vbe js jse mjs ws wsf wsh wsc sct hta inf scf msi msp msc msix jar jnlp lnk url website library-ms search-ms",
	"settingcontent-ms rdp iso img vhd vhdx dmg cpl reg dll ocx sys gadget application appx appxbundle appref-ms chm hlp one xll",
	"docm dotm xlsm xltm xlam pptm potm ppam ppsm apk deb rpm run sh command desktop",
].join(" ").replace(/ /g, "|")})$`, "i");
const pages = /\.(?:x?html?|shtml?|mht|mhtml|svgz?)$/i;
const pageTypes = /^(?:text\/html|application\/xhtml\+xml|image\/svg\+xml)\b/i;
/** Signs that turn the letters after them around. Marks of direction, which turn nothing, are not among them. */
const turning = /[\u202a-\u202e\u2066-\u2069]/;

/** A name whose end is where it is seen to be. */
export function unturned(name: string): string {
	return name.replace(new RegExp(turning, "g"), "");
}

/** A name as it is written, without what is not seen, and without the end that Windows ignores. */
function bareName(name: string | null): string {
	return (name ?? "").replace(/\p{Cf}/gu, "").replace(/[\s.]+$/, "");
}

export function isDangerous(part: Pick<BodyPart, "name" | "type">): boolean {
	return programs.test(bareName(part.name)) || /x-msdownload|x-msdos-program/.test(part.type);
}

/** A page that is opened from a disk may do what one in a message may not. Pictures of a letter's own are meant to be seen in it. */
function isPage(part: Pick<BodyPart, "name" | "type" | "cid">): boolean {
	return pages.test(bareName(part.name)) || (pageTypes.test(part.type) && !part.cid);
}

/** Letters of other scripts that look like Latin ones, as Latin ones. */
export function skeleton(text: string): string {
	const alike: Record<string, string> = {
		"м": "m", "к": "k", "т": "t", "в": "b", "н": "h", "ԛ": "q", "ԝ": "w", "һ": "h", "ѵ": "v", "Η": "h", "Ν": "n", "Υ": "y", "β": "b", "κ": "k", "μ": "m",
		"ρ": "p", "τ": "t", "υ": "u", "χ": "x", "ι": "l", "ζ": "z", "ε": "e", "i": "l",
		"а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "l", "ѕ": "s", "ј": "j", "ԁ": "d", "ɡ": "g", "ո": "n", "ο": "o", "α": "a",
		"ν": "v", "ı": "l", "0": "o", "1": "l", "5": "s", "|": "l",
	};
	return [...text.normalize("NFKD").replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")].map((c) => alike[c] ?? alike[c.toLowerCase()] ?? c.toLowerCase()).join("").replace(/rn/g, "m").replace(/vv/g, "w");
}

/** Does the name show an address that is not the sender's? */
export function showsOtherAddress(from: { name: string | null; email: string } | undefined): boolean {
	const name = (from?.name ?? "").normalize("NFKC").replace(/\p{Cf}/gu, "").toLowerCase();
	return (name.match(/[^\s<>()[\]"',;:]+@[^\s<>()[\]"',;:@]+\.[^\s<>()[\]"',;:@.]+/g) ?? []).some((a) => a !== from?.email.toLowerCase());
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

	if (dmarcResult(email["header:Authentication-Results:asText:all"]) === "fail")
		out.push({ key: "warnAuthentication", args: { domain: from?.email.split("@")[1] ?? "" } });
	if (alike)
		out.push({ key: "warnImitation", args: { address: from?.email ?? "", known: alike } });
	if (showsOtherAddress(from))
		out.push({ key: "warnNameIsAddress", args: { address: from?.email ?? "" } });
	if (turning.test([from?.name, email.subject, ...email.attachments.map((a) => a.name)].join(" ")))
		out.push({ key: "warnTurned" });
	const program = email.attachments.find(isDangerous);
	const page = email.attachments.find(isPage);
	if (program)
		out.push({ key: "warnAttachment", args: { name: bareName(program.name) || program.type } });
	if (page)
		out.push({ key: "warnPage", args: { name: bareName(page.name) || page.type } });
	return out;
}
