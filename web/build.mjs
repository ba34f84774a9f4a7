// Builds the web client into one file that the server serves (see build/pack.mjs for its format), and
// the table of countries that stands beside it (see build/places.mjs).
//
//   node build.mjs [--out FILE] [--places FILE] [--depfile FILE] [--dist FOLDER]
//
// The same input gives the same bytes: nothing here reads a clock, a random number or the machine.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(fileURLToPath(import.meta.url));

const { values: options } = parseArgs({
	options: {
		out: { type: "string", default: join(root, "dist", "web.pack") },
		places: { type: "string" },
		dist: { type: "string" },
		depfile: { type: "string" },
	},
});

// Packages are installed once for each state of the lock file, without running their scripts.
function installPackages() {
	const lock = readFileSync(join(root, "package-lock.json"));
	const mark = createHash("sha256").update(lock).digest("hex");
	const stamp = join(root, "node_modules", ".letterlock");

	if (existsSync(stamp) && readFileSync(stamp, "utf8") === mark)
		return;
	console.log("Installing the packages of the web client");
	execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
		cwd: root,
		stdio: "inherit",
	});
	writeFileSync(stamp, mark);
}

function writeDist(folder, entries) {
	rmSync(folder, { recursive: true, force: true });
	for (const { path, body } of entries) {
		const file = join(folder, path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, body);
	}
}

function escapeForMake(path) {
	return path.replace(/[ #$]/g, (c) => (c === "$" ? "$$" : `\\${c}`));
}

installPackages();
const { bundle } = await import("./build/bundle.mjs");
const { pack } = await import("./build/pack.mjs");
const { placesFile } = await import("./build/places.mjs");
const { entries, inputs, report } = await bundle(root);
const out = resolve(options.out);

mkdirSync(dirname(out), { recursive: true });
if (options.dist)
	writeDist(resolve(options.dist), entries);
writeFileSync(out, pack(entries));
if (options.places)
	writeFileSync(resolve(options.places), await placesFile(root));
if (options.depfile)
	writeFileSync(options.depfile, `${options.out}: ${inputs.map(escapeForMake).join(" ")}\n`);
console.log(report);
