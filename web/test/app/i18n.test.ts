// Every language has every text, with the same places to fill in and the plurals that it needs.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { en } from "../../src/i18n/en.ts";
import { de } from "../../src/i18n/de.ts";
import { fr } from "../../src/i18n/fr.ts";
import { format, preferredLanguage, useLanguage, type Text } from "../../src/i18n/index.ts";
import { catalogues as auth } from "../../src/app/auth/texts.ts";
import { catalogues as authorize } from "../../src/app/authorize/texts.ts";
import { catalogues as boxes } from "../../src/app/mail/boxes/texts.ts";
import { catalogues as composer } from "../../src/app/mail/composer/texts.ts";
import { catalogues as receipt } from "../../src/app/mail/receipt/texts.ts";
import { catalogues as offline } from "../../src/app/offline/texts.ts";
import { catalogues as pgp } from "../../src/app/pgp/texts.ts";
import { catalogues as settings, t as say } from "../../src/app/settings/texts.ts";
import { catalogues as imap } from "../../src/app/transfer/imap/texts.ts";
import { catalogues as letter } from "../../src/letter/texts.ts";
import { catalogues as letters } from "../../src/app/letters/texts.ts";
import { catalogues as transfer } from "../../src/app/transfer/texts.ts";

type Catalogues = Readonly<Record<"en" | "de" | "fr", Readonly<Record<string, Text>>>>;
const all: Readonly<Record<string, Catalogues>> = {
	"i18n": { en, de, fr },
	"app/auth/texts.ts": auth,
	"app/authorize/texts.ts": authorize,
	"app/letters/texts.ts": letters,
	"app/mail/boxes/texts.ts": boxes,
	"app/mail/composer/texts.ts": composer,
	"app/mail/receipt/texts.ts": receipt,
	"app/offline/texts.ts": offline,
	"app/pgp/texts.ts": pgp,
	"app/settings/texts.ts": settings,
	"app/transfer/imap/texts.ts": imap,
	"app/transfer/texts.ts": transfer,
	"letter/texts.ts": letter,
};
const places = (text: Text) => [...new Set((typeof text === "string" ? [text] : Object.values(text)).join(" ").match(/\{\w+\}/g) ?? [])].sort();
const src = join(TEST_ROOT, "../src");
const files = readdirSync(src, { recursive: true }).map(String).filter((f) => /\.tsx?$/.test(f));

test("every file of texts is looked at", () => {
	assert.deepEqual(files.filter((f) => f.endsWith("/texts.ts")).sort(), Object.keys(all).filter((f) => f.endsWith(".ts")));
});

for (const [part, { en, ...others }] of Object.entries(all))
	for (const [language, catalogue] of Object.entries({ en, ...others }))
		test(`${part} is complete in ${language}`, () => {
			assert.deepEqual(Object.keys(catalogue).sort(), Object.keys(en).sort());
			for (const [key, text] of Object.entries(catalogue)) {
				assert.deepEqual(places(text), places(en[key] as Text), key);
				assert.equal(typeof text, typeof en[key], key);
				for (const form of typeof text === "string" ? [text] : Object.values(text))
					assert.ok(form.trim(), key);
			}
		});

test("a part says its own texts, and those of the first load, in the language of the page", async () => {
	Object.assign(globalThis, { document: { documentElement: {} } }); // the page whose language is set
	assert.equal(say("cancel"), en.cancel);
	assert.equal(say("rulesLead"), settings.en.rulesLead);
	await useLanguage("de");
	assert.equal(say("cancel"), de.cancel);
	assert.equal(say("rulesLead"), settings.de.rulesLead);
	await useLanguage("en");
});

test("plurals are chosen by the language", () => {
	const text = { one: "{n} message", other: "{n} messages" };
	const count = (language: string, n: number) => format(text, new Intl.PluralRules(language), { n }, (v) => new Intl.NumberFormat(language).format(v));
	assert.equal(count("en", 1), "1 message");
	assert.equal(count("en", 0), "0 messages");
	assert.equal(count("fr", 0), "0 message");
	assert.equal(count("de", 12_345), "12.345 messages");
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
	const code = files.filter((f) => !f.startsWith("i18n/") && !f.endsWith("/texts.ts")).map((f) => readFileSync(join(src, f), "utf8")).join("\n");
	const composed = /^(settings|why|phase|state|role|err)_/;
	const unused = Object.values(all).flatMap(({ en }) => Object.keys(en)).filter((key) => !composed.test(key) && !new RegExp(`["']${key}["']`).test(code));
	assert.deepEqual(unused, []);
});
