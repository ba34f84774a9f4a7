// What a program asks for, as the server has checked it, and the way back to the program.
import { Protocol } from "../../keys/scope";

export interface OAuthRequest {
	name: string;
	kind: "site" | "loopback" | "program";
	target: string;
	/** An error that the program is told about; "" when it may be let in. */
	error: string;
	clientId: string;
	redirectUri: string;
	challenge: string;
	state: string;
	areas: number;
	protocols: number;
}

/** null: nothing in it can be relied on, and nothing may be sent. */
export async function readRequest(query: string): Promise<OAuthRequest | null> {
	const answer = await fetch(`/api/v1/oauth/request${query}`, { cache: "no-store" });
	if (answer.status === 400)
		return null;
	if (!answer.ok)
		throw new Error(`status ${answer.status}`);
	return await answer.json() as OAuthRequest;
}

/** RFC 6749 section 4.1.2, with the issuer (RFC 9207). The URI has no fragment, but may have a query. */
export function backTo(q: OAuthRequest, fields: Record<string, string>, issuer: string): string {
	const params = new URLSearchParams(fields);
	if (q.state)
		params.set("state", q.state);
	params.set("iss", issuer);
	return `${q.redirectUri}${q.redirectUri.includes("?") ? "&" : "?"}${params}`;
}

export const reads = (q: OAuthRequest): boolean => q.areas !== 0;
export const sends = (q: OAuthRequest): boolean => (q.protocols & Protocol.smtp) !== 0;
