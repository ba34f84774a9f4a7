// What a conversation says on paper: of each message that is unfolded, from whom and to whom, when to the minute and in
// which time zone, and what was attached. It stands in the page only while it is printed.
import { t } from "../../i18n/index.ts";
import type { Address, Id } from "../../jmap/types.ts";
import { fileSize, fullDate } from "../dates.ts";
import { mail, store } from "./state.ts";
import { unturned } from "./warnings.ts";
import css from "./paper.module.css";

const mailbox = (a: Address) => (a.name ? `${a.name} <${a.email}>` : a.email);
const list = (all: readonly Address[] | null) => (all ?? []).map(mailbox).join(", ");

function linesOf(id: Id): [string, string][] {
	const email = mail().full.peek(id);
	if (!email)
		return [];
	const files = email.attachments.filter((a) => a.blobId && a.disposition !== "inline");
	const lines: [string, string][] = [
		[t("from"), list(email.from) || t("unknownSender")], [t("to"), list(email.to)], [t("cc"), list(email.cc)], [t("bcc"), list(email.bcc)],
		[t("date"), fullDate(email.sentAt ?? email.receivedAt)], [t("subject"), mail().emails.peek(id)?.subject ?? email.subject ?? ""],
		[t("attachments", { n: files.length }), files.map((a) => `${unturned(a.name ?? "") || t("unnamedFile")} (${fileSize(a.size)})`).join(", ")],
	];
	return lines.filter(([, value]) => value);
}

function headOf(id: Id): HTMLElement {
	const dl = document.createElement("dl");
	dl.className = css.head ?? "";
	for (const [name, value] of linesOf(id)) {
		const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
		dt.textContent = name;
		dd.textContent = value;
		dl.append(dt, dd);
	}
	return dl;
}

const frames = () => document.querySelectorAll<HTMLIFrameElement>("[data-message] iframe");

function before(): void {
	after();
	if (!store.peek())
		return;
	for (const message of document.querySelectorAll<HTMLElement>("[data-message]"))
		message.prepend(headOf(message.dataset["message"] ?? ""));
	// Its height was told for the width that it has now, and it cannot tell another before it is on paper.
	for (const frame of frames())
		frame.style.minInlineSize = `${frame.offsetWidth}px`;
}

function after(): void {
	document.querySelectorAll(`.${css.head ?? ""}`).forEach((el) => el.remove());
	for (const frame of frames())
		frame.style.minInlineSize = "";
}

/** The message alone. The browser's own way of printing takes the whole conversation, as far as it is unfolded. */
export function printOne(id: Id): void {
	const chosen = document.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`);
	const others = [...document.querySelectorAll<HTMLElement>("[data-message]")].filter((el) => el !== chosen);
	for (const el of others)
		el.classList.add(css.other ?? "");
	addEventListener("afterprint", () => others.forEach((el) => el.classList.remove(css.other ?? "")), { once: true });
	print();
}

addEventListener("beforeprint", before);
addEventListener("afterprint", after);
