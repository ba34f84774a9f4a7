// State changes as they happen: over a WebSocket (RFC 8887) where the server has one, else EventSource.
// A connection that breaks is made again after a growing pause; after each one the state is asked for anew.
// A cable that is pulled closes no socket: the browser's own word for it counts, and requests that fail.
import { websocket, type Session, type StateChange } from "./types.ts";

const longestPause = 60_000;

export class Push {
	private socket: WebSocket | null = null;
	private source: EventSource | null = null;
	private failures = 0;
	private timer = 0;
	private stopped = false;

	constructor(
		private readonly session: Session,
		private readonly changed: (types: Record<string, string>) => void,
		private readonly connected: (on: boolean) => void,
	) {
		addEventListener("online", this.now);
		addEventListener("offline", this.doubt);
	}

	start(): void {
		const url = this.session.capabilities[websocket]?.url;
		if (typeof url === "string" && this.failures < 3)
			this.openSocket(url);
		else
			this.openSource();
	}

	stop(): void {
		this.stopped = true;
		clearTimeout(this.timer);
		removeEventListener("online", this.now);
		removeEventListener("offline", this.doubt);
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

	/** Whether there was something to leave. */
	private leave(): boolean {
		const { socket, source } = this;
		if (socket)
			socket.onclose = socket.onmessage = socket.onopen = null;
		socket?.close();
		source?.close();
		this.socket = this.source = null;
		return Boolean(socket ?? source);
	}

	private take(change: StateChange): void {
		for (const types of Object.values(change.changed))
			this.changed(types);
	}

	private openSocket(url: string): void {
		const socket = new WebSocket(url, "jmap");
		this.socket = socket;
		socket.onopen = () => {
			this.failures = 0;
			socket.send(JSON.stringify({ "@type": "WebSocketPushEnable", dataTypes: null }));
			this.connected(true);
		};
		socket.onmessage = (e) => {
			const message = JSON.parse(String(e.data)) as StateChange;
			if (message["@type"] === "StateChange")
				this.take(message);
		};
		socket.onclose = () => {
			this.socket = null;
			this.again();
		};
	}

	private openSource(): void {
		const url = this.session.eventSourceUrl
			.replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", "60");
		const source = new EventSource(url, { withCredentials: true });
		this.source = source;
		source.onopen = () => {
			this.failures = 0;
			this.connected(true);
		};
		source.addEventListener("state", (e) => this.take(JSON.parse((e as MessageEvent<string>).data) as StateChange));
		source.onerror = () => {
			source.close();
			this.source = null;
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
