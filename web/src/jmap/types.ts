// The JMAP objects that the client uses (RFC 8620, RFC 8621): only the properties that it asks for.

export type Id = string;

export interface Session {
	apiUrl: string;
	uploadUrl: string;
	downloadUrl: string;
	eventSourceUrl: string;
	state: string;
	username: string;
	primaryAccounts: Record<string, Id>;
	capabilities: Record<string, Record<string, unknown>>;
	accounts: Record<Id, { accountCapabilities: Record<string, Record<string, unknown>> }>;
}

export const core = "urn:ietf:params:jmap:core";
export const mail = "urn:ietf:params:jmap:mail";
export const submission = "urn:ietf:params:jmap:submission";
export const mdn = "urn:ietf:params:jmap:mdn";
export const vacation = "urn:ietf:params:jmap:vacationresponse";
export const rulesOf = "urn:letterlock:params:jmap:rules";
export const snoozing = "urn:letterlock:params:jmap:snooze";
export const blobs = "urn:ietf:params:jmap:blob";
export const websocket = "urn:ietf:params:jmap:websocket";

export interface Mailbox {
	id: Id;
	name: string;
	parentId: Id | null;
	role: string | null;
	sortOrder: number;
	totalEmails: number;
	unreadEmails: number;
	totalThreads: number;
	unreadThreads: number;
	isSubscribed?: boolean;
	myRights?: Record<string, boolean>;
}

export interface Address { name: string | null; email: string }

export interface BodyPart {
	partId: string | null;
	blobId: Id | null;
	size: number;
	name: string | null;
	type: string;
	charset: string | null;
	disposition: string | null;
	cid: string | null;
}

interface BodyValue { value: string; isEncodingProblem: boolean; isTruncated: boolean }

/** What a row of a list shows. */
export interface Email {
	id: Id;
	blobId: Id;
	threadId: Id;
	mailboxIds: Record<Id, boolean>;
	keywords: Record<string, boolean>;
	size: number;
	receivedAt: string;
	sentAt?: string | null;
	from: Address[] | null;
	to: Address[] | null;
	subject: string | null;
	preview: string;
	hasAttachment: boolean;
	/** Until when it is put off; absent where the server cannot do that. */
	snoozedUntil?: string | null;
}

/** What a reader needs besides. */
export interface FullEmail extends Email {
	messageId: string[] | null;
	inReplyTo: string[] | null;
	references: string[] | null;
	cc: Address[] | null;
	bcc: Address[] | null;
	replyTo: Address[] | null;
	sender: Address[] | null;
	textBody: BodyPart[];
	htmlBody: BodyPart[];
	attachments: BodyPart[];
	bodyValues: Record<string, BodyValue>;
	"header:List-Unsubscribe:asURLs"?: string[] | null;
	"header:List-Unsubscribe-Post:asText"?: string | null;
	"header:Disposition-Notification-To:asAddresses"?: Address[] | null;
	"header:Authentication-Results:asText:all"?: string[] | null;
	"header:Content-Type:asText"?: string | null;
	"header:Autocrypt:asText"?: string | null;
	/** Set when the letter was opened or checked here in the page; its text and files are then those. */
	pgp?: PgpState;
}

/** What OpenPGP says of a letter. The names are those of the worker (src/pgp). */
export interface PgpState {
	form: "plain" | "mime" | "inline" | "partial";
	encrypted: boolean;
	failure: "none" | "noKey" | "password" | "method" | "unprotected" | "damaged" | "tooLarge";
	verdict: "none" | "verified" | "unverified" | "changed" | "otherSender" | "invalid" | "unknownKey" | "weak" | "expired" | "revoked";
	fingerprint: string;
	keyId: string;
	signedAt: number; // seconds since 1970; 0: not known
	/** Whom the verdict is about. */
	sender: string;
	fromDiffers: boolean;
	/** The subject was not told to those who carried the letter. */
	hiddenSubject: boolean;
}

export interface Thread { id: Id; emailIds: Id[] }

export interface Identity {
	id: Id;
	name: string;
	email: string;
	replyTo: Address[] | null;
	bcc: Address[] | null;
	textSignature: string;
	htmlSignature: string;
	mayDelete: boolean;
}

export interface VacationResponse {
	id: "singleton";
	isEnabled: boolean;
	fromDate: string | null;
	toDate: string | null;
	subject: string | null;
	textBody: string | null;
	htmlBody: string | null;
}

export interface Comparator { property: string; isAscending?: boolean; keyword?: string }

export interface Condition {
	inMailbox?: Id;
	inMailboxOtherThan?: Id[];
	before?: string;
	after?: string;
	minSize?: number;
	maxSize?: number;
	hasKeyword?: string;
	notKeyword?: string;
	someInThreadHaveKeyword?: string;
	noneInThreadHaveKeyword?: string;
	hasAttachment?: boolean;
	text?: string;
	from?: string;
	to?: string;
	cc?: string;
	bcc?: string;
	subject?: string;
	body?: string;
	header?: [string] | [string, string];
}
export type Filter = Condition | { operator: "AND" | "OR" | "NOT"; conditions: Filter[] };

export interface GetResult<T> { accountId: Id; state: string; list: T[]; notFound: Id[] }
export interface QueryResult { queryState: string; canCalculateChanges: boolean; position: number; ids: Id[]; total?: number }
export interface ChangesResult {
	oldState: string; newState: string; hasMoreChanges: boolean;
	created: Id[]; updated: Id[]; destroyed: Id[]; updatedProperties?: string[] | null;
}
export interface SetError { type: string; description?: string | null; properties?: string[] }
export interface SetResult {
	oldState: string | null; newState: string;
	created?: Record<string, { id: Id } & Record<string, unknown>> | null;
	updated?: Record<Id, unknown> | null;
	destroyed?: Id[] | null;
	notCreated?: Record<string, SetError> | null;
	notUpdated?: Record<Id, SetError> | null;
	notDestroyed?: Record<Id, SetError> | null;
}
export interface StateChange { "@type": "StateChange"; changed: Record<Id, Record<string, string>> }
