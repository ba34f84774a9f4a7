// The server's C code as a process (tests/interop/keys_peer*.c): lines of hexadecimal in and out.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type Bytes, hex, unhex } from "../../src/keys/bytes";

export const peerPath = process.env["LETTERLOCK_KEYS_PEER"];
/** Without a build of the C code there is nothing to compare with; the project's build sets it. */
export const peerOptions = peerPath ? {} : { skip: "LETTERLOCK_KEYS_PEER names no program" };

export type Arg = Uint8Array | number | bigint;

export class Peer {
	private readonly process: ChildProcessByStdio<Writable, Readable, null>;
	private readonly lines: AsyncIterator<string>;

	constructor() {
		this.process = spawn(peerPath ?? "", { stdio: ["pipe", "pipe", "inherit"] });
		this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
	}

	/** Results as they stand in the answer. Throws an Error with the name of the peer's error. */
	async words(command: string, ...args: Arg[]): Promise<string[]> {
		const words = args.map((a) => (typeof a === "object" ? hex(a) || "-" : String(a)));
		this.process.stdin.write(`${[command, ...words].join(" ")}\n`);
		const { value } = await this.lines.next();
		const [status, ...results] = String(value).split(" ");
		if (status !== "ok") throw new Error(results.join(" "));
		return results;
	}

	async call(command: string, ...args: Arg[]): Promise<Bytes[]> {
		return (await this.words(command, ...args)).map((w) => (w === "-" ? unhex("") : unhex(w)));
	}

	/** The only result. */
	async one(command: string, ...args: Arg[]): Promise<Bytes> {
		const [result] = await this.call(command, ...args);
		if (!result) throw new Error("no result");
		return result;
	}

	close(): void {
		this.process.stdin.end();
	}
}
