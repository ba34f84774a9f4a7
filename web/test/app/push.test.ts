// The connection that tells of changes, over a network that goes without a word: nothing arrives, and nothing fails.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { Push } from "../../src/jmap/push.ts";
import type { Session } from "../../src/jmap/types.ts";

/** Time that goes on only when it is told to. */
class Clock {
	now = 0;
	private serial = 0;
	private readonly timers = new Map<number, { at: number; run(): void }>();

	readonly set = (run: () => void, ms: number): number => {
		this.timers.set(++this.serial, { at: this.now + ms, run });
		return this.serial;
	};

	readonly clear = (id: number): void => void this.timers.delete(id);

	/** To the moment, through everything that is due before. */
	pass(ms: number): void {
		const end = this.now + ms;
		for (;;) {
			const [next] = [...this.timers].filter(([, t]) => t.at <= end).sort(([, a], [, b]) => a.at - b.at);
			if (!next)
				break;
			this.timers.delete(next[0]);
			this.now = next[1].at;
			next[1].run();
		}
		this.now = end;
	}
}

/** The way to the server: while it is dead all that is sent is lost, and nobody is told. */
const network = { dead: false, sockets: [] as FakeSocket[], sources: [] as FakeSource[] };
let clock = new Clock();
let page = new EventTarget();
let document = Object.assign(new EventTarget(), { hidden: false });

class FakeSocket {
	static readonly OPEN = 1;
	readyState = 0;
	sent: string[] = [];
	onopen: (() => void) | null = null;
	onmessage: ((e: { data: string }) => void) | null = null;
	onclose: (() => void) | null = null;

	constructor(readonly url: string) {
		network.sockets.push(this);
		clock.set(() => {
			if (network.dead || this.readyState)
				return;
			this.readyState = 1;
			this.onopen?.();
		}, 20);
	}

	send(text: string): void {
		this.sent.push(text);
		const { "@type": type } = JSON.parse(text) as { "@type": string };
		if (!network.dead && type === "Request")
			clock.set(() => this.onmessage?.({ data: JSON.stringify({ "@type": "Response", methodResponses: [] }) }), 20);
	}

	close(): void {
		this.readyState = 3;
	}
}

class FakeSource extends EventTarget {
	onopen: (() => void) | null = null;
	onerror: (() => void) | null = null;
	closed = false;

	constructor(readonly url: string) {
		super();
		network.sources.push(this);
		clock.set(() => network.dead || this.onopen?.(), 20);
		const every = Number(/ping=(\d+)/.exec(url)?.[1]) * 1000;
		const ping = () => {
			if (this.closed)
				return;
			if (!network.dead)
				this.dispatchEvent(new Event("ping"));
			clock.set(ping, every);
		};
		clock.set(ping, every);
	}

	close(): void {
		this.closed = true;
	}
}

beforeEach(() => {
	Object.assign(network, { dead: false, sockets: [], sources: [] });
	clock = new Clock();
	page = new EventTarget();
	document = Object.assign(new EventTarget(), { hidden: false });
	Object.assign(globalThis, {
		window: { setTimeout: clock.set }, clearTimeout: clock.clear, document, WebSocket: FakeSocket, EventSource: FakeSource,
		addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page),
	});
});

function begin(withSocket: boolean): { push: Push; said: boolean[] } {
	const said: boolean[] = [];
	const session = {
		capabilities: withSocket ? { "urn:ietf:params:jmap:websocket": { url: "wss://mail.test/jmap/ws" } } : {},
		eventSourceUrl: "https://mail.test/jmap/events?types={types}&closeafter={closeafter}&ping={ping}",
	} as unknown as Session;
	const push = new Push(session, () => undefined, (on) => said.push(on));
	push.now();
	clock.pass(100);
	assert.deepEqual(said, [true]);
	return { push, said };
}

for (const [name, withSocket] of [["a WebSocket", true], ["an EventSource", false]] as const) {
	const made = () => (withSocket ? network.sockets : network.sources).length;

	test(`${name} that is quiet is kept while somebody is there`, () => {
		const { said } = begin(withSocket);
		clock.pass(3_600_000);
		assert.deepEqual(said, [true]);
		assert.equal(made(), 1);
	});

	test(`${name} whose network goes without a word is given up within a minute, and comes back`, () => {
		const { said } = begin(withSocket);
		clock.pass(200_000);
		network.dead = true;
		clock.pass(50_000);
		assert.deepEqual(said.slice(0, 2), [true, false]);
		clock.pass(600_000);
		assert.ok(!said.slice(1).includes(true), "nothing is believed while it is dead");
		network.dead = false;
		clock.pass(80_000);
		assert.equal(said.at(-1), true);
		const now = made();
		clock.pass(600_000);
		assert.equal(made(), now, "and that one stays");
	});

	test(`${name} that was stopped asks nothing more`, () => {
		const { push, said } = begin(withSocket);
		push.stop();
		network.dead = true;
		clock.pass(600_000);
		assert.deepEqual(said, [true]);
		assert.equal(made(), 1);
	});
}

test("who looks at the page again after a sleep knows within seconds", () => {
	const { said } = begin(true);
	network.dead = true;
	document.dispatchEvent(new Event("visibilitychange"));
	clock.pass(16_000);
	assert.deepEqual(said, [true, false]);
});
