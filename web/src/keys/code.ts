// The text of app passwords and recovery codes: 130 random bits as 26 characters of Crockford's
// base32. Keys are always derived from the normal form, without hyphens.
import { type Bytes, equal, random, utf8, wipe } from "./bytes";
import { KeysError } from "./error";

const CODE_LEN = 26;
const INPUT_MAX = 128;
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const meant: Record<string, string> = { O: "0", I: "1", L: "1" };

export function codeMake(): string {
	const bytes = random(CODE_LEN);
	let text = "";
	for (const b of bytes) text += alphabet[b % 32];
	wipe(bytes);
	return text;
}

/** Normal form of what was typed: either case, I and L as 1, O as 0, hyphens and spaces left out. */
export function codeParse(typed: string): string {
	if (typed.length > INPUT_MAX) throw new KeysError("syntax", "not such a code");
	let text = "";
	for (const c of typed.replace(/[- \t\r\n]/g, "")) {
		const upper = c >= "a" && c <= "z" ? c.toUpperCase() : c;
		const digit = meant[upper] ?? upper;
		if (!alphabet.includes(digit)) throw new KeysError("syntax", "not such a code");
		text += digit;
	}
	if (text.length !== CODE_LEN) throw new KeysError("syntax", "not such a code");
	return text;
}

/** XXXXX-XXXXX-XXXXX-XXXXX-XXXXXX, to be read. */
export function codeGroup(code: string): string {
	return code.replace(/^(.{5})(.{5})(.{5})(.{5})(.{6})$/, "$1-$2-$3-$4-$5");
}

/** Whether what was typed back is this code. */
export function codeMatches(code: string, typed: string): boolean {
	try {
		return equal(utf8(code), utf8(codeParse(typed)));
	} catch {
		return false;
	}
}

export function codeBytes(code: string): Bytes {
	return utf8(code);
}
