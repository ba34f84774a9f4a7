// Makes the corpus of keys anew: node test/corpus.mjs, with LETTERLOCK_KEYS_PEER.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = mkdtempSync(join(root, "node_modules", ".corpus-"));
const outfile = join(out, "make.mjs");

try {
	await esbuild.build({
		entryPoints: [join(root, "test/interop/make_corpus.ts")], outfile, bundle: true, format: "esm", platform: "node",
		target: "node18",
		banner: { js: 'import { webcrypto as _wc } from "node:crypto"; globalThis.crypto ??= _wc;' },
	});
	const env = { ...process.env, CORPUS: join(root, "../tests/corpus/keys") };
	process.exitCode = spawnSync(process.execPath, [outfile], { stdio: "inherit", env }).status ?? 1;
} finally {
	rmSync(out, { recursive: true, force: true });
}
