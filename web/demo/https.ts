// The demonstration's way to the server: HTTPS with a cookie, as a browser would, in node.
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { base64url, type Bytes } from "../src/keys/bytes";
import { Answer, ApiError, type Fields, type JsonObject, type Transport } from "../src/keys/http";

export class Https implements Transport {
	private cookie = "";

	constructor(private readonly port: number, private readonly ca: Buffer) {}

	private takeCookie(response: IncomingMessage): void {
		for (const line of response.headers["set-cookie"] ?? []) {
			const value = /^__Host-letterlock=([^;]*)/.exec(line)?.[1];
			if (value !== undefined) this.cookie = value;
		}
	}

	/** The body of an answer that is good. */
	send(method: string, path: string, body?: string | Bytes, type = "application/json"): Promise<JsonObject> {
		const headers: Record<string, string> = { Host: `localhost:${this.port}`, "User-Agent": "Letterlock demonstration" };
		if (this.cookie) headers.Cookie = `__Host-letterlock=${this.cookie}`;
		if (body !== undefined) Object.assign(headers, { "Content-Type": type, "X-Letterlock": "1" });
		return new Promise((resolve, reject) => {
			const q = request({ host: "localhost", port: this.port, path, method, headers, ca: this.ca }, (response) => {
				const chunks: Buffer[] = [];
				this.takeCookie(response);
				response.on("data", (c: Buffer) => chunks.push(c));
				response.on("error", reject);
				response.on("end", () => {
					const text = Buffer.concat(chunks).toString();
					const json = (text ? JSON.parse(text) : {}) as JsonObject;
					const status = response.statusCode ?? 0;
					if (status < 300) resolve(json);
					else reject(new ApiError(String(json.type ?? "").replace("urn:letterlock:", ""), `${path}: ${String(json.title)}`, status, undefined));
				});
			});
			q.on("error", reject);
			q.end(body);
		});
	}

	post = async (path: string, fields: Fields): Promise<Answer> =>
		new Answer(await this.send("POST", path, JSON.stringify(fields, (_, v: unknown) => (v instanceof Uint8Array ? base64url(v) : v))));

	get = async (path: string): Promise<Answer> => new Answer(await this.send("GET", path));

	/** One JMAP call; the arguments of its answer. */
	async jmap(using: string[], name: string, args: JsonObject): Promise<JsonObject> {
		const body = JSON.stringify({ using: ["urn:ietf:params:jmap:core", ...using], methodCalls: [[name, args, "a"]] });
		const { methodResponses } = await this.send("POST", "/jmap/api", body);
		const [answered, result] = (methodResponses as [string, JsonObject][])[0] ?? [];
		if (answered !== name || !result) throw new Error(`${name}: ${JSON.stringify(result)}`);
		return result;
	}
}
