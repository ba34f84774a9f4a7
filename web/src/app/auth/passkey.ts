// Passkeys: what the browser's own dialogue is asked, and its answer as the key worker takes it.
import type { Assertion } from "../../keys/client";

export function toBase64Url(bytes: ArrayBuffer | Uint8Array): string {
	const text = String.fromCharCode(...new Uint8Array(bytes as ArrayBuffer));
	return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

/** What the pseudo-random function of the passkey is asked for; its answer opens the keys. */
export async function prfInput(): Promise<ArrayBuffer> {
	return crypto.subtle.digest("SHA-256", new TextEncoder().encode("letterlock/1/prf"));
}

export interface Asked { rpId: string; challenge: string; credentials: readonly string[]; prf: boolean }

export async function askPasskey(a: Asked): Promise<{ assertion: Assertion; prf: string | null }> {
	const credential = await navigator.credentials.get({
		publicKey: {
			rpId: a.rpId, challenge: fromBase64Url(a.challenge), userVerification: "required",
			allowCredentials: a.credentials.map((id) => ({ type: "public-key" as const, id: fromBase64Url(id) })),
			...(a.prf ? { extensions: { prf: { eval: { first: await prfInput() } } } } : {}),
		},
	}) as PublicKeyCredential;
	const answer = credential.response as AuthenticatorAssertionResponse;
	const results = credential.getClientExtensionResults() as { prf?: { results?: { first?: ArrayBuffer } } };
	const first = results.prf?.results?.first;
	return {
		prf: first ? toBase64Url(first) : null,
		assertion: {
			credential: toBase64Url(credential.rawId), userHandle: answer.userHandle ? toBase64Url(answer.userHandle) : "",
			clientData: toBase64Url(answer.clientDataJSON), authenticatorData: toBase64Url(answer.authenticatorData), signature: toBase64Url(answer.signature),
		},
	};
}

export const passkeysWork = () => typeof PublicKeyCredential === "function";
