// A program is let in by OAuth (docs/api/oauth.md): it gets an app password of its own, which travels sealed
// under a code that only the program learns. The password never leaves this worker, and the server cannot open
// what it keeps until the program brings the code.
//
//	code    = base64url(random 32)
//	binding = SHA-256(client_id || 0 || redirect_uri || 0 || code_challenge)
//	key     = Expand(HKDF-Extract("letterlock/1/oauth-code", code), "password")
//	sealed  = Cobblestone256(key, context = "letterlock/1/oauth-code" || 0 || binding, app password)
import { base64url, type Bytes, concat, random, utf8, wipe } from "./bytes";
import { cobblestoneSeal } from "./cobblestone";
import { derive, extract256, sha256 } from "./kdf";
import type { Scope } from "./scope";

const LABEL = utf8("letterlock/1/oauth-code");
const END = Uint8Array.of(0);

/** What a program asks for, as GET /api/v1/oauth/request has checked it. */
export interface Consent {
	name: string;
	scope: Scope;
	clientId: string;
	redirectUri: string;
	challenge: string;
}

export interface SealedGrant {
	code: string;
	codeHash: Bytes;
	sealed: Bytes;
}

export async function sealGrant(c: Consent, password: string): Promise<SealedGrant> {
	const secret = random(32);
	const code = base64url(secret);
	const binding = sha256(utf8(c.clientId), END, utf8(c.redirectUri), END, utf8(c.challenge));
	const key = derive(extract256(LABEL, utf8(code)), "password");
	const sealed = await cobblestoneSeal(key, concat(LABEL, END, binding), utf8(password));
	wipe(secret, key);
	return { code, codeHash: sha256(utf8(code)), sealed };
}
