// The key worker: Root, identity key, area keys and OpenPGP secret keys live in here and nowhere else
// in the browser. The page asks by messages; the OpenPGP worker has a port of its own.
import type { StoreKey } from "../pgp/sealed";
import type { Bytes } from "./bytes";
import { browserDevice } from "./device";
import { overHttp } from "./http";
import type { KeyEdit } from "./own_keys";
import { type Endpoint, serve } from "./rpc";
import { keyServiceMethods, KeyService } from "./service";

interface ForPgp {
	keys: readonly Bytes[];
	storeKeys: StoreKey[];
}

let pgp: MessagePort | undefined;
let latest: ForPgp = { keys: [], storeKeys: [] };
let serial = 0;
const applied = new Map<number, () => void>();

/** Done when the other worker has them, so that what the page asks it next meets them. */
function sendKeys(): Promise<void> {
	if (!pgp) return Promise.resolve();
	const n = ++serial;
	pgp.postMessage({ ...latest, serial: n });
	return new Promise((resolve) => applied.set(n, resolve));
}

const service = new KeyService(overHttp, browserDevice, (keys, storeKeys) => {
	latest = { keys, storeKeys };
	return sendKeys();
});

type FromPgp = { applied: number } | { id: number; edit: KeyEdit };

/** The answer to keys is {stored: id} or {failed: id}. */
async function fromPgp(port: MessagePort, m: FromPgp): Promise<void> {
	if ("applied" in m) {
		applied.get(m.applied)?.();
		applied.delete(m.applied);
		return;
	}
	try {
		await service.editOpenpgp(m.edit);
		port.postMessage({ stored: m.id });
	} catch (err) {
		const { code } = err as { code?: string };
		port.postMessage({ failed: m.id, code: code ?? "internal", message: String(err) });
	}
}

function connectPgp(port: MessagePort): void {
	pgp = port;
	port.onmessage = (event: MessageEvent) => void fromPgp(port, event.data as FromPgp);
	joined = sendKeys();
}

// Who joins the workers and then asks how things stand finds the OpenPGP worker with its keys.
let joined: Promise<void> = Promise.resolve();
const resume = service.resume.bind(service);
service.resume = async () => {
	const status = await resume();
	await joined;
	return status;
};

// Who signs out in one tab is signed out in all: the others' workers wipe what they have.
const tabs = new BroadcastChannel("letterlock-keys");
tabs.onmessage = () => void service.close();
const signOut = service.signOut.bind(service);
service.signOut = async () => {
	tabs.postMessage("signed-out");
	await signOut();
};

const scope = globalThis as unknown as Endpoint;
serve(scope, service, keyServiceMethods);
const answer = scope.onmessage;
scope.onmessage = (event: MessageEvent) => {
	const port = event.ports[0];
	if (port) connectPgp(port);
	else answer?.(event);
};
