// Answering a letter: written here, encrypted here to its sender's key, sent with what proves that the letter
// could be read.
import type { Bytes } from "../keys/bytes";
import { LetterProblem, sendReply } from "./api.ts";
import { h } from "./dom.ts";
import type { Answer } from "./seal_reply.ts";
import { fileSize, percent, type OpenedLetter } from "./show.ts";
import { t } from "./texts.ts";

// The server takes 16 MiB of encrypted message, in which files are base64.
const FILES_MAX = 11_500_000;

declare const SEAL_REPLY: string;
type Sealing = { sealReply(key: Bytes, answer: Answer): Promise<Bytes> };

const again = (subject: string) => `Re: ${subject.replace(/^(\s*(re|aw)\s*:\s*)+/i, "")}`;

async function seal(o: OpenedLetter, text: string, files: readonly File[]): Promise<Bytes> {
	const { sealReply } = await import(SEAL_REPLY) as Sealing;
	const attachments = await Promise.all(files.map(async (f) => ({ name: f.name, type: f.type || "application/octet-stream", content: new Uint8Array(await f.arrayBuffer()) })));
	return sealReply(o.letter.replyKey, { subject: again(o.letter.subject), text, attachments });
}

interface Desk { files: File[]; list: HTMLUListElement }

function drawFiles(desk: Desk): void {
	desk.list.replaceChildren(...desk.files.map((f) => {
		const remove = h("button", { type: "button", className: "quiet", "aria-label": t("remove", { name: f.name }), textContent: "✕" });
		remove.addEventListener("click", () => { desk.files = desk.files.filter((o) => o !== f); drawFiles(desk); });
		return h("li", {}, h("b", {}, f.name), h("small", {}, fileSize(f.size)), remove);
	}));
}

function picker(desk: Desk): HTMLElement {
	const input = h("input", { type: "file", multiple: true, id: "files", className: "hidden" });
	const button = h("button", { type: "button", textContent: t("attach") });
	button.addEventListener("click", () => input.click());
	input.setAttribute("aria-label", t("attach"));
	input.addEventListener("change", () => { desk.files = [...desk.files, ...(input.files ?? [])]; input.value = ""; drawFiles(desk); });
	return h("span", {}, button, input);
}

function objection(text: string, files: readonly File[]): string | null {
	if (!text.trim() && files.length === 0)
		return t("empty");
	return files.reduce((sum, f) => sum + f.size, 0) > FILES_MAX ? t("tooLarge", { size: fileSize(FILES_MAX) }) : null;
}

function problemText(e: unknown): string {
	if (!(e instanceof LetterProblem))
		return t("failed");
	const known = { limit: "tooMany", expired: "expired", withdrawn: "withdrawn", offline: "offline" } as const;
	return t(e.code in known ? known[e.code as keyof typeof known] : "failed");
}

export function answerForm(o: OpenedLetter): HTMLElement {
	const who = o.letter.name || o.letter.from;
	const place = h("section", { className: "card answer" });
	const begin = h("button", { type: "button", className: "primary", textContent: t("reply") });
	begin.addEventListener("click", () => write());
	place.append(begin);

	const write = () => {
		const desk: Desk = { files: [], list: h("ul", { className: "files" }) };
		const text = h("textarea", { id: "answer", rows: 8 });
		const note = h("p", { role: "status" });
		const send = h("button", { type: "submit", className: "primary", textContent: t("send") });
		const cancel = h("button", { type: "button", textContent: t("cancel") });
		const form = h("form", {}, h("p", { className: "small" }, t("replyLead", { who })), h("label", { htmlFor: "answer" }, t("replyText")), text, desk.list, note,
			h("p", { className: "buttons" }, picker(desk), cancel, send));
		cancel.addEventListener("click", () => place.replaceChildren(begin));
		form.addEventListener("submit", (e) => {
			e.preventDefault();
			const why = objection(text.value, desk.files);
			note.dataset["bad"] = String(why !== null);
			note.textContent = why ?? t("encrypting");
			if (why !== null || send.disabled)
				return;
			send.disabled = true;
			seal(o, text.value, desk.files)
				.then((message) => sendReply(o.keys, message, (done) => { note.textContent = t("sending", { percent: percent(done) }); }))
				.then(() => sent(), (err: unknown) => {
					note.dataset["bad"] = "true";
					note.textContent = problemText(err);
					send.disabled = false;
				});
		});
		place.replaceChildren(form);
		text.focus();
	};
	const sent = () => {
		const more = h("button", { type: "button", textContent: t("another") });
		more.addEventListener("click", () => write());
		place.replaceChildren(h("p", { role: "status", "data-sent": "true" }, t("sent", { who })), more);
	};
	return place;
}
