// A grant: one key, sealed to an unlocker's public key and signed by the identity key. Both cover
// the whole header, so a grant fits one account, unlocker, area and version only.
import type { Bytes } from "./bytes";
import { KeysError } from "./error";
import { header, type Header, kemOpen, kemSeal, KEY_LEN, recordSign, recordVerify } from "./record";

interface Grant {
	account: Bytes;
	unlocker: Bytes;
	area: number; // 0: Root
	version: number;
}

function headerOf(g: Grant): Header {
	const ids = { account: g.account, object: g.unlocker, author: g.account };
	return header("grant", { ...ids, area: g.area, keyver: g.version });
}

export async function grantSeal(
	publicKey: Uint8Array,
	identitySeed: Uint8Array,
	g: Grant,
	key: Bytes,
): Promise<Bytes> {
	return recordSign(identitySeed, "grant", await kemSeal(publicKey, headerOf(g), key));
}

/** seed is U_kem. "auth": not signed by the identity key, not this grant, or not to this unlocker. */
export async function grantOpen(
	seed: Uint8Array,
	identity: Uint8Array,
	g: Grant,
	record: Bytes,
): Promise<Bytes> {
	const opened = await kemOpen(seed, headerOf(g), recordVerify(identity, "grant", record));
	if (opened.body.length !== KEY_LEN) throw new KeysError("syntax", "not a key");
	return opened.body;
}
