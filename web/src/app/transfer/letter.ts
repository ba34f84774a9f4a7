// A message as it is brought into the account: its bytes, its flags, its date, and where it belongs.
import { type Bytes, sha256 } from "./bytes.ts";
import type { Found, Manifest, Position } from "./files.ts";
import { labelPlace } from "./gmail.ts";
import { unquoted } from "./mbox.ts";
import { type Field, fieldsOf, headEnd, headerDate, headText, isKeyword, type Notes, notesOf, type Original, parseFromLine, withCrlf, withoutStorage } from "./message.ts";
import { folderOf, maildirRoot, mboxFolder, type Place, placeOf } from "./places.ts";
import { maildirPlace } from "./maildir.ts";
import type { Reason } from "./shelf.ts";

export interface Letter {
	after: Position;
	path: string;
	subject: string;
	from: string;
	bytes: Bytes;
	sha: string;
	/** The same message before an export of ours changed its line ends. */
	original: Original | null;
	messageId: string | null;
	keywords: string[];
	/** UTCDate of JMAP. */
	receivedAt: string | null;
	places: Place[];
	/** Not to be imported: marked as deleted, or a mail program's own notes. */
	skip: boolean;
	failed: Reason | null;
}

/** What is known of the whole choice: how many levels of paths are no mailboxes. */
export interface Around { manifest: Manifest | null; maildirDepth: number; mboxDepth: number; fileDepth: number }

export function around(paths: readonly string[], manifest: Manifest | null): Around {
	const maildirs = paths.flatMap((p) => { const m = maildirPlace(p); return m ? [m.folder] : []; });
	const first = paths[0]?.split("/")[0];
	// The folder that was chosen stands at the begin of every path. Takeout's own folders are known by their names.
	const together = first !== "Takeout" && paths.length > 0 && paths.every((p) => p.includes("/") && p.split("/")[0] === first);
	const nested = paths.some((p) => p.split("/").length > 2);
	// Messages that lie in it directly are in a mailbox of its name.
	return { manifest, maildirDepth: maildirRoot(maildirs), mboxDepth: together ? 1 : 0, fileDepth: together && nested ? 1 : 0 };
}

const utcDate = (time: number): string => `${new Date(Math.floor(time / 1000) * 1000).toISOString().slice(0, 19)}Z`;

/** Thunderbird's separator ("From - ...") says when the file was written, in a time of no known zone. */
function received(w: Found, fields: readonly Field[]): number | null {
	const separator = w.form === "mbox" ? parseFromLine(w.from) : null;
	if (separator !== null && !w.from.startsWith("- "))
		return separator;
	return w.maildir?.receivedAt ?? headerDate(fields) ?? separator ?? w.modified;
}

function filePlace(w: Found, a: Around): Place {
	const own = manifestPlace(w, a.manifest);
	if (own)
		return own;
	if (w.maildir)
		return placeOf(w.maildir.folder.slice(a.maildirDepth));
	if (w.form === "mbox")
		return placeOf(mboxFolder(w.path.split("/").slice(a.mboxDepth).join("/")));
	const folder = folderOf(w.path).slice(a.fileDepth);
	return folder.length ? placeOf(folder) : { role: null, folder: ["Imported"] };
}

/** A mailbox may be called "cur", too: only the files of a Maildir lie in one that is none. */
function manifestPlace(w: Found, manifest: Manifest | null): Place | null {
	const above = w.path.replace(/\/[^/]*$/, "");
	const folder = w.path.endsWith(".eml") ? above : above.replace(/\/(cur|new)$/, "");
	const box = manifest?.mailboxes.find((m) => m.path === w.path || (w.form === "file" && m.path === folder));
	return box ? { role: box.role, folder: box.name } : null;
}

const internal = /^DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA/;

function keywordsOf(w: Found, notes: Notes, labels: readonly string[] | null, place: Place, a: Around): string[] {
	const noted = a.manifest?.messages.get(w.path);
	const nothing = w.form === "mbox" ? notes.none : !w.maildir && !noted;
	const all = [...(noted?.keywords ?? []), ...(w.maildir?.keywords ?? []), ...notes.keywords, ...(labels ?? [])];
	if (nothing)
		all.push("$seen", ...(place.role === "drafts" ? ["$draft"] : []));
	return [...new Set(all)].filter(isKeyword);
}

/** Fields that may be the file's. Where an export of ours says so, all behind that are the message's own. */
function storedFields(fields: readonly Field[], own: boolean): readonly Field[] {
	const last = own ? fields.findIndex((f) => f.name === "x-letterlock-original") : -1;
	return last < 0 ? fields : fields.slice(0, last + 1);
}

export async function letterOf(w: Found, a: Around): Promise<Letter> {
	const end = headEnd(w.raw);
	const fields = fieldsOf(w.raw, end);
	const stored = w.form === "mbox" ? storedFields(fields, manifestPlace(w, a.manifest) !== null) : [];
	const notes = notesOf(stored);
	const labels = notes.labels && labelPlace(notes.labels);
	const place = filePlace(w, a);
	const noted = a.manifest?.messages.get(w.path)?.receivedAt;
	const time = noted ? Date.parse(noted) : received(w, fields);
	const out: Letter = {
		after: w.after, path: w.path, subject: headText(fields, "subject"), from: headText(fields, "from"), bytes: w.raw, sha: "", original: a.manifest && notes.original,
		messageId: messageIdOf(fields), keywords: keywordsOf(w, notes, labels?.keywords ?? null, place, a),
		receivedAt: time === null || Number.isNaN(time) ? null : utcDate(time),
		places: labels ? [...labels.roles.map((role) => ({ role, folder: [] })), ...labels.folders.map(placeOf)] : [place],
		skip: notes.deleted || Boolean(w.maildir?.deleted) || internal.test(headText(fields, "subject")),
		failed: w.tooLarge ? "tooLarge" : fields.length === 0 ? "notMessage" : null,
	};
	if (out.failed || out.skip)
		return { ...out, bytes: new Uint8Array(0) };
	out.bytes = plainBytes(w, stored, end, noted !== undefined);
	out.sha = await sha256(out.bytes);
	return out;
}

/** exact: of our own exports, in which every byte is as it was. */
function plainBytes(w: Found, fields: readonly Field[], end: number, exact: boolean): Bytes {
	if (w.form !== "mbox")
		return exact ? w.raw : withCrlf(w.raw);
	// Fields first: their places are those of the bytes as they were read.
	const head = withoutStorage(w.raw.subarray(0, end), fields);
	const text = w.quoted ? unquoted(w.raw, end).subarray(end) : w.raw.subarray(end);
	const whole = new Uint8Array(head.length + text.length);
	whole.set(head);
	whole.set(text, head.length);
	return withCrlf(whole);
}

function messageIdOf(fields: readonly Field[]): string | null {
	const value = fields.find((f) => f.name === "message-id")?.value ?? "";
	return /<([^<>]+)>/.exec(value)?.[1]?.trim() || null;
}
