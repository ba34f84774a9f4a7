// The key worker: Root, identity key, area keys and OpenPGP secret keys live in here and nowhere else
// in the browser. The page asks by messages; the OpenPGP worker has a port of its own.
import type { StoreKey } from "../pgp/sealed";
import type { Bytes } from "./bytes";
import { browserDevice } from "./device";
import { overHttp } from "./http";
import { type Endpoint, serve } from "./rpc";
import { keyServiceMethods, KeyService } from "./service";

let pgp: MessagePort | undefined;
let keys: { keys: readonly Bytes[]; storeKeys: StoreKey[] } = { keys: [], storeKeys: [] };

const service = new KeyService(overHttp, browserDevice, (openpgp, storeKeys) => {
	keys = { keys: openpgp, storeKeys };
	pgp?.postMessage(keys);
});

/** From the OpenPGP worker: {id, keys, fingerprints}; the answer is {stored: id} or {failed: id}. */
function connectPgp(port: MessagePort): void {
	pgp = port;
	port.onmessage = async (event: MessageEvent) => {
		const { id, keys: list, fingerprints } = event.data as { id: number; keys: Bytes[]; fingerprints: Bytes[] };
		try {
			await service.setOpenpgp(list, fingerprints);
			port.postMessage({ stored: id });
		} catch (err) {
			port.postMessage({ failed: id, code: (err as { code?: string }).code ?? "internal", message: String(err) });
		}
	};
	pgp.postMessage(keys);
}

const scope = globalThis as unknown as Endpoint;
serve(scope, service, keyServiceMethods);
const answer = scope.onmessage;
scope.onmessage = (event: MessageEvent) => {
	const port = event.ports[0];
	if (port) connectPgp(port);
	else answer?.(event);
};
