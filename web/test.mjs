// Bundles every test/**/*.test.ts for node and runs them; arguments are parts of file names to run only those.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(root, "node_modules", ".test-"));
const wanted = process.argv.slice(2);

const tests = readdirSync(join(root, "test"), { recursive: true })
	.map(String)
	.filter((f) => f.endsWith(".test.ts") || f.endsWith(".test.tsx"))
	.filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
	.sort()
	.map((f) => join(root, "test", f));

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
