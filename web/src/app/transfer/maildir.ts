// Names in a Maildir: which folder a file lies in, what its flags say, when it came. Maildir++ names
// folders ".Work.Plans"; others nest them. https://cr.yp.to/proto/maildir.html

export interface MaildirPlace {
	/** Levels of the mailbox's name; none: the inbox of this Maildir. */
	folder: string[];
	keywords: string[];
	/** The letters a to z: keywords of the file dovecot-keywords. */
	more: string[];
	deleted: boolean;
	receivedAt: number | null;
}

const flags: Record<string, string> = { S: "$seen", F: "$flagged", R: "$answered", D: "$draft", P: "$forwarded" };
const oldest = 31_536_000;

/** Of a path like "Mail/.Work.Plans/cur/1700000000.M1P2.host:2,FS"; null: not a message of a Maildir. */
export function maildirPlace(path: string): MaildirPlace | null {
	const parts = path.split("/").filter((p) => p !== "" && p !== ".");
	const name = parts.pop() ?? "";
	const kind = parts.pop();
	if ((kind !== "cur" && kind !== "new") || name.startsWith("."))
		return null;
	const info = /[:;!]2,([A-Za-z]*)(?:,.*)?$/.exec(name)?.[1] ?? "";
	const seconds = Number(/^(\d{8,10})\D/.exec(name)?.[1] ?? 0);
	const keywords = kind === "new" ? [] : [...info].flatMap((c) => flags[c] ?? []);
	return {
		folder: parts.flatMap(levels),
		keywords,
		more: [...info].filter((c) => c >= "a" && c <= "z"),
		deleted: info.includes("T"),
		receivedAt: seconds > oldest && seconds * 1000 < Date.now() + 86_400_000 ? seconds * 1000 : null,
	};
}

/** ".Work.Plans" is Work, and Plans in it; names are in modified UTF-7 there (RFC 3501 section 5.1.3). */
function levels(part: string): string[] {
	return part.startsWith(".") && part.length > 1 ? part.slice(1).split(".").filter(Boolean).map(fromUtf7) : [part];
}

export function fromUtf7(text: string): string {
	return text.replace(/&([A-Za-z0-9+,]*)-/g, (whole, code: string) => {
		if (code === "")
			return "&";
		try {
			const bytes = Uint8Array.from(atob(code.replace(/,/g, "/")), (c) => c.charCodeAt(0));
			return new TextDecoder("utf-16be", { fatal: true }).decode(bytes);
		} catch {
			return whole;
		}
	});
}

/** The file "dovecot-keywords": lines "0 work". */
export function dovecotKeywords(text: string): Map<string, string> {
	const out = new Map<string, string>();
	for (const m of text.slice(0, 65_536).matchAll(/^(\d{1,2}) (\S{1,64})\r?$/gm))
		if (Number(m[1]) < 26)
			out.set(String.fromCharCode(97 + Number(m[1])), (m[2] ?? "").toLowerCase());
	return out;
}
