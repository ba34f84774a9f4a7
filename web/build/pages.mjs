// The few pages that are not made by script, and the policies they are served with.
import { createHash } from "node:crypto";

const source = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = (parts) => parts.join("; ");

const page = (importMap) => policy([
	"default-src 'none'",
	`script-src 'self' ${source(importMap)}`,
	"style-src 'self'",
	"img-src 'self' blob: data:",
	"media-src blob:",
	"font-src 'self'",
	"connect-src 'self'",
	"worker-src 'self'",
	"frame-src 'self'",
	"manifest-src 'self'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types dompurify ProseMirrorClipboard app",
]);

const frame = (script, ancestors = "frame-ancestors 'self'") => policy([
	"sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox",
	"default-src 'none'",
	`script-src ${source(script)}`,
	"style-src 'unsafe-inline'",
	"img-src blob: data:",
	"form-action 'none'",
	"base-uri 'none'",
	ancestors,
	"require-trusted-types-for 'script'",
	"trusted-types mail",
].filter(Boolean));

export const policies = {
	// Argon2 is WebAssembly; only the workers that need it may run it.
	worker: policy(["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"]),
	plainWorker: policy(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]),
	serviceWorker: policy(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]),
};

export function pageFor({ main, style, preload, integrity, font }) {
	const map = JSON.stringify({ imports: {}, integrity });
	const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Letterlock</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f4f5f7">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#14161b">
<link rel="manifest" href="/manifest.webmanifest">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="preload" href="${font}" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="${style.path}" integrity="${style.integrity}">
<script type="importmap">${map}</script>
${preload.map((p) => `<link rel="modulepreload" href="${p.path}" integrity="${p.integrity}">\n`).join("")}<script type="module" src="${main.path}" integrity="${main.integrity}"></script>
</head>
<body><div id="app"></div><noscript>Letterlock encrypts your mail on this device. For that it needs JavaScript.</noscript></body>
</html>
`;
	return { body, csp: page(map) };
}

export function mailFrame(script) {
	const body = `<!doctype html><html><head><meta charset="utf-8"><title>Message</title><meta name="referrer" content="no-referrer"></head><body><script>${script}</script></body></html>\n`;
	return { body, csp: frame(script) };
}

// A page of an origin of its own is nobody's "self": whoever may show letters in this frame cannot be named. It
// shows what it is given and can do nothing else.
export function letterFrame(script) {
	const { body } = mailFrame(script);
	return { body, csp: frame(script, "") };
}

const letter = (importMap) => policy([
	// No allow-same-origin: the page has an origin of its own (rule R13).
	"sandbox allow-scripts allow-downloads allow-forms allow-popups allow-popups-to-escape-sandbox",
	"default-src 'none'",
	`script-src 'self' 'wasm-unsafe-eval' ${source(importMap)}`,
	"style-src 'self'",
	"img-src data:",
	"connect-src 'self'",
	"frame-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types dompurify",
]);

export function letterPage({ main, style, later }) {
	const map = JSON.stringify({ imports: {}, integrity: { [later.path]: later.integrity } });
	const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Letterlock</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="stylesheet" href="${style.path}" integrity="${style.integrity}" crossorigin>
<script type="importmap">${map}</script>
<script type="module" src="${main.path}" integrity="${main.integrity}" crossorigin></script>
</head>
<body><main id="letter"></main><noscript>This letter is opened on your device. For that it needs JavaScript.</noscript></body>
</html>
`;
	return { body, csp: letter(map) };
}

export function webManifest() {
	const icon = (name, sizes, type, purpose) => ({ src: `/assets/${name}`, sizes, type, purpose });
	return JSON.stringify({
		id: "/",
		name: "Letterlock",
		short_name: "Letterlock",
		description: "Private mail",
		start_url: "/mail/inbox",
		scope: "/",
		display: "standalone",
		background_color: "#f4f5f7",
		theme_color: "#f4f5f7",
		categories: ["productivity", "communication"],
		icons: [
			icon("icon.svg", "any", "image/svg+xml", "any"),
			icon("icon-192.png", "192x192", "image/png", "any"),
			icon("icon-512.png", "512x512", "image/png", "any"),
			icon("icon-maskable.svg", "any", "image/svg+xml", "maskable"),
			icon("icon-maskable-512.png", "512x512", "image/png", "maskable"),
		],
		shortcuts: [{ name: "Write", url: "/mail/inbox#compose=mailto:", icons: [icon("icon-192.png", "192x192", "image/png", "any")] }],
		// The address stands behind the #, so that the server does not learn to whom somebody wants to write.
		protocol_handlers: [{ protocol: "mailto", url: "/mail/inbox#compose=%s" }],
	}) + "\n";
}
