// Every language has every text, with the same places to fill in and the plurals that it needs.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { en } from "../../src/i18n/en.ts";
import { de } from "../../src/i18n/de.ts";
import { fr } from "../../src/i18n/fr.ts";
import { format, preferredLanguage, type Text } from "../../src/i18n/index.ts";

const catalogues: Record<string, Record<string, Text>> = { en, de, fr };
const places = (text: Text) => [...new Set((typeof text === "string" ? [text] : Object.values(text)).join(" ").match(/\{\w+\}/g) ?? [])].sort();
const src = join(TEST_ROOT, "../src");

for (const [language, catalogue] of Object.entries(catalogues))
	test(`${language} is complete`, () => {
		assert.deepEqual(Object.keys(catalogue).sort(), Object.keys(en).sort());
		for (const [key, text] of Object.entries(catalogue)) {
			assert.deepEqual(places(text), places((en as Record<string, Text>)[key] as Text), key);
			assert.equal(typeof text, typeof (en as Record<string, Text>)[key], key);
			for (const form of typeof text === "string" ? [text] : Object.values(text))
				assert.ok(form.trim(), key);
		}
	});

test("plurals are chosen by the language", () => {
	const text = { one: "{n} message", other: "{n} messages" };
	const say = (language: string, n: number) => format(text, new Intl.PluralRules(language), { n }, (v) => new Intl.NumberFormat(language).format(v));
	assert.equal(say("en", 1), "1 message");
	assert.equal(say("en", 0), "0 messages");
	assert.equal(say("fr", 0), "0 message");
	assert.equal(say("de", 12_345), "12.345 messages");
});

test("a value that looks like a place is left alone", () => {
	assert.equal(format("to {names}", new Intl.PluralRules("en"), { names: "{n}" }, String), "to {n}");
});

test("the stored language wins, then the browser's, then English", () => {
	assert.equal(preferredLanguage("fr", ["de-DE"]), "fr");
	assert.equal(preferredLanguage(null, ["pt-BR", "de-AT", "en"]), "de");
	assert.equal(preferredLanguage("xx", ["pt"]), "en");
});

test("no text is left over", () => {
	const code = readdirSync(src, { recursive: true }).map(String).filter((f) => /\.tsx?$/.test(f) && !f.startsWith("i18n/"))
		.map((f) => readFileSync(join(src, f), "utf8")).join("\n");
	const composed = /^settings_/;
	const unused = Object.keys(en).filter((key) => !composed.test(key) && !new RegExp(`["']${key}["']`).test(code));
	assert.deepEqual(unused, []);
});
