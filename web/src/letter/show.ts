// The opened letter: who wrote it, its text, its attachments, and the way to answer.
import { utf8Decode } from "../keys/bytes";
import { type Letter, type LetterKeys, letterPart } from "../keys/letter";
import { unturned } from "../app/mail/warnings.ts";
import { LetterProblem, part } from "./api.ts";
import { h, linked } from "./dom.ts";
import { htmlFrame, type Picture } from "./frame.ts";
import { answerForm } from "./answer.ts";
import { t, usedLanguage } from "./texts.ts";

export interface OpenedLetter { keys: LetterKeys; letter: Letter; sizes: number[]; expires: number }

export const percent = (done: number) => new Intl.NumberFormat(usedLanguage(), { style: "percent" }).format(done);

export function fileSize(bytes: number): string {
	const [unit, size] = bytes < 1e6 ? ["kilobyte", bytes / 1e3] as const : ["megabyte", bytes / 1e6] as const;
	return new Intl.NumberFormat(usedLanguage(), { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
}

const noProgress = () => undefined;

/** Part n of those that the letter names. */
async function content(o: OpenedLetter, n: number, progress: (done: number) => void = noProgress) {
	return letterPart(o.letter, n, await part(o.keys, n + 1, o.sizes[n + 1] ?? 0, progress));
}

/** Where the HTML is, if there is any, and what is an attachment. */
function layout(letter: Letter): { html: number; files: number[] } {
	const html = letter.parts[1]?.type === "text/html" && letter.parts[1].name === "" ? 1 : 0;
	return { html, files: letter.parts.map((_, i) => i).slice(html + 1) };
}

function save(bytes: Uint8Array<ArrayBuffer>, name: string): void {
	// Whatever it is, it is saved and not shown: the page's own address must not get a stranger's page.
	const href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
	const a = h("a", { href, download: name });
	document.body.append(a);
	a.click();
	a.remove();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** It may be over meanwhile. */
function whyNot(e: unknown): "expired" | "withdrawn" | "used" | "offline" | "failed" {
	const code = e instanceof LetterProblem ? e.code : "";
	return code === "expired" || code === "withdrawn" || code === "used" || code === "offline" ? code : "failed";
}

function fileRow(o: OpenedLetter, n: number): HTMLElement {
	const { name: given, size } = o.letter.parts[n] as Letter["parts"][number];
	const name = unturned(given).replace(/[/\\\0-\x1f]/g, "_") || t("unnamed");
	const note = h("span", { role: "status" });
	const button = h("button", { type: "button", className: "file" }, h("b", {}, t("save", { name })), h("small", {}, fileSize(size)), note);
	button.addEventListener("click", () => {
		button.disabled = true;
		content(o, n, (done) => { note.textContent = t("loading", { name, percent: percent(done) }); }).then(
			(bytes) => { note.textContent = ""; save(bytes, name); },
			(e: unknown) => { note.textContent = t(whyNot(e)); },
		).finally(() => { button.disabled = false; });
	});
	return h("li", {}, button);
}

async function pictures(o: OpenedLetter, cids: readonly string[]): Promise<Picture[]> {
	const found = cids.flatMap((cid) => {
		const n = o.letter.parts.findIndex((p) => p.cid === cid && p.type.startsWith("image/") && !p.type.includes("svg"));
		return n > 0 ? [{ cid, n }] : [];
	});
	return Promise.all(found.map(async ({ cid, n }) => ({ cid, type: o.letter.parts[n]?.type ?? "", content: await content(o, n) })));
}

async function body(o: OpenedLetter, html: number): Promise<HTMLElement> {
	const text = utf8Decode(await content(o, html));
	return html ? htmlFrame(text, (cids) => pictures(o, cids)) : h("div", { className: "text" }, ...linked(text));
}

export async function showLetter(o: OpenedLetter, longDate: (seconds: number) => string): Promise<HTMLElement[]> {
	const { letter } = o;
	const { html, files } = layout(letter);
	const listed = files.filter((n) => !html || !letter.parts[n]?.cid);
	const heading = h("h1", { tabIndex: -1 }, letter.subject || t("noSubject"));
	const who = letter.name ? `${letter.name} <${letter.from}>` : letter.from;
	const head = h("header", {}, heading,
		h("p", {}, h("span", { className: "small" }, `${t("from")} `), h("b", {}, unturned(who))),
		h("p", { className: "small" }, longDate(letter.date), " · ", t("until", { date: longDate(o.expires) })));
	const list = listed.length ? h("section", {}, h("h2", {}, t("attachments")), h("ul", { className: "files" }, ...listed.map((n) => fileRow(o, n)))) : null;
	const article = h("article", { className: "card letter", "data-open": "true" }, head, await body(o, html), list);
	document.title = letter.subject || t("title");
	setTimeout(() => heading.focus());
	return [article, ...(letter.replyKey.length ? [answerForm(o)] : []), h("p", { className: "small about" }, t("about"))];
}
