// The letter's HTML, cleaned, in a frame of its own origin that loads nothing.
import { sanitize } from "../app/mail/sanitize.ts";
import { h } from "./dom.ts";
import { t } from "./texts.ts";

export interface Picture { cid: string; type: string; content: Uint8Array<ArrayBuffer> }
interface FromFrame { kind: string; height?: unknown; href?: unknown; text?: unknown }

/** Asked before a link is followed whose text is another address. */
function askAboutLie(href: string, text: string): void {
	const close = h("button", { type: "button", textContent: t("cancel") });
	const go = h("a", { className: "button danger", href, target: "_blank", rel: "noopener noreferrer", textContent: t("openLink") });
	const dialog = h("dialog", { "aria-label": t("linkLies") },
		h("h2", {}, t("linkLies")), h("p", {}, t("linkSays", { text })), h("p", {}, t("linkGoes"), " ", h("code", {}, href)), h("p", { className: "buttons" }, close, go));
	for (const el of [close, go])
		el.addEventListener("click", () => dialog.close());
	dialog.addEventListener("close", () => dialog.remove());
	document.body.append(dialog);
	dialog.showModal();
}

export function htmlFrame(html: string, pictures: (cids: readonly string[]) => Promise<Picture[]>): HTMLIFrameElement {
	const clean = sanitize(html);
	const frame = h("iframe", { src: "/letterframe", title: t("message") });
	const dark = matchMedia("(prefers-color-scheme: dark)");
	const post = (m: Record<string, unknown>) => frame.contentWindow?.postMessage(m, "*");
	const ready = () => {
		post({ kind: "show", html: clean.html, css: clean.css, images: [], dark: dark.matches, quoteLabel: t("quoted") });
		void pictures(clean.inline).then((list) => post({ kind: "images", images: list.map((p) => ({ key: `cid:${p.cid}`, type: p.type, data: p.content.buffer })) }));
	};
	addEventListener("message", (e: MessageEvent<FromFrame>) => {
		if (e.source !== frame.contentWindow || frame.contentWindow === null)
			return;
		if (e.data.kind === "ready")
			ready();
		else if (e.data.kind === "height")
			frame.height = String(Math.min(Number(e.data.height) || 0, 60_000));
		else if (e.data.kind === "lie")
			askAboutLie(String(e.data.href), String(e.data.text).slice(0, 200));
	});
	dark.addEventListener("change", () => post({ kind: "dark", dark: dark.matches }));
	return frame;
}
