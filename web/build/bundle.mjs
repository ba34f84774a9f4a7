// Turns the sources into the files that are served: scripts with hashes in their names, one stylesheet,
// the page that names them with their integrity, the frame that mail is shown in, and the fonts.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import * as esbuild from "esbuild";
import { cssModules } from "./css.mjs";
import { pageFor, mailFrame, letterFrame, letterPage, policies, webManifest } from "./pages.mjs";
import { classes, gzip } from "./pack.mjs";

// What must have arrived before the first inbox is painted, compressed, in bytes.
const scriptBudget = 60_000;
const target = ["chrome120", "firefox128", "safari17.4"];

// Scripts of their own context: workers and the pages without the application. Built alone, unsplit.
const standalone = [
	{ name: "keys", file: "src/keys/worker.ts", class: classes.wasmWorker, policy: "worker" },
	{ name: "pgp", file: "src/pgp/worker.ts", class: classes.wasmWorker, policy: "worker" },
	{ name: "transfer", file: "src/app/transfer/worker.ts", class: classes.asset, policy: "plainWorker" },
	{ name: "sealReply", file: "src/letter/seal_reply.ts", class: classes.asset },
	{ name: "letter", file: "src/letter/main.ts", class: classes.asset, imports: { SEAL_REPLY: "sealReply" } },
	{ name: "frame", file: "src/mailframe/frame.ts", inline: true },
];

const hash = (algorithm, body, form) => createHash(algorithm).update(body).digest(form);
const integrity = (body) => `sha384-${hash("sha384", body, "base64")}`;
const hashedName = (name, body, end) => `/assets/${name}-${hash("sha256", body, "hex").slice(0, 10)}.${end}`;

const common = {
	bundle: true,
	write: false,
	minify: true,
	format: "esm",
	platform: "browser",
	target,
	metafile: true,
	legalComments: "none",
	charset: "utf8",
	jsx: "automatic",
	jsxImportSource: "preact",
	logLevel: "warning",
	loader: { ".svg": "dataurl" },
	define: { "process.env.NODE_ENV": '"production"' },
};

class Bundle {
	constructor(root) {
		this.root = root;
		this.entries = [];
		this.inputs = new Set();
		this.urls = {};
		this.inline = {};
	}

	add(path, type, kind, body, csp = "") {
		this.entries.push({ path, type, class: kind, csp, body: Buffer.from(body) });
		return path;
	}

	note(meta) {
		for (const input of Object.keys(meta.inputs))
			if (!input.startsWith("<"))
				this.inputs.add(resolve(this.root, input));
	}

	// imports: names in the script that stand for the paths of others, which it loads when it wants them.
	async buildAlone({ name, file, class: kind, policy, inline, imports = {} }) {
		const path = join(this.root, file);
		if (!existsSync(path))
			return;
		const result = await esbuild.build({
			...common, absWorkingDir: this.root, entryPoints: [path], outdir: "/assets", format: inline ? "iife" : "esm", external: ["/assets/*"],
			define: { ...common.define, ...Object.fromEntries(Object.entries(imports).map(([k, v]) => [k, JSON.stringify(this.urls[v])])) },
		});
		const body = result.outputFiles[0].contents;
		this.note(result.metafile);
		if (inline)
			this.inline[name] = Buffer.from(body).toString().trim();
		else
			this.urls[name] = this.add(hashedName(name, body, "js"), "text/javascript; charset=utf-8",
				kind, body, policy ? policies[policy] : "");
	}

	async buildApp(css) {
		const result = await esbuild.build({
			...common,
			absWorkingDir: this.root,
			entryPoints: { app: "src/app/main.tsx" },
			outdir: "/assets",
			entryNames: "[name]-[hash]",
			chunkNames: "[name]-[hash]",
			splitting: true,
			plugins: [css.plugin],
			define: { ...common.define, WORKER_URLS: JSON.stringify(this.urls) },
		});
		this.note(result.metafile);
		this.scripts = result.outputFiles.map((f) => ({ path: `/assets/${basename(f.path)}`, body: f.contents }));
		for (const { path, body } of this.scripts)
			this.add(path, "text/javascript; charset=utf-8", classes.asset, body);
		this.main = this.scripts.find((s) => basename(s.path).startsWith("app-"));
		this.first = this.firstScripts(result.metafile);
	}

	// The main script, all it imports statically, and what the inbox needs of the lazy ones.
	firstScripts(meta) {
		const byName = new Map(Object.entries(meta.outputs).map(([k, v]) => [`/assets/${basename(k)}`, v]));
		const todo = [this.main.path];
		for (const [name, output] of byName)
			if (/src\/app\/mail\/index\.tsx$/.test(output.entryPoint ?? ""))
				todo.push(name);
		const seen = new Set();
		for (let path = todo.pop(); path; path = todo.pop()) {
			seen.add(path);
			for (const { path: next, kind } of byName.get(path).imports) {
				const name = `/assets/${basename(next)}`;
				if (kind === "import-statement" && !seen.has(name))
					todo.push(name);
			}
		}
		return [...seen];
	}

	addFonts() {
		const folder = join(this.root, "node_modules/@fontsource-variable/inter/files");
		const faces = [];
		for (const set of ["latin", "latin-ext", "cyrillic", "greek"]) {
			const body = readFileSync(join(folder, `inter-${set}-wght-normal.woff2`));
			const path = this.add(hashedName(`inter-${set}`, body, "woff2"), "font/woff2", classes.asset, body);
			faces.push({ set, path });
		}
		return faces;
	}

	addStatic() {
		const folder = join(this.root, "static");
		this.inputs.add(folder);
		const types = { svg: "image/svg+xml", png: "image/png" };
		for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
			const path = join(folder, name);
			this.inputs.add(path);
			this.add(`/assets/${name}`, types[name.split(".").pop()], classes.other, readFileSync(path));
		}
	}

	integrityOf(path) {
		return integrity(this.entries.find((e) => e.path === path).body);
	}

	// The page of letters under a password, with its own small stylesheet, and the frame that their HTML is shown in.
	async addLetterPage() {
		const file = join(this.root, "src/letter/letter.css");
		this.inputs.add(file);
		const { code } = await esbuild.transform(readFileSync(file, "utf8"), { loader: "css", minify: true, target });
		const style = this.add(hashedName("letter", code, "css"), "text/css; charset=utf-8", classes.asset, code);
		const of = (path) => ({ path, integrity: this.integrityOf(path) });
		const page = letterPage({ main: of(this.urls.letter), style: of(style), later: of(this.urls.sealReply) });
		this.add("/letter", "text/html; charset=utf-8", classes.letter, page.body, page.csp);
		const frame = letterFrame(this.inline.frame);
		this.add("/letterframe", "text/html; charset=utf-8", classes.mailFrame, frame.body, frame.csp);
	}

	size(path) {
		return gzip(this.scripts.find((s) => s.path === path).body).length;
	}
}

// The service worker knows every file by name and hash; it fills its cache from this list. The page for letters
// to people without a key is not of the client, and letters of other scripts than Latin are fetched when they are
// needed.
async function addServiceWorker(bundle) {
	const file = "src/sw/sw.ts";
	if (!existsSync(join(bundle.root, file)))
		return;
	const shell = bundle.entries
		.filter((e) => e.class !== classes.letter && e.path !== bundle.urls.letter)
		.filter((e) => !/-(cyrillic|greek|latin-ext)-/.test(e.path))
		.map((e) => [e.path, integrity(e.body)])
		.sort((a, b) => (a[0] < b[0] ? -1 : 1));
	const version = hash("sha256", JSON.stringify(shell), "hex").slice(0, 16);
	const result = await esbuild.build({
		...common,
		absWorkingDir: bundle.root,
		entryPoints: [file],
		outdir: "/",
		format: "iife",
		define: { ...common.define, SHELL: JSON.stringify(shell), SHELL_VERSION: JSON.stringify(version) },
	});
	bundle.note(result.metafile);
	bundle.add("/sw.js", "text/javascript; charset=utf-8", classes.serviceWorker, result.outputFiles[0].contents,
		policies.serviceWorker);
}

function fontFaces(faces) {
	const ranges = {
		"latin": "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
		"latin-ext": "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF",
		"cyrillic": "U+0301,U+0400-045F,U+0490-0491,U+04B0-04B1,U+2116",
		"greek": "U+0370-0377,U+037A-037F,U+0384-038A,U+038C,U+038E-03A1,U+03A3-03FF",
	};
	return faces.map(({ set, path }) =>
		`@font-face{font-family:"Inter";font-style:normal;font-weight:100 900;font-display:swap;src:url("${path}") format("woff2");unicode-range:${ranges[set]}}`).join("\n");
}

export async function bundle(root) {
	const b = new Bundle(root);
	const css = cssModules(root);

	for (const script of standalone)
		await b.buildAlone(script);
	await b.buildApp(css);
	const faces = b.addFonts();
	const sheet = `${fontFaces(faces)}\n${await css.stylesheet()}`;
	const style = b.add(hashedName("app", sheet, "css"), "text/css; charset=utf-8", classes.asset, sheet);
	b.addStatic();

	const page = pageFor({
		main: { path: b.main.path, integrity: integrity(b.main.body) },
		style: { path: style, integrity: integrity(Buffer.from(sheet)) },
		preload: b.first.filter((p) => p !== b.main.path).sort()
			.map((p) => ({ path: p, integrity: integrity(b.scripts.find((s) => s.path === p).body) })),
		integrity: Object.fromEntries(b.scripts.map((s) => [s.path, integrity(s.body)]).sort()),
		font: faces[0].path,
	});
	b.add("/index.html", "text/html; charset=utf-8", classes.page, page.body, page.csp);
	if (b.inline.frame) {
		const frame = mailFrame(b.inline.frame);
		b.add("/mailframe", "text/html; charset=utf-8", classes.mailFrame, frame.body, frame.csp);
	}
	await b.addLetterPage();
	b.add("/manifest.webmanifest", "application/manifest+json", classes.other, webManifest());
	await addServiceWorker(b);

	const first = b.first.reduce((sum, p) => sum + b.size(p), 0);
	if (first > scriptBudget)
		throw new Error(`the first inbox needs ${first} bytes of script; ${scriptBudget} are allowed`);
	const own = [
		"build.mjs", "build/bundle.mjs", "build/pack.mjs", "build/css.mjs", "build/pages.mjs", "package-lock.json",
	].map((f) => join(root, f));
	return {
		entries: b.entries,
		inputs: [...new Set([...own, ...b.inputs, ...css.files()])].sort(),
		report: `web client: ${b.entries.length} files, first inbox ${(first / 1000).toFixed(1)} kB of script, ` +
			`stylesheet ${(gzip(Buffer.from(sheet)).length / 1000).toFixed(1)} kB (both compressed)`,
	};
}
