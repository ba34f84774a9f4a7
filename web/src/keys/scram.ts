// The SCRAM-SHA-256 keys (RFC 5802 section 3) of an app password. Its ClientKey is S_U.
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { type Bytes, copy, utf8, wipe } from "./bytes";
import { KeysError } from "./error";
import { hmac256, sha256 } from "./kdf";

export const SCRAM_SALT_LEN = 16;
export const SCRAM_ITERATIONS = 4096;
const SCRAM_ITERATIONS_MAX = 1000000;

interface ScramKeys {
	client: Bytes;
	stored: Bytes; // what the server keeps, with
	server: Bytes; // this
}

export function scramIterationsValid(n: number): boolean {
	return n >= SCRAM_ITERATIONS && n <= SCRAM_ITERATIONS_MAX;
}

export function scramKeys(password: Uint8Array, salt: Uint8Array, iterations: number): ScramKeys {
	if (!scramIterationsValid(iterations)) throw new KeysError("range", "iterations out of range");
	const salted = copy(pbkdf2(nobleSha256, password, salt, { c: iterations, dkLen: 32 }));
	const client = hmac256(salted, utf8("Client Key"));
	const keys = { client, stored: sha256(client), server: hmac256(salted, utf8("Server Key")) };
	wipe(salted);
	return keys;
}
