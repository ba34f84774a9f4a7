// The OpenPGP keys of an account and how one of them is changed: the others stay as they are, whatever another client
// made of them meanwhile.
import { equal, type Bytes } from "./bytes";
import { KeysError } from "./error";

/** Raw secret keys, the one in use first, and the fingerprint of each. */
export interface OwnKeys {
	keys: readonly Bytes[];
	fingerprints: readonly Bytes[];
}

export interface KeyEdit {
	fingerprint: Bytes;
	/** Absent: the one that is there. */
	key?: Bytes;
	/** "same" is where it stands now. */
	place: "first" | "same" | "gone";
}

/** A KeysError "state" when the key that is meant is not there any more. */
export function edited({ keys, fingerprints }: OwnKeys, e: KeyEdit): OwnKeys {
	if (keys.length !== fingerprints.length) throw new KeysError("state", "keys and fingerprints do not fit together");
	const at = fingerprints.findIndex((f) => equal(f, e.fingerprint));
	const all = keys.map((key, i) => ({ key, fingerprint: fingerprints[i] ?? e.fingerprint }));
	const one = { key: e.key ?? keys[at], fingerprint: e.fingerprint };
	if (e.place !== "gone" && (!one.key || (e.place === "same" && at < 0))) throw new KeysError("state", "this key is not there any more");
	if (at >= 0) all.splice(at, 1);
	if (e.place !== "gone" && one.key) all.splice(e.place === "first" ? 0 : at, 0, { key: one.key, fingerprint: one.fingerprint });
	return { keys: all.map((k) => k.key), fingerprints: all.map((k) => k.fingerprint) };
}
