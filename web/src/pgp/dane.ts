// The text of a DANE OPENPGPKEY record (RFC 7929), for owners of a domain who publish keys in the DNS.
import { base64, hex, utf8 } from "../keys/bytes";
import { sha256 } from "../keys/kdf";
import type { Bytes } from "./openpgp";

/** The record's name, relative to the root. The local part is taken as it is written. */
export function daneName(address: string): string {
	const at = address.lastIndexOf("@");
	const hash = hex(sha256(utf8(address.slice(0, at).normalize("NFC"))).subarray(0, 28));
	return `${hash}._openpgpkey.${address.slice(at + 1).toLowerCase()}.`;
}

export function daneRecord(address: string, publicKey: Bytes): string {
	return `${daneName(address)} IN OPENPGPKEY ${base64(publicKey)}`;
}
