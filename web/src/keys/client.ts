// The page's side of the key worker.
import { Caller, type Endpoint } from "./rpc";
import type { KeyService, keyServiceMethods } from "./service";

export type { Status } from "./service";
export type { SignInState, SignInOptions, Assertion } from "./signin";
export type { Domain } from "./signup";
export { RpcError } from "./rpc";

type KeyApi = Pick<KeyService, (typeof keyServiceMethods)[number]>;

/** worker: made by the page from WORKER_URLS.keys; pgp: the OpenPGP worker, to be joined with it. */
export class Keys extends Caller<KeyApi> {
	constructor(private readonly worker: Worker) {
		super(worker as Endpoint);
		worker.onerror = () => this.abandon("the key worker has stopped");
	}

	/** Gives both workers a channel of their own: secret keys never pass through the page. */
	join(pgp: Worker): void {
		const { port1, port2 } = new MessageChannel();
		this.worker.postMessage("pgp", [port1]);
		pgp.postMessage("keys", [port2]);
	}
}
