// Makes a stranger's HTML harmless before it goes into the frame, which could do no harm either: no scripts,
// no forms, nothing that loads by itself. What would have been loaded is counted and can be asked for.
import DOMPurify, { type Config } from "dompurify";
import { isTracker } from "./trackers.ts";

export interface Clean {
	html: string;
	/** What its style elements said, cleaned. */
	css: string;
	/** Content-ids of images that are parts of the message. */
	inline: string[];
	/** Addresses of images elsewhere; nothing of them has been loaded. */
	remote: string[];
	/** How many other things of other hosts were taken out (backgrounds, fonts, sheets). */
	blocked: number;
	/** How many pictures were taken out that only count readers. */
	trackers: number;
}

const config: Config = {
	FORBID_TAGS: [
		"meta", "link", "base", "form", "input", "button", "select", "textarea", "option", "iframe", "frame", "frameset", "object", "embed",
		"applet", "video", "audio", "source", "track", "svg", "math", "dialog", "template", "slot", "title", "noscript", "style",
	],
	FORBID_ATTR: ["srcset", "ping", "action", "formaction", "autofocus", "popover", "popovertarget", "contenteditable", "tabindex", "accesskey", "id", "name", "usemap", "nonce", "is", "part", "slot", "style"],
	ALLOW_DATA_ATTR: false,
	ALLOW_ARIA_ATTR: false,
	WHOLE_DOCUMENT: false,
	FORCE_BODY: true,
	// Also values that are no addresses at all: the expression is asked about those of all attributes.
	ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto|tel|cid):|data:image\/(?:png|jpeg|gif|webp);base64,|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
	ADD_URI_SAFE_ATTR: ["data-ll-style"],
	ADD_ATTR: ["background", "bgcolor", "data-ll-style"],
};

const dataImage = /^data:image\/(png|jpe?g|gif|webp);base64,/i;

/** CSS with its escapes written out, so that u\72l( is seen for what it is. Only what is escaped in strings stays. */
function unescapeCss(css: string): string {
	return css.replace(/\\([0-9a-f]{1,6})\s?/gi, (_, hex: string) => {
		const code = Number.parseInt(hex, 16);
		return code > 31 && code < 0x110000 ? String.fromCodePoint(code) : "";
	}).replace(/\\(?!['"\\\r\n\f])/g, "");
}

/** What may load, or hide that something does. All else is left alone at once. */
const suspect = /[\\@(]|\/\*|-moz-binding|behavior/i;
const passesMost = 8;

/** Takes out of CSS all that loads. What is taken out may bring together what stood around it: until nothing is found. */
export function cleanCss(css: string): { css: string; blocked: number } {
	let blocked = 0;
	for (let pass = 0; pass < passesMost; pass++) {
		const cleaned = suspect.test(css) ? cleanOnce(css) : { css, blocked: 0 };
		blocked += cleaned.blocked;
		if (cleaned.css === css)
			return { css, blocked };
		css = cleaned.css;
	}
	return { css: "", blocked: blocked + 1 };
}

function cleanOnce(css: string): { css: string; blocked: number } {
	let blocked = 0;
	const count = () => {
		blocked++;
		return "none";
	};
	const out = unescapeCss(css)
		.replace(/\/\*[\s\S]*?(?:\*\/|$)/g, " ")
		.replace(/@(import|namespace|charset)\b[^;]*;?/gi, () => (blocked++, " "))
		.replace(/@font-face\s*\{[^}]*\}?/gi, () => (blocked++, " "))
		.replace(/(?:-webkit-)?(?:image-set|cross-fade|element|paint|image|src)\s*\((?:[^()]|\([^()]*\))*\)?/gi, count)
		.replace(/url\s*\(\s*(?:"[^"]*"|'[^']*'|[^)]*)\s*\)?/gi, (whole) => (/^url\(\s*["']?data:image\/(png|jpe?g|gif|webp);/i.test(whole) ? whole : count()))
		.replace(/expression\s*\(|-moz-binding|behavior\s*:/gi, " ");
	return { css: out, blocked };
}

function visit(node: Element, found: Clean): void {
	const style = node.getAttribute("data-ll-style");
	if (style) {
		const { css, blocked } = cleanCss(style);
		found.blocked += blocked;
		node.setAttribute("data-ll-style", css.replace(/position\s*:\s*(fixed|sticky)/gi, ""));
	}
	if (node.hasAttribute("background")) {
		node.removeAttribute("background");
		found.blocked++;
	}
	const src = node.getAttribute("src");
	if (src !== null && !(node.tagName === "IMG" && dataImage.test(src))) {
		node.removeAttribute("src");
		if (node.tagName === "IMG")
			takeImage(node, src, found);
	}
	const href = node.getAttribute("href");
	if (href && node.tagName !== "A" && node.tagName !== "AREA")
		node.removeAttribute("href");
}

function isPixel(img: Element): boolean {
	const small = (name: string) => /^[01](px)?$/.test(img.getAttribute(name) ?? "");
	return small("width") || small("height") || /(?:^|;)\s*(?:width|height)\s*:\s*[01]px/i.test(img.getAttribute("data-ll-style") ?? "");
}

function takeImage(img: Element, src: string, found: Clean): void {
	if (/^cid:/i.test(src)) {
		const cid = src.slice(4);
		found.inline.push(cid);
		img.setAttribute("data-ll-src", `cid:${cid}`);
	} else if (/^https?:/i.test(src)) {
		if (isPixel(img) || isTracker(src)) {
			found.trackers++;
			img.setAttribute("hidden", "");
			return;
		}
		found.remote.push(src);
		img.setAttribute("data-ll-src", src);
	}
}

const loaders = /^<(\/?)(?:base|link|meta|track|source|video|audio|object|embed|applet|iframe|frame|frameset|portal|fencedframe|svg|math|image|form|input)\b/i;

/** What a tag may not have even while it is parsed. Elements that load become unknown ones, which are dropped. */
function disarm(tag: string, found: Clean): string {
	const loads = loaders.test(tag);
	if (loads && /https?:|\/\//i.test(tag))
		found.blocked++;
	return (loads ? tag.replace(loaders, "<$1ll-gone") : tag)
		.replace(/([\s"'/])style(\s*=)/gi, "$1data-ll-style$2")
		.replace(/([\s"'/])on[a-z]+(\s*=)/gi, "$1data-ll-no$2");
}

/**
 * Styles are lifted out, and tags disarmed, before the page parses anything: the page's own policy forbids what
 * they ask for, and would report each of them. This is no defence: what it misses is dropped by what follows.
 */
function lift(html: string, found: Clean): string {
	const sheets: string[] = [];
	const rest = html
		.replace(/<style\b[^>]*>([\s\S]*?)(?:<\/style\s*>|$)/gi, (_, css: string) => {
			const cleaned = cleanCss(css);
			found.blocked += cleaned.blocked;
			sheets.push(cleaned.css.replace(/<!--|-->/g, ""));
			return "";
		})
		.replace(/<\/?[a-z][^>]*>/gi, (tag) => disarm(tag, found));
	found.css = sheets.join("\n");
	return rest;
}

export function sanitize(html: string): Clean {
	const found: Clean = { html: "", css: "", inline: [], remote: [], blocked: 0, trackers: 0 };
	const lifted = lift(html, found);

	DOMPurify.removeAllHooks();
	DOMPurify.addHook("afterSanitizeAttributes", (node) => visit(node as Element, found));
	found.html = String(DOMPurify.sanitize(lifted, config));
	found.remote = [...new Set(found.remote)];
	return found;
}

const lineEnds = /<br\b[^>]*>|<\/(?:p|div|tr|li|h[1-6]|blockquote|pre|table|ul|ol)>/gi;

/** What a letter says that has no text beside its HTML. */
export function textOf(html: string): string {
	const lines = sanitize(html).html.replace(/\s+/g, " ").replace(lineEnds, "$&\n");
	DOMPurify.removeAllHooks();
	const body = DOMPurify.sanitize(lines, { ALLOWED_TAGS: ["body"], RETURN_DOM: true });
	return (body.textContent ?? "").replace(/[ \t]*\n[ \t]*/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}
