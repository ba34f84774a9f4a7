// Sealed records: every byte stored is one of three forms, each bound to its full context.
//
//	SYM = HDR || Cobblestone256(key, "letterlock/1/" kind "\0" HDR, plain)
//	KEM = HDR || enc (1120) || payload         HPKE info = "letterlock/1/" kind "\0" HDR
//	SIG = HDR || body || Ed25519 over "letterlock/1/sig/" kind "\0" SHA-256(all bytes before)
//
// A header is compared with what was asked for before any key is touched (R1).
import { type Bytes, concat, equal, Reader, utf8, wipe, Writer } from "./bytes";
import { cobblestoneOpen, cobblestoneSeal, sealedLen } from "./cobblestone";
import { ed25519Sign, ed25519Verify, SIG_LEN } from "./ed25519";
import { KeysError } from "./error";
import { Hpke } from "./hpke";
import { sha256 } from "./kdf";
import { XWING_ENC_LEN } from "./xwing";

export const HDR_LEN = 87;
export const ID_LEN = 16;
export const KEY_LEN = 32;
export const NO_ID: Bytes = new Uint8Array(ID_LEN);

export const Suite = { sym: 0x01, kem: 0x03, sig: 0x10 } as const;
type Suite = (typeof Suite)[keyof typeof Suite];

/** Areas, by number; 0 is none, which stands for Root in grants. */
export const Area = { none: 0, mail: 1, calendar: 2, contacts: 3, files: 4, archive: 5 } as const;
export const AREAS: readonly number[] = [1, 2, 3, 4, 5];

interface KindSpec {
	number: number;
	suite: Suite;
	max: number; // bytes of the longest record
}

const KiB = 1024;
const MiB = 1024 * KiB;

const kinds = {
	anchor: { number: 1, suite: Suite.sym, max: 4 * KiB },
	grant: { number: 2, suite: Suite.kem, max: 4 * KiB },
	keyring: { number: 3, suite: Suite.sym, max: MiB },
	manifest: { number: 4, suite: Suite.sig, max: MiB },
	"collection-key": { number: 5, suite: Suite.sym, max: 4 * KiB },
	object: { number: 6, suite: Suite.sym, max: 64 * MiB },
	delivered: { number: 7, suite: Suite.kem, max: 64 * MiB },
	file: { number: 8, suite: Suite.sym, max: 2 ** 46 },
	folder: { number: 9, suite: Suite.sym, max: 16 * MiB },
	index: { number: 10, suite: Suite.sym, max: 256 * MiB },
	journal: { number: 11, suite: Suite.sym, max: MiB },
	link: { number: 12, suite: Suite.sym, max: 64 * KiB },
	share: { number: 13, suite: Suite.kem, max: 64 * KiB },
	"document-update": { number: 14, suite: Suite.sym, max: 16 * MiB },
	"document-snapshot": { number: 15, suite: Suite.sym, max: 256 * MiB },
	device: { number: 16, suite: Suite.sig, max: 64 * KiB },
} as const satisfies Record<string, KindSpec>;

export type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

export interface Header {
	kind: Kind;
	area: number;
	part: number;
	keyver: number;
	rev: bigint;
	account: Bytes;
	collection: Bytes;
	object: Bytes;
	author: Bytes;
}

/** A header with zeros where nothing is given. */
export function header(kind: Kind, fields: Partial<Header>): Header {
	const zero = { area: 0, part: 0, keyver: 0, rev: 0n };
	return { kind, ...zero, account: NO_ID, collection: NO_ID, object: NO_ID, author: NO_ID, ...fields };
}

/** What was asked for: every field must be equal but those named here. */
interface Loose {
	keyver?: boolean; // the key was chosen by the record's own keyver
	rev?: boolean | "floor"; // any; or not lower than asked for
	author?: boolean;
	part?: boolean;
}

const magic = utf8("LL1\0");

function encodeHeader(h: Header): Bytes {
	const spec = kinds[h.kind];
	const w = new Writer().bytes(magic).u8(spec.number).u8(spec.suite).u16(0);
	w.bytes(h.account).u8(h.area).bytes(h.collection).bytes(h.object);
	const out = w.u16(h.part).u32(h.keyver).u64(h.rev).bytes(h.author).take();
	if (out.length !== HDR_LEN) throw new KeysError("range", "an id has 16 bytes");
	return out;
}

function kindOf(number: number): Kind {
	const kind = kindNames.find((k) => kinds[k].number === number);
	if (!kind) throw new KeysError("unsupported", "unknown kind of record");
	return kind;
}

/** Header of a stored record: unknown kinds, suites, flags and areas, and what is too long for its
 * kind, are refused. */
export function parseHeader(record: Uint8Array): Header {
	const r = new Reader(record.subarray(0, HDR_LEN));
	if (!equal(r.bytes(4), magic)) throw new KeysError("syntax", "not a record");
	const kind = kindOf(r.u8());
	if (r.u8() !== kinds[kind].suite || r.u16() !== 0)
		throw new KeysError("unsupported", "unknown suite or flags");
	const account = r.bytes(ID_LEN);
	const area = r.u8();
	if (area > Area.archive) throw new KeysError("unsupported", "unknown area");
	const [collection, object] = [r.bytes(ID_LEN), r.bytes(ID_LEN)];
	const [part, keyver, rev, author] = [r.u16(), r.u32(), r.u64(), r.bytes(ID_LEN)];
	if (record.length > kinds[kind].max) throw new KeysError("limit", "record is too long");
	return { kind, area, part, keyver, rev, account, collection, object, author };
}

function revMatches(got: bigint, want: bigint, loose: Loose): boolean {
	if (loose.rev === "floor") return got >= want;
	return loose.rev === true || got === want;
}

function matches(got: Header, want: Header, loose: Loose): boolean {
	const ids = (["account", "collection", "object"] as const).every((id) => equal(got[id], want[id]));
	return (
		ids &&
		got.kind === want.kind &&
		got.area === want.area &&
		revMatches(got.rev, want.rev, loose) &&
		(loose.keyver || got.keyver === want.keyver) === true &&
		(loose.part || got.part === want.part) === true &&
		(loose.author || equal(got.author, want.author)) === true
	);
}

/** The header of a record that is of this suite and the one asked for. */
function admit(record: Uint8Array, suite: Suite, want: Header, loose: Loose): Header {
	const h = parseHeader(record);
	if (kinds[h.kind].suite !== suite) throw new KeysError("unsupported", "another form of record");
	if (!matches(h, want, loose)) throw new KeysError("auth", "not the record that was asked for");
	return h;
}

/** The encoded header of a record about to be written, and its context. */
function begin(h: Header, suite: Suite, len: number): { hdr: Bytes; context: Bytes } {
	const spec = kinds[h.kind];
	if (spec.suite !== suite || h.area > Area.archive)
		throw new KeysError("unsupported", "the kind has another form");
	if (len > spec.max) throw new KeysError("limit", "record is too long");
	return contextOf(h);
}

function contextOf(h: Header): { hdr: Bytes; context: Bytes } {
	const hdr = encodeHeader(h);
	return { hdr, context: concat(utf8(`letterlock/1/${h.kind}\0`), hdr) };
}

export interface Opened {
	header: Header;
	body: Bytes;
}

export async function symSeal(key: Uint8Array, h: Header, plain: Bytes): Promise<Bytes> {
	const { hdr, context } = begin(h, Suite.sym, HDR_LEN + sealedLen(plain.length));
	return concat(hdr, await cobblestoneSeal(key, context, plain));
}

export async function symOpen(
	key: Uint8Array,
	want: Header,
	record: Bytes,
	loose: Loose = {},
): Promise<Opened> {
	const h = admit(record, Suite.sym, want, loose);
	const body = await cobblestoneOpen(key, contextOf(h).context, record.slice(HDR_LEN));
	return { header: h, body };
}

const dekLabel = utf8("letterlock/1/dek");
const PAYLOAD_AT = HDR_LEN + XWING_ENC_LEN;

/** Each record has an encapsulation of its own; the server's bursts open all the same. */
export async function kemSeal(publicKey: Uint8Array, h: Header, plain: Bytes): Promise<Bytes> {
	const payload = h.kind === "delivered" ? sealedLen(plain.length) : plain.length + 16;
	const { hdr, context } = begin(h, Suite.kem, PAYLOAD_AT + payload);
	const { enc, hpke } = await Hpke.sender(publicKey, context);
	if (h.kind !== "delivered") return concat(hdr, enc, await hpke.seal(plain));
	const dek = hpke.export(dekLabel, KEY_LEN);
	const sealed = await cobblestoneSeal(dek, context, plain);
	wipe(dek);
	return concat(hdr, enc, sealed);
}

export async function kemOpen(
	seed: Uint8Array,
	want: Header,
	record: Bytes,
	loose: Loose = {},
): Promise<Opened> {
	const h = admit(record, Suite.kem, want, loose);
	if (record.length < PAYLOAD_AT) throw new KeysError("syntax", "record is cut off");
	const { context } = contextOf(h);
	const hpke = await Hpke.receiver(seed, record.subarray(HDR_LEN, PAYLOAD_AT), context);
	const payload = record.slice(PAYLOAD_AT);
	if (h.kind !== "delivered") return { header: h, body: await hpke.open(payload) };
	const dek = hpke.export(dekLabel, KEY_LEN);
	const body = await cobblestoneOpen(dek, context, payload);
	wipe(dek);
	return { header: h, body };
}

function signedText(bytes: Uint8Array, kind: Kind): Bytes {
	return concat(utf8(`letterlock/1/sig/${kind}\0`), sha256(bytes));
}

/** A signature behind a record of another form, as a grant has. */
export function recordSign(seed: Uint8Array, kind: Kind, record: Uint8Array): Bytes {
	return concat(record, ed25519Sign(seed, signedText(record, kind)));
}

/** The record without its signature. */
export function recordVerify(identity: Uint8Array, kind: Kind, signed: Uint8Array): Bytes {
	if (signed.length < SIG_LEN) throw new KeysError("syntax", "record is cut off");
	const record = signed.slice(0, -SIG_LEN);
	if (!ed25519Verify(identity, signedText(record, kind), signed.subarray(record.length)))
		throw new KeysError("auth", "the signature does not fit");
	return record;
}

export function sigSeal(seed: Uint8Array, h: Header, body: Uint8Array): Bytes {
	const { hdr } = begin(h, Suite.sig, HDR_LEN + body.length + SIG_LEN);
	return recordSign(seed, h.kind, concat(hdr, body));
}

export function sigOpen(identity: Uint8Array, want: Header, record: Bytes, loose: Loose = {}): Opened {
	const h = admit(record, Suite.sig, want, loose);
	if (record.length < HDR_LEN + SIG_LEN) throw new KeysError("syntax", "record is cut off");
	return { header: h, body: recordVerify(identity, h.kind, record).slice(HDR_LEN) };
}
