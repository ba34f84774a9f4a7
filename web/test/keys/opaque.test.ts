// The published runs of RFC 9807 appendix C.1, with the identity as key stretching function. The
// vectors are those of the C tests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unhex } from "../../src/keys/bytes";
import { OpaqueLogin, type OpaqueParams, OpaqueRegistration } from "../../src/keys/opaque";

function vectors(): Map<string, Map<string, string>> {
	const file = join(TEST_ROOT, "../../tests/unit/keys/opaque_vectors.h");
	const all = new Map<string, Map<string, string>>();
	for (const [, name = "", fields = ""] of readFileSync(file, "utf8").matchAll(
		/\.name = "([^"]+)",(.*?)\n\t\},/gs,
	)) {
		const found = fields.matchAll(/\.(\w+) =\s*((?:"[0-9a-f]*"\s*)+)/g);
		all.set(name, new Map([...found].map(([, key = "", text = ""]) => [key, text.replace(/["\s]/g, "")])));
	}
	return all;
}

for (const name of ["C.1.1", "C.1.2"])
	test(`RFC 9807 ${name}`, async () => {
		const v = vectors().get(name);
		const of = (key: string) => unhex(v?.get(key) ?? "");
		assert.equal(of("ke2").length, 320);
		const params: OpaqueParams = {
			ksf: async (input) => input.slice(),
			context: of("context"),
			clientIdentity: of("client_identity"),
			serverIdentity: of("server_identity"),
		};
		const registration = new OpaqueRegistration(of("password"), params, {
			blind: of("blind_registration"),
			envelopeNonce: of("envelope_nonce"),
		});
		assert.deepEqual(registration.request, of("registration_request"));
		const made = await registration.finish(of("registration_response"));
		assert.deepEqual(made.record, of("registration_upload"));
		assert.deepEqual(made.exportKey, of("export_key"));

		const login = new OpaqueLogin(of("password"), params, {
			blind: of("blind_login"),
			nonce: of("client_nonce"),
			keyshareSeed: of("client_keyshare_seed"),
		});
		assert.deepEqual(login.ke1, of("ke1"));
		const done = await login.finish(of("ke2"));
		assert.deepEqual(done.ke3, of("ke3"));
		assert.deepEqual(done.sessionKey, of("session_key"));
		assert.deepEqual(done.exportKey, of("export_key"));
	});
