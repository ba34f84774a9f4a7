// Bundles conversation.ts and runs it; arguments are handed on.
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, "..", "node_modules", ".demo-"));
try {
	const outfile = join(out, "conversation.mjs");
	await esbuild.build({
		entryPoints: [join(here, "conversation.ts")], outfile, bundle: true, format: "esm", platform: "node", target: "node18",
		define: { WORKER_URLS: "{}" }, logLevel: "warning",
		banner: {
			js: 'import { createRequire as _cr } from "node:module"; const require = _cr(import.meta.url);' +
				'import { webcrypto as _wc } from "node:crypto"; globalThis.crypto ??= _wc;',
		},
	});
	await import(pathToFileURL(outfile));
} finally {
	rmSync(out, { recursive: true, force: true });
}
