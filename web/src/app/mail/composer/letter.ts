// What a letter is made of while it is written, and how it becomes a JMAP Email.
import { t } from "./texts.ts";
import type { Address, FullEmail, Id, Identity } from "../../../jmap/types.ts";
import { longDate } from "../../dates.ts";
import type { ComposeStart } from "../compose_state.ts";

export interface Attached {
	key: string;
	name: string;
	type: string;
	size: number;
	/** null until it has been sent to the server */
	blobId: Id | null;
	/** Set for images that stand in the text. */
	cid: string | null;
	progress: number;
	/** Why it is not part of the letter. */
	failed?: "lost" | "tooLarge";
	/** The file itself, where the page has it; a letter that will be encrypted does not send it otherwise. */
	data?: Blob | undefined;
}

export interface Letter {
	from: string;
	to: Address[];
	cc: Address[];
	bcc: Address[];
	subject: string;
	html: string;
	text: string;
	plain: boolean;
	inReplyTo: string[];
	references: string[];
	/** Given where the same letter may be put on the server more than once. */
	messageId?: string | undefined;
	/** The message this answers, which is marked so when it is sent. */
	answers: { id: Id; keyword: "$answered" | "$forwarded" } | null;
}

const escapeHtml = (s: string) => s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

/** A line is a line, as other mail programs write it; an empty one has something to be seen by. */
export function textToHtml(text: string): string {
	return text.split("\n").map((line) => `<div>${escapeHtml(line) || "<br>"}</div>`).join("");
}

/** "Re: " once, whatever stood there: also the forms of other languages. */
export function replySubject(subject: string, prefix: "Re" | "Fwd"): string {
	const bare = subject.replace(/^(\s*(re|aw|sv|vs|fwd?|wg|tr|rif|r|i)(\[\d+\])?\s*:\s*)+/i, "");
	return `${prefix}: ${bare}`;
}

const same = (a: Address, b: Address) => a.email.toLowerCase() === b.email.toLowerCase();

/** Addresses with blanks between them; what is no address stays whole, so that its writer sees it. */
function unnamed(part: string): Address[] {
	const words = part.split(/\s+/);
	return (words.every(validAddress) ? words : [part]).filter(Boolean).map((email) => ({ name: null, email }));
}

export function parseAddresses(text: string): Address[] {
	const out: Address[] = [];
	for (const part of text.match(/(?:"[^"]*"|<[^>]*>|[^,;\n])+/g) ?? []) {
		const m = /^\s*(?:"?([^"<]*?)"?\s*<([^>]+)>|([^\s<>]+))\s*$/.exec(part);
		const email = (m?.[2] ?? m?.[3] ?? "").trim();
		if (email)
			out.push({ name: m?.[1]?.trim() || null, email });
		else
			out.push(...unnamed(part.trim()));
	}
	return out;
}

export const validAddress = (email: string) => /^[^\s@<>",;]+@[^\s@<>",;.]+(?:\.[^\s@<>",;.]+)+$/u.test(email);

/** Who gets an answer: whoever wrote (or asked for answers elsewhere), and for all, everybody else but oneself. */
export function replyRecipients(email: Pick<FullEmail, "from" | "to" | "cc" | "replyTo">, own: readonly string[], all: boolean): { to: Address[]; cc: Address[] } {
	const isOwn = (a: Address) => own.includes(a.email.toLowerCase());
	const wrote = email.from?.some(isOwn);
	const to = wrote ? email.to ?? [] : email.replyTo?.length ? email.replyTo : email.from ?? [];
	if (!all)
		return { to: [...to], cc: [] };
	const more = wrote ? [] : (email.to ?? []).filter((a) => !isOwn(a));
	const everybody = [...to, ...more].filter((a, i, list) => list.findIndex((b) => same(a, b)) === i);
	return { to: everybody, cc: (email.cc ?? []).filter((a) => !isOwn(a) && !everybody.some((b) => same(a, b))) };
}

function bodyText(email: FullEmail): string {
	return email.textBody.map((p) => email.bodyValues[p.partId ?? ""]?.value ?? "").join("\n").trimEnd();
}

function attribution(email: FullEmail): string {
	const from = email.from?.[0];
	return t("onDateWrote", { date: longDate(email.sentAt ?? email.receivedAt), who: from?.name || from?.email || "" });
}

function forwardHead(email: FullEmail): string {
	const list = (a: Address[] | null) => (a ?? []).map((x) => (x.name ? `${x.name} <${x.email}>` : x.email)).join(", ");
	return [
		t("forwardedMessage"), `${t("from")}: ${list(email.from)}`, `${t("date")}: ${longDate(email.sentAt ?? email.receivedAt)}`,
		`${t("subject")}: ${email.subject ?? ""}`, `${t("to")}: ${list(email.to)}`,
	].join("\n");
}

function pickIdentity(identities: readonly Identity[], email?: FullEmail): Identity | undefined {
	const got = [...(email?.to ?? []), ...(email?.cc ?? []), ...(email?.from ?? [])].map((a) => a.email.toLowerCase());
	return identities.find((i) => got.includes(i.email.toLowerCase())) ?? identities[0];
}

const blank = textToHtml("");

/** A line to write on, and the signature below it. */
function beginning(i: Identity | undefined): string {
	const sign = i?.htmlSignature || (i?.textSignature ? textToHtml(i.textSignature) : "");
	return sign ? blank + blank + sign : blank;
}

const empty: Letter = { from: "", to: [], cc: [], bcc: [], subject: "", html: "", text: "", plain: false, inReplyTo: [], references: [], answers: null };

function mailtoLetter(href: string): Partial<Letter> {
	const url = new URL(href);
	const value = (name: string) => url.searchParams.get(name) ?? "";
	return {
		to: parseAddresses(decodeURIComponent(url.pathname)), cc: parseAddresses(value("cc")), subject: value("subject"),
		html: textToHtml(value("body")), text: value("body"),
	};
}

function answer(email: FullEmail, mode: "reply" | "replyAll" | "forward", own: readonly string[], quotedHtml: string, sign: string): Partial<Letter> {
	const forward = mode === "forward";
	const head = forward ? forwardHead(email) : attribution(email);
	const quote = forward ? quotedHtml : `<blockquote>${quotedHtml}</blockquote>`;
	const lines = bodyText(email);
	return {
		...(forward ? { to: [], cc: [] } : replyRecipients(email, own, mode === "replyAll")),
		subject: replySubject(email.subject ?? "", forward ? "Fwd" : "Re"),
		html: `${sign}${blank}${textToHtml(head)}${quote}`,
		text: `\n\n${head}\n${forward ? `\n${lines}` : lines.split("\n").map((l) => (l.startsWith(">") ? `>${l}` : `> ${l}`)).join("\n")}`,
		inReplyTo: forward ? [] : email.messageId ?? [],
		references: forward ? [] : [...(email.references ?? email.inReplyTo ?? []), ...(email.messageId ?? [])],
		answers: { id: email.id, keyword: forward ? "$forwarded" : "$answered" },
	};
}

/** The letter as it is when the editor opens. quotedHtml is the sanitised text that is answered. */
export function startLetter(start: ComposeStart, identities: readonly Identity[], quotedHtml: string, plain: boolean): Letter {
	const email = "email" in start ? start.email : undefined;
	const identity = pickIdentity(identities, email);
	const sign = beginning(identity);
	const base: Letter = { ...empty, plain, from: identity?.email ?? "", html: sign, text: identity?.textSignature ? `\n\n-- \n${identity.textSignature}` : "" };
	if (start.mode === "mailto")
		return { ...base, ...mailtoLetter(start.href) };
	if (!email || start.mode === "new" || start.mode === "again" || start.mode === "here")
		return base;
	if (start.mode === "draft")
		return {
			...base, from: email.from?.[0]?.email ?? base.from, to: email.to ?? [], cc: email.cc ?? [], bcc: email.bcc ?? [], subject: email.subject ?? "",
			html: quotedHtml, text: bodyText(email), inReplyTo: email.inReplyTo ?? [], references: email.references ?? [],
			plain: email.htmlBody[0]?.type !== "text/html",
		};
	return { ...base, ...answer(email, start.mode, identities.map((i) => i.email.toLowerCase()), quotedHtml, sign) };
}

interface Part { partId?: string; blobId?: Id; type?: string; name?: string; disposition?: string; cid?: string; charset?: string; subParts?: Part[] }

function structure(letter: Letter, files: readonly Attached[]): Part {
	const text: Part = { partId: "text", type: "text/plain" };
	const part = (f: Attached): Part => ({
		blobId: f.blobId as Id, type: f.type, name: f.name, disposition: f.cid ? "inline" : "attachment", ...(f.cid ? { cid: f.cid } : {}),
	});
	const inline = files.filter((f) => f.cid && f.blobId && letter.html.includes(`cid:${f.cid}`));
	const others = files.filter((f) => f.blobId && !inline.includes(f));
	const html: Part = { partId: "html", type: "text/html" };
	const related: Part = inline.length ? { type: "multipart/related", subParts: [html, ...inline.map(part)] } : html;
	const body: Part = letter.plain ? text : { type: "multipart/alternative", subParts: [text, related] };
	return others.length ? { type: "multipart/mixed", subParts: [body, ...others.map(part)] } : body;
}

/** The Email object that is created on the server. */
export function toEmail(letter: Letter, files: readonly Attached[], identity: Identity | undefined, drafts: Id): Record<string, unknown> {
	const list = (a: Address[]) => (a.length ? a : null);
	const value = (v: string) => ({ value: v, isEncodingProblem: false, isTruncated: false });
	return {
		mailboxIds: { [drafts]: true },
		keywords: { $draft: true, $seen: true },
		from: [{ name: identity?.name || null, email: letter.from }],
		to: list(letter.to), cc: list(letter.cc), bcc: list(letter.bcc),
		...(identity?.replyTo?.length ? { replyTo: identity.replyTo } : {}),
		subject: letter.subject,
		...(letter.messageId ? { messageId: [letter.messageId] } : {}),
		...(letter.inReplyTo.length ? { inReplyTo: letter.inReplyTo } : {}),
		...(letter.references.length ? { references: letter.references.slice(-30) } : {}),
		bodyStructure: structure(letter, files),
		bodyValues: { text: value(letter.text), ...(letter.plain ? {} : { html: value(`<!doctype html><html><body>${letter.html}</body></html>`) }) },
	};
}

const attachmentWords = /\b(attached|attachment|attaching|enclosed|im anhang|anbei|angehängt|beigefügt|ci-joint|ci-jointe|pièces? jointes?|en annexe)\b/iu;

/** Says that something is attached, in its own words, not in what it quotes. */
export function promisesAttachment(letter: Pick<Letter, "subject" | "text">): boolean {
	const own = letter.text.split("\n").filter((l) => !l.startsWith(">")).join("\n").split(/^--\s*$/m)[0] ?? "";
	return attachmentWords.test(own) || attachmentWords.test(letter.subject);
}
