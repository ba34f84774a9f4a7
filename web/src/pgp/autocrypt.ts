// The Autocrypt header, level 1: makes it for own messages, and takes keys out of messages received.
import { base64, unbase64 } from "../keys/bytes";
import { contentType, type Entity, fieldValues } from "./entity";
import { singleAddress } from "./header";
import { addressesOf, publicFor, readPublic, readSecret } from "./keys";
import { type Bytes, bytesOf } from "./openpgp";

const KEYDATA_MAX = 64 * 1024; // characters

export interface Autocrypt {
	address: string;
	mutual: boolean; // prefer-encrypt=mutual
	key: Bytes;
	seen: number; // seconds since 1970
}

/** The key with what encryption to this address needs and nothing else. */
async function minimal(secret: Bytes, address: string): Promise<Bytes> {
	const [key] = await readPublic(await publicFor(secret, address));
	if (!key) throw new Error("the key cannot be read again");
	const encryption = await (await readSecret(secret)).toPublic().getEncryptionKey();
	key.subkeys = key.subkeys.filter((s) => s.getKeyID().equals(encryption.getKeyID()));
	return bytesOf(key.write());
}

/** The value of an Autocrypt field, with spaces where it may be folded. */
export async function autocryptValue(secret: Bytes, address: string, mutual: boolean): Promise<string> {
	const data = base64(await minimal(secret, address)).replace(/.{60}(?=.)/g, "$& ");
	return `addr=${address.toLowerCase()};${mutual ? " prefer-encrypt=mutual;" : ""} keydata=${data}`;
}

interface Attributes {
	addr: string;
	mutual: boolean;
	keydata: string;
}

/** undefined when it is not valid: a critical attribute that is not known makes it so. */
function attributesOf(value: string): Attributes | undefined {
	const found = new Map<string, string>();
	for (const piece of value.split(";")) {
		const at = piece.indexOf("=");
		const name = piece.slice(0, at).trim();
		if (piece.trim() === "") continue;
		if (at < 0 || found.has(name)) return undefined;
		found.set(name, piece.slice(at + 1).replace(/\s/g, ""));
	}
	const known = new Set(["addr", "prefer-encrypt", "keydata"]);
	if ([...found.keys()].some((name) => !known.has(name) && !name.startsWith("_"))) return undefined;
	const [addr, keydata] = [found.get("addr")?.toLowerCase(), found.get("keydata")];
	if (!addr || !keydata || keydata.length > KEYDATA_MAX) return undefined;
	return { addr, keydata, mutual: found.get("prefer-encrypt") === "mutual" };
}

/** The one valid Autocrypt header of a message; with several valid ones there is none. received:
 * when the message arrived; a date in the future does not count. */
export async function autocryptOf(message: Entity, received: number): Promise<Autocrypt | undefined> {
	const from = singleAddress(fieldValues(message, "from").length === 1 ? fieldValues(message, "from")[0] : undefined);
	if (!from || contentType(message).type === "multipart/report") return undefined;
	const valid = fieldValues(message, "autocrypt")
		.map(attributesOf)
		.filter((a) => a?.addr === from);
	const [a] = valid;
	if (valid.length !== 1 || !a) return undefined;
	let key: Bytes;
	try {
		key = unbase64(a.keydata);
	} catch {
		return undefined;
	}
	const [read, ...more] = await readPublic(key);
	if (!read || more.length || !(await addressesOf(read)).includes(from)) return undefined;
	const date = Date.parse(fieldValues(message, "date")[0] ?? "") / 1000;
	return { address: from, mutual: a.mutual, key, seen: Math.floor(Math.min(date || received, received)) };
}
