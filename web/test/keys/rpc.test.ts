// Calls between the page and a worker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeysError } from "../../src/keys/error";
import { Caller, type Endpoint, serve } from "../../src/keys/rpc";

class Service {
	readonly order: number[] = [];

	async slow(n: number): Promise<number> {
		await new Promise((r) => setTimeout(r, 20 / n));
		this.order.push(n);
		return 2 * n;
	}

	fail(): never {
		throw new KeysError("auth", "not the right password");
	}

	hidden(): string {
		return "secret";
	}
}

function pair(): { caller: Caller<Service>; service: Service; close: () => void } {
	const { port1, port2 } = new MessageChannel();
	const service = new Service();
	serve(port2 as unknown as Endpoint, service, ["slow", "fail"]);
	return { caller: new Caller<Service>(port1 as unknown as Endpoint), service, close: () => port1.close() };
}

test("results, in order, one call at a time", async () => {
	const { caller, service, close } = pair();
	assert.deepEqual(await Promise.all([caller.call("slow", 1), caller.call("slow", 2), caller.call("slow", 4)]), [2, 4, 8]);
	assert.deepEqual(service.order, [1, 2, 4]);
	close();
});

test("errors keep their code; what is not listed cannot be called", async () => {
	const { caller, close } = pair();
	await assert.rejects(caller.call("fail"), { code: "auth", message: "not the right password" });
	for (const method of ["hidden", "constructor", "__proto__", "order"])
		await assert.rejects(caller.call(method as "fail"), { code: "internal" });
	close();
	const waiting = caller.call("fail");
	caller.abandon("gone");
	await assert.rejects(waiting, { code: "internal", message: "gone" });
});
