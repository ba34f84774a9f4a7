// Handing area keys to the account's own session process: sealed to the key that this process made
// for the purpose, so that nothing between can read them.
import { type Bytes, concat, utf8, wipe, Writer } from "./bytes";
import { KeysError } from "./error";
import { Hpke } from "./hpke";
import type { AreaSecret } from "./keyring";
import { Area } from "./record";

/** The most that the process looks at. */
const KEYS_MAX = 64;

/** The mail area's keys, newest versions if there are too many, sealed to unlockKey. */
export async function sealForSession(
	unlockKey: Bytes,
	account: Bytes,
	secrets: readonly AreaSecret[],
): Promise<Bytes> {
	const mail = secrets.filter((s) => s.area === Area.mail).slice(-KEYS_MAX);
	if (mail.length === 0) throw new KeysError("state", "there is no mail key");
	const w = new Writer();
	for (const s of mail) w.u8(s.area).u32(s.version).bytes(s.key);
	const plain = w.take();
	const info = concat(utf8("letterlock/1/session-unlock\0"), account);
	const { enc, hpke } = await Hpke.sender(unlockKey, info);
	const sealed = await hpke.seal(plain);
	wipe(plain);
	return concat(enc, sealed);
}
