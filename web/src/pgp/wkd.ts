// The Web Key Directory (draft-koch-openpgp-webkey-service): the name that a key has there.
import { sha1 } from "@noble/hashes/legacy.js";
import { utf8 } from "../keys/bytes";

const alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769";

/** z-base-32 */
export function zbase32(bytes: Uint8Array): string {
	let text = "";
	let bits = 0;
	let value = 0;
	for (const b of bytes) {
		value = (value << 8) | b;
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			text += alphabet[(value >> bits) & 31];
		}
		value &= (1 << bits) - 1;
	}
	return bits ? text + alphabet[(value << (5 - bits)) & 31] : text;
}

/** ASCII letters only are made small, as the draft has it. */
function lower(text: string): string {
	return text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

interface WkdName {
	hash: string;
	advanced: string;
	direct: string;
}

export function wkdName(address: string): WkdName {
	const at = address.lastIndexOf("@");
	const [local, domain] = [address.slice(0, at), lower(address.slice(at + 1))];
	const hash = zbase32(sha1(utf8(lower(local))));
	const query = `l=${encodeURIComponent(local)}`;
	return {
		hash,
		advanced: `https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/hu/${hash}?${query}`,
		direct: `https://${domain}/.well-known/openpgpkey/hu/${hash}?${query}`,
	};
}
