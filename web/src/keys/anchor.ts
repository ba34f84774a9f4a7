// The anchor: the first thing an unlock secret opens, and the root of all trust after it. Body:
// version:1 account:16 unlocker:16 identity:32 type:1 scope:11 floor-seq:8 floor:3
import { type Bytes, equal, Reader, wipe, Writer } from "./bytes";
import { ed25519PublicValid } from "./ed25519";
import { KeysError } from "./error";
import { header, type Header, ID_LEN, symOpen, symSeal } from "./record";
import {
	type Floor,
	getFloor,
	getScope,
	putFloor,
	putScope,
	type Scope,
	scopeValid,
	type UnlockType,
	unlockType,
} from "./scope";

const VERSION = 1;

export interface Anchor {
	account: Bytes;
	unlocker: Bytes;
	identity: Bytes;
	type: UnlockType;
	scope: Scope;
	floorSeq: bigint; // the manifest that listed the unlocker first
	floor: Floor;
}

function check(a: Anchor): void {
	if (!scopeValid(a.type, a.scope) || !ed25519PublicValid(a.identity))
		throw new KeysError("syntax", "not an anchor");
}

export function anchorEncode(a: Anchor): Bytes {
	check(a);
	const w = new Writer().u8(VERSION).bytes(a.account).bytes(a.unlocker).bytes(a.identity).u8(a.type);
	putScope(w, a.scope);
	w.u64(a.floorSeq);
	putFloor(w, a.floor);
	return w.take();
}

export function anchorDecode(body: Uint8Array): Anchor {
	const r = new Reader(body);
	if (r.u8() !== VERSION) throw new KeysError("syntax", "unknown version");
	const [account, unlocker, identity] = [r.bytes(ID_LEN), r.bytes(ID_LEN), r.bytes(32)];
	const [type, scope, floorSeq, floor] = [unlockType(r.u8()), getScope(r), r.u64(), getFloor(r)];
	r.end();
	const a = { account, unlocker, identity, type, scope, floorSeq, floor };
	check(a);
	return a;
}

function headerOf(account: Bytes, unlocker: Bytes): Header {
	return header("anchor", { account, object: unlocker, author: account });
}

/** key is U_anchor. */
export async function anchorSeal(key: Bytes, a: Anchor): Promise<Bytes> {
	return symSeal(key, headerOf(a.account, a.unlocker), anchorEncode(a));
}

export async function anchorOpen(key: Bytes, account: Bytes, unlocker: Bytes, record: Bytes): Promise<Anchor> {
	const { body } = await symOpen(key, headerOf(account, unlocker), record);
	const a = anchorDecode(body);
	wipe(body);
	// The AEAD has said it already; the body says it again for readers that keep only the body.
	if (!equal(a.account, account) || !equal(a.unlocker, unlocker))
		throw new KeysError("auth", "another account's anchor");
	return a;
}
