// What this browser keeps for its owner (mail for reading without the network, letters that wait to be sent) is
// sealed as everything else is: records under a key of the account's mail area. The keys are where the account's
// keys are, in the worker, and gone when it is signed out; the password or the kept secret brings them back.
import { type Bytes, utf8 } from "./bytes";
import { KeysError } from "./error";
import type { AreaSecret } from "./keyring";
import { derive, sha256 } from "./kdf";
import { Area, header, type Header, ID_LEN, parseHeader, symOpen, symSeal } from "./record";

const LABEL = "device"; // of the mail area's secret; used for this and nothing else
const COLLECTION = utf8("device-mailstore"); // 16 bytes

/** One version of the key. */
export interface DeviceKey {
	version: number;
	key: Bytes;
}

export function deviceKeys(secrets: readonly AreaSecret[]): DeviceKey[] {
	return secrets.filter((s) => s.area === Area.mail).map((s) => ({ version: s.version, key: derive(s.key, LABEL) }));
}

/** place: the name under which the record is put away; under another one it does not open. */
function headerAt(account: Bytes, place: string, keyver: number): Header {
	const object = sha256(utf8(`letterlock/1/device\0${place}`)).slice(0, ID_LEN);
	return header("object", { account, area: Area.mail, collection: COLLECTION, object, keyver, author: account });
}

export function deviceSeal(account: Bytes, keys: readonly DeviceKey[], place: string, body: Bytes): Promise<Bytes> {
	const key = keys.at(-1);
	if (!key) throw new KeysError("state", "there is no key for it");
	return symSeal(key.key, headerAt(account, place, key.version), body);
}

export async function deviceOpen(
	account: Bytes,
	keys: readonly DeviceKey[],
	place: string,
	record: Bytes,
): Promise<Bytes> {
	const version = parseHeader(record).keyver;
	const key = keys.find((k) => k.version === version);
	if (!key) throw new KeysError("notfound", "a key of another version");
	return (await symOpen(key.key, headerAt(account, place, version), record)).body;
}
