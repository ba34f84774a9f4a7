// Labels are keywords of the messages, which other programs see too, so what keywords cannot hold is written in bytes.

const longest = 255;

function inBytes(character: string): string {
	if (/^[!-~]$/.test(character) && !'(){]%*"\\=$'.includes(character))
		return character;
	return [...new TextEncoder().encode(character)].map((b) => `=${b.toString(16).padStart(2, "0")}`).join("");
}

/** RFC 8621, section 4.1.1: some of printable ASCII, and not too much of it. Whole characters only. */
export function keywordOf(name: string): string {
	let keyword = "";
	for (const character of name.trim().toLocaleLowerCase().replace(/\s+/g, "_")) {
		const next = keyword + inBytes(character);
		if (next.length > longest)
			break;
		keyword = next;
	}
	return keyword;
}
