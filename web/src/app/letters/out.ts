// Sends a letter under a password to those without a key: sealed here, put on the server piece by piece, and
// announced by a mail that has the link and nothing of the letter. Who has a key gets it encrypted as always.
import { base64url } from "../../keys/bytes";
import type { Draft, LetterMade } from "../../pgp/client";
import type { Id, SetResult } from "../../jmap/types.ts";
import { JmapError } from "../../jmap/client.ts";
import { language } from "../../i18n/index.ts";
import type { Attached, Letter } from "../mail/composer/letter.ts";
import { everybody, identityOf, isOffline, isTooLarge, type Ready } from "../mail/composer/send.ts";
import { mail } from "../mail/state.ts";
import type { LetterWish } from "../pgp/guard.ts";
import { draftOf, putSealed, putWritten } from "../pgp/letter_out.ts";
import { ensureOwnKey } from "../pgp/own.ts";
import { now, pgp } from "../pgp/worker.ts";
import { t } from "./texts.ts";
import { order, removeLetter } from "./waiting.ts";

const PIECE = 61440;
const LANES = 3;
/** The author's own copy is a mail, encrypted: nearly twice as much, of the 50 MiB that a mail may have. */
const SIZE_MAX = 26 * 1024 * 1024;
const PEOPLE_MAX = 10;
const DAY = 86_400;

type Parts = { name: string; type: string; cid: string; content: Uint8Array<ArrayBuffer> }[];

function partsOf(draft: Draft): Parts {
	const bytes = (text: string) => new TextEncoder().encode(text);
	return [
		{ name: "", type: "text/plain", cid: "", content: bytes(draft.text) },
		...(draft.html === undefined ? [] : [{ name: "", type: "text/html", cid: "", content: bytes(draft.html) }]),
		...draft.attachments.map((a) => ({ name: a.name || t("unnamedFile"), type: a.type, cid: a.contentId ?? "", content: a.content })),
	];
}

const wait = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
const PATIENCE = 20; // seconds that a piece is tried again when it did not arrive

/** The server takes so many pieces at once, and then one after the other; and a connection may break for a moment. */
async function putPiece(body: Record<string, unknown>): Promise<void> {
	for (let lost = 0; ;) {
		try {
			await order("letter-put", body);
			return;
		} catch (e) {
			const busy = e instanceof JmapError && e.status === 429;
			if (!busy && (lost >= PATIENCE || !isOffline(e) && !(e instanceof TypeError)))
				throw e;
			const pause = busy ? Math.max(1, e.retryAfter) : 1 + lost;
			lost += busy ? 0 : pause;
			await wait(pause);
		}
	}
}

/** What has come about, from 0 to 1. */
export type Progress = (part: number) => void;

async function putPieces(id: string, made: LetterMade, progress: Progress): Promise<void> {
	const jobs = made.records.flatMap((r, part) => Array.from({ length: Math.ceil(r.length / PIECE) }, (_, piece) => ({ part, piece })));
	const all = jobs.length;
	let done = 0;
	const lane = async () => {
		for (let job = jobs.shift(); job; job = jobs.shift()) {
			const bytes = made.records[job.part]?.slice(job.piece * PIECE, (job.piece + 1) * PIECE) ?? new Uint8Array();
			await putPiece({ id, ...job, data: base64url(bytes) });
			progress(++done / all);
		}
	};
	await Promise.all(Array.from({ length: LANES }, lane));
}

interface Deposit { id: string; to: string; link: string }

/** Seconds: when its reader is told of it (0: now), and until when it can be read. */
interface Times { sendAt: number; expires: number }

async function deposit(draft: Draft, to: string, wish: LetterWish, times: Times, progress: Progress): Promise<Deposit> {
	const p = await pgp();
	const letter = { from: draft.from.address, name: draft.from.name, subject: draft.subject, date: times.sendAt || now(), parts: partsOf(draft) };
	const made = await p.call("letterMake", { letter, password: wish.password });
	const id = base64url(made.id);
	const link = `${location.origin}/letter#${made.fragment}`;
	const note = await p.call("noteSeal", { id: made.id, note: { subject: draft.subject, to, link } });
	await order("letter-create", {
		id, accessHash: base64url(made.accessHash), to, messageId: `<${draft.messageId}>`, note: base64url(note), ...times, maxOpens: wish.opens,
		parts: made.records.map((r) => ({ size: r.length })),
	});
	await putPieces(id, made, progress).then(() => order("letter-publish", { id })).catch(async (e: unknown) => {
		await removeLetter(id);
		throw e;
	});
	return { id, to, link };
}

function carrierText(who: string, d: Deposit, wish: LetterWish, expires: number): string {
	const date = new Intl.DateTimeFormat(language(), { dateStyle: "long", timeStyle: "short" }).format(expires * 1000);
	return [
		t("carrierWrote", { who }), t("carrierHow", { who }), d.link, ...(wish.hint.trim() ? [t("carrierHint", { hint: wish.hint.trim() })] : []),
		t("carrierUntil", { date }), ...(wish.opens ? [t("carrierOpens", { n: wish.opens })] : []), t("carrierCare"),
	].join("\n\n") + "\n";
}

/** The mail with the link: plain text, and of the letter neither subject nor content. */
async function putCarrier(letter: Letter, d: Deposit, wish: LetterWish, expires: number): Promise<Id> {
	const name = identityOf(letter)?.name || null;
	const who = name ?? letter.from;
	const value = carrierText(name ? `${name} (${letter.from})` : letter.from, d, wish, expires);
	const result = await mail().client.call<SetResult>("Email/set", {
		create: {
			m: {
				mailboxIds: { [mail().role("drafts")?.id ?? ""]: true }, keywords: { $draft: true, $seen: true },
				from: [{ name, email: letter.from }], to: [{ name: null, email: d.to }], subject: t("carrierSubject", { who }),
				...(letter.inReplyTo.length ? { inReplyTo: letter.inReplyTo, references: letter.references.slice(-30) } : {}),
				bodyStructure: { partId: "text", type: "text/plain" }, bodyValues: { text: { value, isEncodingProblem: false, isTruncated: false } },
			},
		},
	});
	const id = result.created?.["m"]?.id;
	if (!id)
		throw new Error(Object.values(result.notCreated ?? {})[0]?.type ?? "");
	return id;
}

/** The author's own copy, which stays in Sent: what goes to people with keys, or else one for the author alone. */
async function putCopy(letter: Letter, draft: Draft, strangers: readonly string[]): Promise<Ready[]> {
	const keyed = everybody(letter).filter((a) => !strangers.includes(a.toLowerCase()));
	if (keyed.length)
		return putWritten(letter, draft, "encrypted", strangers);
	const p = await pgp();
	return [{ id: await putSealed(await p.call("writeDraft", { draft })), to: [] }];
}

function sayWhy(e: unknown): unknown {
	if (e instanceof JmapError && e.type === "urn:letterlock:quota")
		return new Error(t("letterNoRoom"));
	return isTooLarge(e) ? new Error(t("letterTooLarge")) : e;
}

/** undo: the letters are withdrawn, when what announces them is not sent after all. */
export async function putLetters(letter: Letter, files: readonly Attached[], wish: LetterWish, strangers: readonly string[], at: Date | null, progress: Progress): Promise<{ ready: Ready[]; undo(): Promise<void> }> {
	if (strangers.length > PEOPLE_MAX)
		throw new Error(t("letterTooMany"));
	await ensureOwnKey();
	const draft = await draftOf(letter, files);
	if (partsOf(draft).reduce((sum, p) => sum + p.content.length, 0) > SIZE_MAX)
		throw new Error(t("letterTooLarge"));
	const sendAt = at ? Math.round(at.getTime() / 1000) : 0;
	const times = { sendAt, expires: (sendAt || now()) + wish.days * DAY };
	const made: Deposit[] = [];
	const carriers: Ready[] = [];
	const undo = async () => { await Promise.all(made.map((d) => removeLetter(d.id))); };
	try {
		for (const to of strangers) {
			const d = await deposit(draft, to, wish, times, (part) => progress((made.length + part) / strangers.length));
			made.push(d);
			carriers.push({ id: await putCarrier(letter, d, wish, times.expires), to: [to] });
		}
		return { ready: [...(await putCopy(letter, draft, strangers)), ...carriers], undo };
	} catch (e) {
		await undo();
		await mail().destroy(carriers.map((c) => c.id)).catch(() => undefined);
		throw sayWhy(e);
	}
}
