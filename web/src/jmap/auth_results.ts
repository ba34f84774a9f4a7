// What our own server found out about where a message came from (RFC 8601).

/**
 * The result of DMARC in the first field, which is our server's; whatever a sender wrote stands below it. Only the result
 * itself counts: an address may contain "dmarc=pass", too, and stands in the field as it was given.
 */
export function dmarcResult(fields: readonly string[] | null | undefined): string {
	return resultOf("dmarc", fields);
}

/**
 * Is it known that the author's domain, or here the author, has sent it? Who sends a letter from this server has signed in
 * (`auth=pass`), and the server lets nobody write under another's name.
 */
export function isAuthentic(fields: readonly string[] | null | undefined): boolean {
	return resultOf("dmarc", fields) === "pass" || resultOf("auth", fields) === "pass";
}

function resultOf(method: string, fields: readonly string[] | null | undefined): string {
	const bare = withoutComments((fields?.[0] ?? "").replace(/"(?:[^"\\]|\\.)*(?:"|$)/g, "x"));
	for (const one of bare.split(";").slice(1)) {
		const [, name, result] = /^\s*([a-z-]+)(?:\s*\/\s*\d+)?\s*=\s*([a-z]+)(?=\s|$)/i.exec(one) ?? [];
		if (result && name?.toLowerCase() === method)
			return result.toLowerCase();
	}
	return "none";
}

/** Comments may stand in comments. */
function withoutComments(text: string): string {
	let out = "";
	let depth = 0;
	for (const c of text) {
		if (c === "(")
			depth++;
		else if (c === ")")
			depth = Math.max(0, depth - 1);
		else if (depth === 0)
			out += c;
	}
	return out;
}
