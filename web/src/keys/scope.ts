// What an unlocker may open: areas times protocols, until it expires; and the suite floor. The
// numbers stand in manifests and never change.
import type { Reader, Writer } from "./bytes";
import { KeysError } from "./error";
import { Suite } from "./record";

export const UnlockType = { password: 1, recovery: 2, webauthn: 3, app: 4 } as const;
export type UnlockType = (typeof UnlockType)[keyof typeof UnlockType];

export const SCOPE_ROOT = 1;
export const SCOPE_AREAS_ALL = 0b111110;
export const Protocol = { imap: 1, pop: 2, smtp: 4, dav: 8, eas: 16, jmap: 32, sieve: 64 } as const;
const PROTOCOLS_ALL = 127;

export function scopeArea(area: number): number {
	return 1 << area;
}

export interface Scope {
	areas: number;
	protocols: number;
	expires: number; // seconds since 1970; 0: never
}

/** Of an app password: it was made for a program that never came for it (oauth.ts), so nobody has it. */
export const neverGiven = (u: { created: number; expires: number }): boolean => u.expires > 0 && u.expires <= u.created;

export const rootScope: Readonly<Scope> = { areas: SCOPE_ROOT, protocols: 0, expires: 0 };

export function unlockType(number: number): UnlockType {
	const type = Object.values(UnlockType).find((t) => t === number);
	if (type === undefined) throw new KeysError("syntax", "unknown type of unlocker");
	return type;
}

/** App passwords have areas and at least one protocol and never Root, all others Root alone. */
export function scopeValid(type: UnlockType, s: Scope): boolean {
	if (!Number.isSafeInteger(s.expires) || s.expires < 0) return false;
	if (type !== UnlockType.app) return s.areas === SCOPE_ROOT && s.protocols === 0;
	return (s.areas & ~SCOPE_AREAS_ALL) === 0 && s.protocols !== 0 && (s.protocols & ~PROTOCOLS_ALL) === 0;
}

export function scopeEqual(a: Scope, b: Scope): boolean {
	return a.areas === b.areas && a.protocols === b.protocols && a.expires === b.expires;
}

export function putScope(w: Writer, s: Scope): void {
	w.u8(s.areas).u16(s.protocols).u64(BigInt(s.expires));
}

export function getScope(r: Reader): Scope {
	return { areas: r.u8(), protocols: r.u16(), expires: getTime(r) };
}

/** Seconds since 1970 or 0. What does not fit into a number here is beyond any calendar. */
export function getTime(r: Reader): number {
	const t = r.u64();
	if (t > BigInt(Number.MAX_SAFE_INTEGER)) throw new KeysError("syntax", "not a time");
	return Number(t);
}

/** The lowest suite that readers accept, for each form of record. It only ever rises. */
export interface Floor {
	sym: number;
	kem: number;
	sig: number;
}

export const floorNow: Readonly<Floor> = { sym: Suite.sym, kem: Suite.kem, sig: Suite.sig };
export const floorNone: Readonly<Floor> = { sym: 0, kem: 0, sig: 0 };
const forms = ["sym", "kem", "sig"] as const;

export function putFloor(w: Writer, f: Floor): void {
	for (const form of forms) w.u8(f[form]);
}

export function getFloor(r: Reader): Floor {
	return { sym: r.u8(), kem: r.u8(), sig: r.u8() };
}

/** "auth" when got is lower than least; "unsupported" when this program has no suite that high. */
export function floorCheck(got: Floor, least: Floor): void {
	if (forms.some((f) => got[f] < least[f])) throw new KeysError("auth", "the suite floor was lowered");
	if (forms.some((f) => got[f] > floorNow[f]))
		throw new KeysError("unsupported", "the account needs a newer program");
}
