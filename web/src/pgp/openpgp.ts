// The library, with the settings that everything here relies on.
import * as openpgp from "openpgp";

openpgp.config.showVersion = false;
openpgp.config.showComment = false;
// No message without integrity protection is opened (EFAIL), and none may unpack to more than this.
openpgp.config.allowUnauthenticatedMessages = false;
openpgp.config.maxDecompressedMessageSize = 100 * 1024 * 1024;
openpgp.config.minRSABits = 2047;
// A key whose life was prolonged often comes with its newest self-signature alone. What it signed
// before is then judged by the key as it is now, rather than called invalid.
openpgp.config.allowInsecureVerificationWithReformattedKeys = true;

export { openpgp };

/** TypeScript's view of the library's binary data. */
export type Bytes = Uint8Array<ArrayBuffer>;

export function bytesOf(data: unknown): Bytes {
	if (data instanceof Uint8Array) return new Uint8Array(data);
	throw new Error("not binary data");
}
