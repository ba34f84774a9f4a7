// Reading safely: styles that load, quotations, warnings.
import { test } from "node:test";
import assert from "node:assert/strict";
import { cleanCss } from "../../src/app/mail/sanitize.ts";
import { dmarcResult, isAuthentic } from "../../src/jmap/auth_results.ts";
import { blocksOf, trailingQuote } from "../../src/app/mail/text_body.tsx";
import { imitates, isDangerous, showsOtherAddress, skeleton, unturned } from "../../src/app/mail/warnings.ts";

const loading = [
	"background:url(https://t.example/a)", "background:URL( 'https://t.example/a' )", "background:u\\72l(https://t.example/a)", "background:\\75\\72\\6c(https://t.example/a)",
	"@import url(https://t.example/a);", "@import 'https://t.example/a'", "@\\69mport 'https://t.example/a';", "@font-face{font-family:x;src:url(https://t.example/f)}",
	"background:image-set(\"https://t.example/a\" 1x)", "background:-webkit-image-set(url(https://t.example/a) 1x)", "cursor:url(https://t.example/a),auto",
	"list-style:url(//t.example/a)", "background:url(https://t.example/a", "background:u/**/rl(https://t.example/a);background:url/**/(https://t.example/a)",
	"background:\\5c 75rl(https://t.example/a)", "background:image\\-set('https://t.example/a' 1x)", "background:\\5c\\5c 75rl(https://t.example/a)",
	"background:uexpression(rl(https://t.example/a)", "background:u-moz-bindingrl(https://t.example/a)", "@im@import;port 'https://t.example/a';",
	"@@import;import 'https://t.example/a'", "background:u/*a*/rl(https://t.example/a)/*", "background:ubehavior:rl(https://t.example/a)",
	"content:url(https://t.example/a)", "filter:url(https://t.example/a#b)", "background:cross-fade(url(https://t.example/a),red)", "src:src(\"https://t.example/a\")",
];

for (const css of loading)
	test(`loads nothing: ${css}`, () => {
		const { css: out, blocked } = cleanCss(css);
		assert.doesNotMatch(out, /(?:url|image-set|cross-fade|src)\s*\(\s*["']?(?!data:)|@import|@font-face/i);
		assert.ok(blocked > 0 || !/url/i.test(out));
		assert.deepEqual(cleanCss(out), { css: out, blocked: 0 }, "nothing is left to be found");
	});

test("styles that load nothing stay", () => {
	const css = "color:#7a3b00;background:url(data:image/png;base64,AAAA);padding:4px";
	assert.deepEqual(cleanCss(css), { css, blocked: 0 });
});

test("lines of one depth are one block", () => {
	assert.deepEqual(blocksOf("a\nb\n> c\n>> d\n> > e\nf"), [
		{ depth: 0, text: "a\nb" }, { depth: 1, text: "c" }, { depth: 2, text: "d\ne" }, { depth: 0, text: "f" },
	]);
});

test("only a quotation at the end is folded", () => {
	assert.equal(trailingQuote(blocksOf("a\n> b\nc")), 3);
	assert.equal(trailingQuote(blocksOf("a\n\n> b\n> c")), 1);
	assert.equal(trailingQuote(blocksOf("> only")), 1);
});

test("programs are told by their names, also behind another one", () => {
	for (const name of ["a.pdf.exe", "A.SCR", "x.lnk", "m.docm", "setup.exe. ", "a.pdf      .scr", "in\u202efdp.exe", "a.e\u200bxe"])
		assert.ok(isDangerous({ name, type: "application/pdf" }), name);
	for (const name of ["a.pdf", "exe.txt", "report.docx", null])
		assert.ok(!isDangerous({ name, type: "application/pdf" }));
});

test("a file's name ends where it is seen to end", () => {
	assert.equal(unturned("in\u202efdp.exe"), "infdp.exe");
	assert.equal(unturned("\u2067a.pdf\u2069"), "a.pdf");
});

test("somebody who looks like somebody known", () => {
	const known = new Map([["marta@lindqvist.example", "Marta Lindqvist"]]);
	assert.equal(imitates({ name: "x", email: "marta@lindqvist.example" }, known), null);
	assert.equal(imitates({ name: null, email: "mаrta@lindqvist.example" }, known), "marta@lindqvist.example");
	assert.equal(imitates({ name: "Marta Lindqvist", email: "other@free.example" }, known), "marta@lindqvist.example");
	assert.equal(imitates({ name: "Marta", email: "other@free.example" }, known), null);
	assert.equal(skeleton("rnicro5oft"), skeleton("microsoft"));
});

test("names in other scripts, and with signs that are not seen", () => {
	const known = new Map([["marta@lindqvist.example", "Marta Lindqvist"]]);
	for (const name of ["Маrtа Lindqvist", "Mar\u200bta Lindq\u00advist", "Marta Iindqvist", "ΜΑRΤΑ LINDQVIST"])
		assert.equal(imitates({ name, email: "x@other.example" }, known), "marta@lindqvist.example", name);
});

test("a name that shows another's address", () => {
	const email = "m@sender.example";
	for (const name of ["a@b.example", "A <a@b.example>", "a@b.example via m@sender.example", "a＠b.example", "a@b\u200b.example"])
		assert.ok(showsOtherAddress({ name, email }), name);
	for (const name of ["M@Sender.Example", "M at home", "M @ work", null, "'m@sender.example'", "m@sender.example (M.)"])
		assert.ok(!showsOtherAddress({ name, email }), String(name));
});

const results: [string, string[] | null][] = [
	["fail", ["mx.test; spf=pass; dmarc=fail (p=reject) header.from=a.test"]],
	["pass", ["mx.test; dmarc=pass header.from=fail.test", "other.test; dmarc=fail header.from=a.test"]],
	["fail", ["mx.test; dmarc=fail header.from=a.test", "other.test; dmarc=pass header.from=a.test"]],
	["fail", ["mx.test; spf=pass smtp.mailfrom=dmarc=pass@a.test; dmarc=fail"]],
	["fail", ["mx.test; spf=pass smtp.mailfrom=\"; dmarc=pass\"@a.test; dmarc=fail"]],
	["fail", ["mx.test; spf=pass (; dmarc=pass (x) ; dmarc=pass) smtp.mailfrom=a.test; dmarc = fail"]],
	["fail", ["mx.test; xdmarc=pass; dmarc/1=fail"]],
	["none", ["mx.test; spf=pass smtp.mailfrom=\";dmarc=pass@a.test"]],
	["none", ["dmarc=pass"]],
	["none", []],
	["none", null],
];
for (const [want, fields] of results)
	test(`DMARC is read from the result, not from words: ${fields?.[0]}`, () => assert.equal(dmarcResult(fields), want));

test("who wrote from this server has signed in", () => {
	assert.ok(isAuthentic(["mx.test; auth=pass smtp.mailfrom=a@a.test"]));
	assert.ok(isAuthentic(["mx.test; spf=fail; dmarc=pass header.from=a.test"]));
	for (const fields of [["mx.test; spf=pass; dmarc=none", "mx.test; auth=pass"], ["mx.test; auth=fail"], ["mx.test; spf=pass smtp.mailfrom=\"; auth=pass\"@a.test"],
		["mx.test; x-auth=pass; arc=pass"], null])
		assert.ok(!isAuthentic(fields), String(fields));
});
