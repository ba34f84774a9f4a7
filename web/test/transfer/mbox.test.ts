// mbox files of all kinds, cut anywhere, and what only looks like one.
import { test } from "node:test";
import assert from "node:assert/strict";
import { bytesOf, concat, latin1 } from "../../src/app/transfer/bytes.ts";
import { isSeparator, type MboxMessage, MboxSplitter, unquoted } from "../../src/app/transfer/mbox.ts";
import { headEnd } from "../../src/app/transfer/message.ts";

const when = "Mon Jan  1 12:00:00 2024";
const plain = (n: number, text = `text ${n}\n`) => `From a@b ${when}\nSubject: ${n}\n\n${text}\n`;

function split(file: string | Uint8Array, step: number, largest = 1 << 20): MboxMessage[] {
	const bytes = typeof file === "string" ? bytesOf(file) : file;
	const splitter = new MboxSplitter(largest);
	const out: MboxMessage[] = [];
	for (let at = 0; at < bytes.length; at += step)
		out.push(...splitter.push(bytes.subarray(at, at + step)));
	return [...out, ...splitter.end()];
}
const texts = (all: readonly MboxMessage[]) => all.map((m) => latin1(m.raw));
const body = (m: MboxMessage) => {
	const raw = m.quoted ? unquoted(m.raw, headEnd(m.raw)) : m.raw;
	return latin1(raw.subarray(headEnd(raw)));
};

const cases: Record<string, { file: string; want: string[] }> = {
	"two messages": { file: plain(1) + plain(2), want: ["Subject: 1\n\ntext 1\n", "Subject: 2\n\ntext 2\n"] },
	"lines that end with CRLF": { file: (plain(1) + plain(2)).replace(/\n/g, "\r\n"), want: ["Subject: 1\r\n\r\ntext 1\r\n", "Subject: 2\r\n\r\ntext 2\r\n"] },
	"no line end at the end": { file: `${plain(1)}From a@b ${when}\nSubject: 2\n\nlast`, want: ["Subject: 1\n\ntext 1\n", "Subject: 2\n\nlast"] },
	"empty lines before and within": { file: `\n\n${plain(1, "a\n\n\nb\n")}${plain(2)}`, want: ["Subject: 1\n\na\n\n\nb\n", "Subject: 2\n\ntext 2\n"] },
	"a sentence that begins with From": { file: plain(1, "x\n\nFrom here on, we meet at 12:00 each day.\n\nFrom me\n"), want: ["Subject: 1\n\nx\n\nFrom here on, we meet at 12:00 each day.\n\nFrom me\n"] },
	"a separator in a text, no field below it": { file: plain(1, `x\n\nFrom a@b ${when}\nand so on\n`), want: [`Subject: 1\n\nx\n\nFrom a@b ${when}\nand so on\n`] },
	"a separator in a text, no empty line above it": { file: plain(1, `x\nFrom a@b ${when}\nA: b\n\ny\n`), want: [`Subject: 1\n\nx\nFrom a@b ${when}\nA: b\n\ny\n`] },
	"Content-Length that fits": {
		file: `From a@b ${when}\nContent-Length: ${`x\n\nFrom z@z ${when}\nA: b\n\ny\n`.length}\n\nx\n\nFrom z@z ${when}\nA: b\n\ny\n\n${plain(2)}`,
		want: [`Content-Length: ${`x\n\nFrom z@z ${when}\nA: b\n\ny\n`.length}\n\nx\n\nFrom z@z ${when}\nA: b\n\ny\n`, "Subject: 2\n\ntext 2\n"],
	},
	"Content-Length that lies": { file: `From a@b ${when}\nContent-Length: 400\n\nx\n\n${plain(2)}${plain(3)}`, want: ["Content-Length: 400\n\nx\n", "Subject: 2\n\ntext 2\n", "Subject: 3\n\ntext 3\n"] },
	"Content-Length beyond the end": { file: `From a@b ${when}\nContent-Length: 100000\n\nx\n\n${plain(2)}`, want: ["Content-Length: 100000\n\nx\n", "Subject: 2\n\ntext 2\n"] },
	"Thunderbird's separator": { file: `From - ${when}\nX: 1\n\na\n\nFrom - ${when}\nX: 2\n\nb\n`, want: ["X: 1\n\na\n", "X: 2\n\nb\n"] },
	"Takeout's separator": { file: `From 1789@xxx Mon Jan 01 12:00:00 +0000 2024\nX-GM-THRID: 1\nA: 1\n\na\n\n`, want: ["X-GM-THRID: 1\nA: 1\n\na\n"] },
	"a message without text": { file: `From a@b ${when}\nA: 1\n\n${plain(2)}`, want: ["A: 1\n", "Subject: 2\n\ntext 2\n"] },
	"NUL and bytes above 127": { file: plain(1, "a\u0000b\u00ff\u00e9\n"), want: [latin1(bytesOf("Subject: 1\n\na\u0000b\u00ff\u00e9\n"))] },
};

for (const [name, { file, want }] of Object.entries(cases))
	test(`mbox: ${name}`, () => {
		for (const step of [1 << 20, 1, 2, 3, 7, 64, 1000])
			assert.deepEqual(texts(split(file, step)), want, `pieces of ${step}`);
	});

test("every position is one to go on from", () => {
	const file = bytesOf(plain(1) + plain(2, "x\n\n>From y\n") + plain(3) + plain(4));
	const all = split(file, 50);
	assert.deepEqual(all.map((m) => m.start), [0, ...all.slice(0, -1).map((m) => m.end)]);
	for (const [i, m] of all.entries()) {
		const rest = new MboxSplitter(1 << 20, m.end);
		const again = [...rest.push(file.subarray(m.end)), ...rest.end()];
		assert.deepEqual(again, all.slice(i + 1));
	}
});

test("quoting is undone once, in the text only", () => {
	assert.equal(body(split(plain(1, ">From a\n>>From b\n>From\n> From c\nx >From d\n"), 9)[0] as MboxMessage), "From a\n>From b\n>From\n> From c\nx >From d\n");
	const raw = bytesOf(">From a@b: x\nA: 1\n\n>From b");
	assert.equal(latin1(unquoted(raw, headEnd(raw))), ">From a@b: x\nA: 1\n\nFrom b");
});

test("what Content-Length covers was not quoted when a bare From is in it", () => {
	const inner = `x\n\nFrom z@z ${when}\nA: b\n\n>From y\n`;
	const [m] = split(`From a@b ${when}\nContent-Length: ${inner.length}\n\n${inner}\n${plain(2)}`, 11);
	assert.equal(body(m as MboxMessage), inner);
});

test("a message that is too large is told of, and those around it are read", () => {
	for (const step of [10, 4096, 1 << 20]) {
		const long = plain(2, `${"x".repeat(70)}\n`.repeat(5000));
		const all = split(plain(1) + long + plain(3), step, 100_000);
		assert.deepEqual(all.map((m) => m.tooLarge), [false, true, false], `pieces of ${step}`);
		assert.match(latin1(all[1]?.raw as Uint8Array), /^Subject: 2\n/);
		assert.ok((all[1]?.raw.length ?? 0) <= 200_000);
		assert.deepEqual([all[0]?.end, all[1]?.end], [all[1]?.start, all[2]?.start]);
		assert.equal(latin1(all[2]?.raw as Uint8Array), "Subject: 3\n\ntext 3\n");
	}
});

test("a line of many megabytes is held in the memory of one message", () => {
	const splitter = new MboxSplitter(100_000);
	const out = [...splitter.push(bytesOf(`From a@b ${when}\nA: 1\n\n`))];
	const chunk = new Uint8Array(100_000).fill(120);
	for (let i = 0; i < 300; i++)
		out.push(...splitter.push(chunk));
	out.push(...splitter.push(bytesOf(`\n\n${plain(2)}`)), ...splitter.end());
	assert.deepEqual(out.map((m) => m.tooLarge), [true, false]);
	assert.ok((splitter as unknown as { buf: Uint8Array }).buf.length < 4 << 20);
});

test("a file of something else has no messages", () => {
	for (const file of ["", "\n\n\n", "hello\nFrom x\n", concat([new Uint8Array(5000)])])
		assert.equal(split(file, 100).length, 0);
});

test("separators are told from sentences", () => {
	for (const line of ["From a@b Mon Jan  1 12:00:00 2024", "From MAILER-DAEMON Fri Jul 8 12:08:34 2011", "From - Tue Nov 03 08:00:00 2020", "From x Thu Jan 1 00:00 MET 1998"])
		assert.ok(isSeparator(line), line);
	for (const line of ["From here at 12:00", "From: a@b Mon Jan  1 12:00:00 2024", "from a@b Mon Jan  1 12:00:00 2024", `From ${"x".repeat(500)} 12:00 2024`, "From 2024 on"])
		assert.ok(!isSeparator(line), line);
});

test("random bytes, cut anywhere, give the same", () => {
	let seed = 7;
	const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
	const bits = [`From a@b ${when}\n`, "Subject: x\n", "\n", "\n\n", "text\n", ">From x\n", "From x\n", "Content-Length: 12\n", "\r\n", "x", "\u0000", `\nFrom - ${when}\nA: 1\n\n`];
	for (let round = 0; round < 300; round++) {
		const file = bytesOf(Array.from({ length: random(30) }, () => bits[random(bits.length)]).join(""));
		const whole = split(file, 1 << 20);
		assert.deepEqual(split(file, 1 + random(9)), whole);
		for (const m of whole)
			assert.ok(m.start < m.end && m.end <= file.length && m.raw.length <= m.end - m.start);
	}
});
