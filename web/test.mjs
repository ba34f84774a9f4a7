// Bundles every test/**/*.test.ts for node and runs them; arguments are parts of file names to run only those. --peer: only those
// that talk to the server's C code, for a build of it in which the others would say nothing new.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(root, "node_modules", ".test-"));
const peer = process.argv.includes("--peer");
const wanted = process.argv.slice(2).filter((a) => a !== "--peer");
const talksToPeer = (file) => /^import .*\bPeer\b.* from ".*\/peer";$/m.test(readFileSync(file, "utf8"));

const tests = readdirSync(join(root, "test"), { recursive: true })
	.map(String)
	.filter((f) => f.endsWith(".test.ts") || f.endsWith(".test.tsx"))
	.filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
	.sort()
	.map((f) => join(root, "test", f))
	.filter((f) => !peer || talksToPeer(f));

try {
	if (tests.length === 0)
		throw new Error("there is no such test");
	await esbuild.build({
		entryPoints: tests,
		outdir: out,
		outbase: join(root, "test"),
		outExtension: { ".js": ".mjs" },
		bundle: true,
		format: "esm",
		platform: "node",
		target: "node18",
		jsx: "automatic",
		jsxImportSource: "preact",
		sourcemap: "inline",
		define: {
			WORKER_URLS: "{}",
			TEST_ROOT: JSON.stringify(join(root, "test")),
		},
		loader: { ".module.css": "local-css" },
		banner: {
			js: 'import { createRequire as _cr } from "node:module"; const require = _cr(import.meta.url);' +
				'import { webcrypto as _wc } from "node:crypto"; globalThis.crypto ??= _wc;',
		},
		logLevel: "warning",
	});
	const files = tests.map((t) => join(out, relative(join(root, "test"), t).replace(/\.tsx?$/, ".mjs")));
	process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files],
		{ stdio: "inherit" }).status ?? 1;
} finally {
	rmSync(out, { recursive: true, force: true });
}
