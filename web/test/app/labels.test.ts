// Labels as keywords: what a keyword cannot hold comes back as it was written.
import assert from "node:assert/strict";
import test from "node:test";
import { labelName } from "../../src/app/mail/label_names.ts";
import { keywordOf } from "../../src/app/mail/boxes/keyword.ts";

test("a label is a keyword that other programs can hold, and reads as it was written", () => {
	for (const [name, keyword] of [["work", "work"], ["Büro & mehr", "b=c3=bcro_&_mehr"], [" a  b ", "a_b"], ["50% (=half)", "50=25_=28=3dhalf=29"], ["旅行", "=e6=97=85=e8=a1=8c"]] as const) {
		assert.equal(keywordOf(name), keyword);
		assert.equal(labelName(keyword).toLowerCase(), name.trim().replace(/\s+/g, " ").toLowerCase());
	}
});

test("a long label ends with a whole character", () => {
	const keyword = keywordOf("ä".repeat(100));
	assert.ok(keyword.length <= 255);
	assert.equal(labelName(keyword).toLowerCase(), "ä".repeat(42));
});

test("another program's keyword is shown as it is", () => {
	assert.equal(labelName("odd=ff"), "Odd=ff");
});
