// The OpenPGP worker. Its secret keys come from the key worker, over a port that the page hands on.
import { type Endpoint, serve } from "../keys/rpc";
import type { Bytes } from "./openpgp";
import type { StoreKey } from "./sealed";
import { PgpService, pgpServiceMethods } from "./service";
import type { KeyEdit } from "../keys/own_keys";

type FromKeys =
	| { keys: Bytes[]; storeKeys: StoreKey[]; serial: number }
	| { stored: number }
	| { failed: number; code: string; message: string };

let port: MessagePort | undefined;
let next = 1;
const waiting = new Map<number, { resolve: () => void; reject: (e: Error) => void }>();

function keep(edit: KeyEdit): Promise<void> {
	return new Promise((resolve, reject) => {
		if (!port) {
			reject(new Error("there is no key worker"));
			return;
		}
		const id = next++;
		waiting.set(id, { resolve, reject });
		port.postMessage({ id, edit });
	});
}

const service = new PgpService(keep);

function settle(m: Exclude<FromKeys, { keys: Bytes[] }>): void {
	const id = "stored" in m ? m.stored : m.failed;
	const w = waiting.get(id);
	waiting.delete(id);
	if ("stored" in m) w?.resolve();
	else w?.reject(Object.assign(new Error(m.message), { code: m.code }));
}

function connect(to: MessagePort): void {
	port = to;
	to.onmessage = async (event: MessageEvent) => {
		const m = event.data as FromKeys;
		if (!("keys" in m)) {
			settle(m);
			return;
		}
		await service.setKeys(m.keys, m.storeKeys);
		to.postMessage({ applied: m.serial });
	};
}

const scope = globalThis as unknown as Endpoint;
serve(scope, service, pgpServiceMethods);
const answer = scope.onmessage;
scope.onmessage = (event: MessageEvent) => {
	const to = event.ports[0];
	if (to) connect(to);
	else answer?.(event);
};
