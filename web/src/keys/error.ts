// The errors of this folder, with the names that the server's code has for them.

type KeysErrorCode =
	| "syntax" // not of the form it must have
	| "auth" // altered, forged, rolled back, or not what was asked for; or a wrong secret
	| "limit" // longer or more than allowed
	| "unsupported" // a kind, suite or floor that this program does not know
	| "notfound" // a record is missing
	| "denied" // expired, or not in the scope
	| "state" // not possible now
	| "range"; // an argument that is none

export class KeysError extends Error {
	constructor(
		readonly code: KeysErrorCode,
		message: string,
	) {
		super(message);
		this.name = "KeysError";
	}
}
