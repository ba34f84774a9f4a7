// What the server keeps of one unlocker, to know its owner again. It opens nothing. Body:
//
//	version:1 type:1 account:16 id:16 scope:11 created:8 name-length:1 name, then what the type
//	needs: app password: salt:16 iterations:4 stored:32 server:32; password: record:192; others:
//	hash:32
import { type Bytes, Reader, utf8, utf8Decode, Writer } from "./bytes";
import { KeysError } from "./error";
import { ID_LEN } from "./record";
import { SCRAM_SALT_LEN, scramIterationsValid } from "./scram";
import { getScope, getTime, putScope, type Scope, scopeValid, UnlockType, unlockType } from "./scope";

const NAME_MAX = 64; // bytes of UTF-8
export const OPAQUE_RECORD_LEN = 192;
const VERSION = 1;

export type VerifierProof =
	| { type: typeof UnlockType.password; opaque: Bytes }
	| { type: typeof UnlockType.recovery | typeof UnlockType.webauthn; authHash: Bytes }
	| { type: typeof UnlockType.app; salt: Bytes; iterations: number; stored: Bytes; server: Bytes };

export type Verifier = VerifierProof & {
	account: Bytes;
	id: Bytes;
	scope: Scope;
	created: number; // seconds since 1970
	name: string; // for lists
};

/** The bytes of a name, which may be at most NAME_MAX and hold no NUL. */
export function nameBytes(name: string): Bytes {
	const bytes = utf8(name);
	if (bytes.length > NAME_MAX) throw new KeysError("limit", "the name is too long");
	if (bytes.includes(0)) throw new KeysError("syntax", "not a name");
	return bytes;
}

export function getName(r: Reader): string {
	const bytes = r.bytes(r.u8());
	if (bytes.length > NAME_MAX || bytes.includes(0)) throw new KeysError("syntax", "not a name");
	return utf8Decode(bytes);
}

function putProof(w: Writer, v: VerifierProof): void {
	if (v.type === UnlockType.app) w.bytes(v.salt).u32(v.iterations).bytes(v.stored).bytes(v.server);
	else if (v.type === UnlockType.password) w.bytes(v.opaque);
	else w.bytes(v.authHash);
}

function getProof(r: Reader, type: UnlockType): VerifierProof {
	if (type === UnlockType.password) return { type, opaque: r.bytes(OPAQUE_RECORD_LEN) };
	if (type !== UnlockType.app) return { type, authHash: r.bytes(32) };
	return {
		type,
		salt: r.bytes(SCRAM_SALT_LEN),
		iterations: r.u32(),
		stored: r.bytes(32),
		server: r.bytes(32),
	};
}

function check(v: Verifier): void {
	if (!scopeValid(v.type, v.scope) || v.created < 0) throw new KeysError("syntax", "not a verifier");
	if (v.type === UnlockType.app && !scramIterationsValid(v.iterations))
		throw new KeysError("syntax", "not a verifier");
}

export function verifierEncode(v: Verifier): Bytes {
	check(v);
	const w = new Writer().u8(VERSION).u8(v.type).bytes(v.account).bytes(v.id);
	putScope(w, v.scope);
	const name = nameBytes(v.name);
	w.u64(BigInt(v.created)).u8(name.length).bytes(name);
	putProof(w, v);
	return w.take();
}

export function verifierDecode(body: Uint8Array): Verifier {
	const r = new Reader(body);
	if (r.u8() !== VERSION) throw new KeysError("syntax", "unknown version");
	const type = unlockType(r.u8());
	const [account, id, scope] = [r.bytes(ID_LEN), r.bytes(ID_LEN), getScope(r)];
	const [created, name] = [getTime(r), getName(r)];
	const v: Verifier = { account, id, scope, created, name, ...getProof(r, type) };
	r.end();
	check(v);
	return v;
}
