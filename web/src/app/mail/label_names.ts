// Which keywords of a message are labels, and what they are called.

/** Keywords that are labels of people's, not flags of programs. */
export function labelsOf(keywords: Record<string, boolean>): string[] {
	return Object.keys(keywords).filter((k) => !k.startsWith("$") && !k.startsWith("\\")
		&& !["nonjunk", "junk", "forwarded", "notjunk"].includes(k)).sort();
}

/** What a keyword cannot hold is written in it as bytes: =c3=bc. */
export function labelName(label: string): string {
	let name = label;
	try {
		name = decodeURIComponent(label.replace(/=(?=[0-9a-f]{2})/g, "%"));
	} catch {
		// Of another program, which means something else by it.
	}
	return (name.charAt(0).toLocaleUpperCase() + name.slice(1)).replace(/_/g, " ");
}
