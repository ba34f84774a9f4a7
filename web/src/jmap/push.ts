// State changes as they happen: over a WebSocket (RFC 8887) where the server has one, else EventSource.
// A connection that breaks is made again after a growing pause; after each one the state is asked for anew.
// A cable that is pulled closes no socket, and the server's pings on one are not shown to a page. So the browser's own
// word for it counts, and requests that fail; and who has heard nothing for a while asks, and believes in silence.
import { core, websocket, type Session, type StateChange } from "./types.ts";

const longestPause = 60_000;
/** After so much silence is asked; what is not answered then is gone. */
const silence = 25_000;
const patience = 15_000;
/** Events say by themselves that they are there; the server does so no more often than this. */
const pingSeconds = 30;
const question = JSON.stringify({ "@type": "Request", using: [core], methodCalls: [["Core/echo", {}, "there"]] });

export class Push {
	private socket: WebSocket | null = null;
	private source: EventSource | null = null;
	private failures = 0;
	private timer = 0;
	private listening = 0;
	private stopped = false;

	constructor(
		private readonly session: Session,
		private readonly changed: (types: Record<string, string>) => void,
		private readonly connected: (on: boolean) => void,
	) {
		addEventListener("online", this.now);
		addEventListener("offline", this.doubt);
		document.addEventListener("visibilitychange", this.seen);
		addEventListener("pagehide", this.hide);
		addEventListener("pageshow", this.back);
	}

	start(): void {
		const url = this.session.capabilities[websocket]?.url;
		if (typeof url === "string" && this.failures % 4 < 3)
			this.openSocket(url);
		else
			this.openSource();
	}

	stop(): void {
		this.stopped = true;
		clearTimeout(this.timer);
		removeEventListener("online", this.now);
		removeEventListener("offline", this.doubt);
		document.removeEventListener("visibilitychange", this.seen);
		removeEventListener("pagehide", this.hide);
		removeEventListener("pageshow", this.back);
		this.leave();
	}

	/** Tries at once, if it is waiting to. */
	readonly now = (): void => {
		clearTimeout(this.timer);
		if (!this.socket && !this.source)
			this.start();
	};

	/** Something says that the connection is gone: it is believed again when it has been made anew. */
	readonly doubt = (): void => {
		if (this.leave())
			this.again();
	};

	/** A page that is left says so, and begins anew where the browser brings it back. */
	private readonly hide = (): void => void this.leave();

	private readonly back = (e: PageTransitionEvent): void => {
		if (e.persisted)
			this.now();
	};

	/** Whether there was something to leave. */
	private leave(): boolean {
		const { socket, source } = this;
		clearTimeout(this.listening);
		if (socket)
			socket.onclose = socket.onmessage = socket.onopen = null;
		socket?.close();
		source?.close();
		this.socket = this.source = null;
		return Boolean(socket ?? source);
	}

	/** Somebody looks again, perhaps at a machine that has slept: that is soon known. */
	private readonly seen = (): void => {
		if (!document.hidden && this.socket?.readyState === WebSocket.OPEN)
			this.ask();
	};

	private listen(ms: number, then: () => void): void {
		clearTimeout(this.listening);
		this.listening = window.setTimeout(then, ms);
	}

	private readonly ask = (): void => {
		this.socket?.send(question);
		this.listen(patience, this.doubt);
	};

	private heard(): void {
		if (this.socket)
			this.listen(silence, this.ask);
		else
			this.listen(pingSeconds * 1000 + patience, this.doubt);
	}

	private take(change: StateChange): void {
		for (const types of Object.values(change.changed))
			this.changed(types);
	}

	private openSocket(url: string): void {
		const socket = new WebSocket(url, "jmap");
		this.socket = socket;
		this.listen(patience, this.doubt);
		socket.onopen = () => {
			this.failures = 0;
			this.heard();
			socket.send(JSON.stringify({ "@type": "WebSocketPushEnable", dataTypes: null }));
			this.connected(true);
		};
		socket.onmessage = (e) => {
			this.heard();
			const message = JSON.parse(String(e.data)) as StateChange;
			if (message["@type"] === "StateChange")
				this.take(message);
		};
		socket.onclose = () => {
			this.leave();
			this.again();
		};
	}

	private openSource(): void {
		const url = this.session.eventSourceUrl
			.replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", String(pingSeconds));
		const source = new EventSource(url, { withCredentials: true });
		this.source = source;
		this.listen(patience, this.doubt);
		source.onopen = () => {
			this.failures = 0;
			this.heard();
			this.connected(true);
		};
		source.addEventListener("ping", () => this.heard());
		source.addEventListener("state", (e) => {
			this.heard();
			this.take(JSON.parse((e as MessageEvent<string>).data) as StateChange);
		});
		source.onerror = () => {
			this.leave();
			this.again();
		};
	}

	private again(): void {
		if (this.stopped)
			return;
		this.connected(false);
		this.failures++;
		clearTimeout(this.timer);
		const pause = Math.min(longestPause, 1000 * 2 ** Math.min(this.failures, 6)) * (0.5 + Math.random() / 2);
		this.timer = window.setTimeout(() => this.start(), pause);
	}
}
