// Runs in the opaque frame that shows one HTML message. It gets clean HTML and images from the page, puts them
// in place, tells its height, and hands links and keys to the page. It can reach neither page nor network.

interface Show {
	kind: "show";
	html: string;
	css: string;
	images: { key: string; type: string; data: ArrayBuffer }[];
	dark: boolean;
	quoteLabel: string;
}
interface AddImages { kind: "images"; images: Show["images"] }

const factory = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: { createHTML(s: string): string }): { createHTML(s: string): string } } }).trustedTypes;
const policy = factory?.createPolicy("mail", { createHTML: (s) => s }) ?? { createHTML: (s: string) => s };
const blank = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const tell = (message: Record<string, unknown>) => parent.postMessage(message, "*");
const quotes = ".gmail_quote,blockquote[type=cite],.protonmail_quote,.yahoo_quoted,#divRplyFwdMsg,.moz-cite-prefix";

const base = `
:root { color-scheme: light; }
html, body { margin: 0; overflow-y: hidden; }
body { padding: 2px 0 8px; font: 14px/1.55 system-ui, sans-serif; color: #15181e; overflow-wrap: break-word; background: #fff; }
img { max-width: 100%; }
img:not([data-ll-src]) { height: auto; }
img[data-ll-src] { min-width: 24px; min-height: 24px; background: #8883; border-radius: 4px; }
[hidden] { display: none !important; }
pre { white-space: pre-wrap; }
blockquote { margin: 8px 0 8px 2px; padding-left: 12px; border-left: 3px solid #cfd5e0; }
table { max-width: 100%; }
a { color: #2a55cf; }
details.ll-quote > summary { display: inline-block; list-style: none; cursor: pointer; padding: 0 9px; margin: 6px 0; border-radius: 6px; background: #e4e8f0; color: #4b5260; line-height: 16px; letter-spacing: 1px; }
@media screen {
html.dark { color-scheme: dark; background: #171a20; }
html.dark body { background: #171a20; color: #e9ebf1; }
html.dark a { color: #94b3ff; }
html.dark details.ll-quote > summary { background: #2a303b; color: #adb5c3; }
html.dark blockquote { border-color: #3b424f; }
html.invert { background: #171a20; }
html.invert body { background: #fff; filter: invert(0.91) hue-rotate(180deg); }
html.invert img, html.invert video, html.invert [background] { filter: invert(1) hue-rotate(180deg); }
}
@media print { details.ll-quote > summary { display: none; } }
`;

/** A message that sets no colours of its own is simply shown light on dark; any other is turned over. */
function paint(dark: boolean): void {
	const own = document.body.querySelector("[bgcolor],[color],[background],style,[style*=color],[style*=background],font[color]");
	document.documentElement.className = dark ? (own ? "invert" : "dark") : "";
}

function collapseQuote(label: string): void {
	const quote = document.body.querySelector<HTMLElement>(quotes);
	if (!quote || !document.body.textContent?.trim().replace(quote.textContent?.trim() ?? "", "").trim())
		return;
	const details = document.createElement("details");
	const summary = document.createElement("summary");
	details.className = "ll-quote";
	summary.textContent = "•••";
	summary.setAttribute("aria-label", label);
	quote.before(details);
	details.append(summary);
	// What follows the beginning of a quotation belongs to it where the program marks only its beginning.
	const open = quote.matches("#divRplyFwdMsg,.moz-cite-prefix");
	for (let node: ChildNode | null = quote; node;) {
		const next: ChildNode | null = open ? node.nextSibling : null;
		details.append(node);
		node = next;
	}
	details.addEventListener("toggle", height);
}

function place(images: Show["images"]): void {
	const urls = new Map(images.map((i) => [i.key, URL.createObjectURL(new Blob([i.data], { type: i.type }))]));
	for (const img of document.querySelectorAll<HTMLImageElement>("img[data-ll-src]")) {
		const url = urls.get(img.dataset.llSrc ?? "");
		if (!url)
			continue;
		delete img.dataset.llSrc;
		img.onload = height;
		img.src = url;
	}
}

/** In WebKit the width of a table counts for more than its max-width. */
function fitTables(): void {
	const room = document.documentElement.clientWidth;
	for (const table of document.querySelectorAll("table"))
		if (table.offsetWidth > room)
			table.style.width = `min(${table.offsetWidth}px, 100%)`;
}

let told = 0;
function height(): void {
	fitTables();
	const now = Math.ceil(Math.max(document.body.scrollHeight, document.body.getBoundingClientRect().height));
	if (now !== told)
		tell({ kind: "height", height: told = now });
}

/** Styles travel as data, because the page that cleaned them may not have any. */
function putStyles(css: string): void {
	const style = document.createElement("style");
	style.textContent = css;
	document.body.prepend(style);
	for (const el of document.querySelectorAll<HTMLElement>("[data-ll-style]")) {
		el.style.cssText = el.dataset.llStyle ?? "";
		el.removeAttribute("data-ll-style");
	}
	if (!css)
		style.remove();
	for (const img of document.querySelectorAll<HTMLImageElement>("img[data-ll-src]")) {
		img.src = blank;
		img.title ||= img.alt;
	}
}

function show(message: Show): void {
	const style = document.createElement("style");
	style.textContent = base;
	document.head.append(style);
	document.body.innerHTML = policy.createHTML(message.html);
	putStyles(message.css);
	// Whoever wrote from right to left does not always say so.
	if (!document.body.querySelector("[dir]"))
		document.body.dir = "auto";
	for (const link of document.querySelectorAll<HTMLAnchorElement>("a[href]")) {
		link.target = "_blank";
		link.rel = "noopener noreferrer";
	}
	collapseQuote(message.quoteLabel);
	paint(message.dark);
	place(message.images);
	new ResizeObserver(height).observe(document.body);
	height();
}

const linkOf = (e: Event) => (e.target as Element).closest?.("a[href]") as HTMLAnchorElement | null;

/** A text that is an address of another host than the link's is a lie. */
function lies(link: HTMLAnchorElement): boolean {
	const said = /^\s*(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[/:?#\s]|$)/iu.exec(link.textContent ?? "")?.[1]?.toLowerCase();
	const real = link.hostname.toLowerCase().replace(/^www\./, "");
	return Boolean(said) && said?.replace(/^www\./, "") !== real && !real.endsWith(`.${said}`);
}

addEventListener("message", (e: MessageEvent<Show | AddImages | { kind: "dark"; dark: boolean }>) => {
	if (e.source !== parent)
		return;
	if (e.data.kind === "show")
		show(e.data);
	else if (e.data.kind === "images")
		place(e.data.images);
	else
		paint(e.data.dark), height();
});
addEventListener("click", (e) => {
	const link = linkOf(e);
	if (link?.protocol === "mailto:") {
		e.preventDefault();
		tell({ kind: "mailto", href: link.href });
	} else if (link && lies(link)) {
		e.preventDefault();
		tell({ kind: "lie", href: link.href, text: link.textContent?.trim().slice(0, 200) });
	}
});
for (const type of ["pointerover", "focusin"])
	addEventListener(type, (e) => tell({ kind: "link", href: linkOf(e)?.href ?? "" }));
addEventListener("pointerout", () => tell({ kind: "link", href: "" }));
addEventListener("keydown", (e) => {
	if (!e.altKey && e.key !== "Tab" && (e.key.length === 1 || e.key === "Escape") && !(e.target as Element).closest("summary"))
		tell({ kind: "key", key: e.key, ctrlKey: e.ctrlKey, metaKey: e.metaKey, shiftKey: e.shiftKey });
});
tell({ kind: "ready" });
