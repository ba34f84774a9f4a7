// The page's side of the OpenPGP worker.
import { Caller, type Endpoint } from "../keys/rpc";
import type { PgpService, pgpServiceMethods } from "./service";

export type { Attachment, Draft } from "./build";
export type { Protection } from "./crypt";
export type { Mailbox } from "./header";
export type { KeyInfo, Reason } from "./keys";
export type { Action, Because, Fate, Plan, Wish } from "./policy";
export type { LetterMade } from "../keys/letter";
export type { LetterNote } from "./letter_note";
export type { Failure, Form, ProtectedHeaders } from "./read";
export type { Content, Outgoing, ReadMessage } from "./service";
export type { Source } from "./store";
export type { Signature, Verdict } from "./verdict";

type PgpApi = Pick<PgpService, (typeof pgpServiceMethods)[number]>;

/** worker: made by the page from WORKER_URLS.pgp; Keys.join gives it its keys. */
export class Pgp extends Caller<PgpApi> {
	constructor(worker: Worker) {
		super(worker as Endpoint);
		worker.onerror = () => this.abandon("the OpenPGP worker has stopped");
	}
}
