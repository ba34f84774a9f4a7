// What the settings say of the build that a server gives out.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { readBuild } from "../../src/app/settings/build.ts";

const hash = createHash("sha384").update("app").digest("base64");
const manifest = `letterlock web manifest 1\nversion 0.1.0\nview /index.html\n\nfile /assets/a-1.js\nsize 9\nsha384 ${"x".repeat(64)}\n\nfile /assets/app-1.js\nsize 3\nsha384 ${hash}\n`;
const own = createHash("sha384").update(manifest).digest();
const entry = (n: number, of: string) => `\nrelease ${n}\nversion 0.1.0\ndate 2026-11-2${n}\nmanifest ${of}\nprevious -\nsigner 00\nnext 00\nsignature AA==\n`;
const empty = "letterlock web log 1\n";
const script = { path: "/assets/app-1.js", integrity: `sha384-${hash}` };

test("the build is named as the command names it", async () => {
	const build = await readBuild(manifest, empty, script);
	assert.equal(build.version, "0.1.0");
	assert.equal(build.words.replaceAll(" ", ""), own.subarray(0, 16).toString("hex"));
	assert.match(build.words, /^[0-9a-f]{4}( [0-9a-f]{4}){7}$/);
	assert.equal(build.release, null);
	assert.equal(build.running, true);
});

test("the log's newest release is the one that counts", async () => {
	const ours = own.toString("base64");
	const of = async (log: string) => (await readBuild(manifest, log, script)).release;
	assert.deepEqual(await of(`letterlock web log 1\n${entry(1, "old")}${entry(2, ours)}`), { number: 2, date: "2026-11-22", ours: true });
	assert.deepEqual(await of(`letterlock web log 1\n${entry(1, ours)}${entry(2, "new")}`), { number: 2, date: "2026-11-22", ours: false });
	assert.equal(await of("<!doctype html>"), null);
});

test("a page of another build says so", async () => {
	const running = async (s: typeof script) => (await readBuild(manifest, empty, s)).running;
	assert.equal(await running({ ...script, path: "/assets/app-2.js" }), false);
	assert.equal(await running({ ...script, integrity: `sha384-${"x".repeat(64)}` }), false);
	assert.equal(await running({ path: "", integrity: "" }), false);
	await assert.rejects(readBuild("<!doctype html>", empty, script));
	await assert.rejects(readBuild("", empty, script));
});
