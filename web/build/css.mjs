// CSS modules. Every module's class names become file_name, all modules become one stylesheet in the
// order of their paths, and a class that a component uses but no stylesheet has fails the build.
import { readFileSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import * as esbuild from "esbuild";

async function compileModule(file) {
	const result = await esbuild.build({
		stdin: {
			contents: `export { default } from ${JSON.stringify("./" + basename(file))};`,
			resolveDir: dirname(file),
		},
		bundle: true,
		write: false,
		format: "esm",
		outdir: "/out",
		loader: { ".module.css": "local-css" },
		minifyIdentifiers: false,
		logLevel: "silent",
	});
	const text = (end) => result.outputFiles.find((f) => f.path.endsWith(end))?.text ?? "";
	const css = text(".css");
	const names = Object.fromEntries(
		[...text(".js").matchAll(/^\s+"?([\w-]+)"?: "([\w-]+)",?$/gm)].map((m) => [m[1], m[2]]));
	return { css, names };
}

function checkUses(file, source, modules) {
	for (const [, local, path] of source.matchAll(/import (\w+) from "([^"]+\.module\.css)"/g)) {
		const names = modules.get(resolve(dirname(file), path))?.names ?? {};
		for (const [, name] of source.matchAll(new RegExp(`\\b${local}\\.(\\w+)`, "g")))
			if (!(name in names))
				throw new Error(`${file}: no class ${name} in ${path}`);
	}
}

export function cssModules(root) {
	const modules = new Map();
	const sheets = new Map();
	const users = new Set();

	const plugin = {
		name: "css-modules",
		setup(build) {
			build.onLoad({ filter: /\.module\.css$/ }, async ({ path }) => {
				if (!modules.has(path))
					modules.set(path, await compileModule(path));
				return { contents: `export default ${JSON.stringify(modules.get(path).names)};`, loader: "js" };
			});
			build.onLoad({ filter: /\.css$/ }, ({ path }) => {
				sheets.set(path, readFileSync(path, "utf8"));
				return { contents: "", loader: "js" };
			});
			build.onLoad({ filter: /src\/.*\.tsx$/ }, ({ path }) => {
				users.add(path);
				return undefined;
			});
		},
	};

	// Plain sheets first: they set the layers, the tokens and the fonts that the modules use.
	async function stylesheet() {
		const seen = new Map();
		for (const file of users)
			checkUses(file, readFileSync(file, "utf8"), modules);
		for (const file of modules.keys()) {
			if (seen.has(basename(file)))
				throw new Error(`two stylesheets are called ${basename(file)}`);
			seen.set(basename(file), file);
		}
		const order = (map) => [...map.keys()].sort((a, b) => (relative(root, a) < relative(root, b) ? -1 : 1));
		const text = [
			...order(sheets).map((f) => sheets.get(f)),
			...order(modules).map((f) => modules.get(f).css),
		].join("\n");
		return (await esbuild.transform(text, { loader: "css", minify: true, legalComments: "none" })).code;
	}
	return { plugin, stylesheet, files: () => [...modules.keys(), ...sheets.keys()] };
}
