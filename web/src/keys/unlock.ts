// From an unlock secret S_U to its three keys. S_U is the OPAQUE export key of a password, the 26
// characters of a recovery code, the SCRAM ClientKey of an app password, or a WebAuthn PRF output.
// It is never used as a key itself (R6).
import { type Bytes, concat, utf8, wipe } from "./bytes";
import { KeysError } from "./error";
import { derive, extract256, sha256 } from "./kdf";
import { UnlockType } from "./scope";

const labels: Record<UnlockType, string> = {
	[UnlockType.password]: "password",
	[UnlockType.recovery]: "recovery",
	[UnlockType.webauthn]: "webauthn",
	[UnlockType.app]: "app-password",
};

interface UnlockKeys {
	auth: Bytes; // proves the secret to the server, which keeps a hash of it
	anchor: Bytes; // opens the anchor
	kem: Bytes; // X-Wing seed: opens the grants
}

export function unlockKeys(
	type: UnlockType,
	secret: Uint8Array,
	account: Uint8Array,
	unlocker: Uint8Array,
): UnlockKeys {
	if (secret.length < 16 || secret.length > 256) throw new KeysError("syntax", "not an unlock secret");
	const ikm = concat(secret, account, unlocker);
	const u = extract256(utf8(`letterlock/1/unlock/${labels[type]}`), ikm);
	const keys = { auth: derive(u, "auth"), anchor: derive(u, "anchor"), kem: derive(u, "kem") };
	wipe(ikm, u);
	return keys;
}

/** What the server keeps of U_auth. */
export function authHash(auth: Uint8Array): Bytes {
	return sha256(utf8("letterlock/1/verifier\0"), auth);
}

export function wipeUnlockKeys(k: UnlockKeys): void {
	wipe(k.auth, k.anchor, k.kem);
}
