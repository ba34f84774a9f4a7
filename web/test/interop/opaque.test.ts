// OPAQUE between this client, the C server and the C client, and a third implementation.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as serenity from "@serenity-kit/opaque";
import { base64url, random, unbase64url, utf8 } from "../../src/keys/bytes";
import { OpaqueLogin, OpaqueRegistration } from "../../src/keys/opaque";
import { Peer, peerOptions, peerPath } from "./peer";

const peer = peerPath ? new Peer() : (undefined as unknown as Peer);
after(() => peer?.close());

const credential = utf8("an account's id!");
const words = () => utf8("correct horse, battery: stäple");

async function login(record: Uint8Array, password = words()) {
	const client = new OpaqueLogin(password);
	const done = await client.finish(await peer.one("opaque-login", credential, record, client.ke1));
	const theirs = await peer.one("opaque-finish", done.ke3);
	assert.deepEqual(done.sessionKey, theirs);
	return done;
}

test("registered here, then signed in here and from the C client", peerOptions, async () => {
	await peer.call("opaque-server", random(64), random(32));
	const client = new OpaqueRegistration(words());
	const made = await client.finish(await peer.one("opaque-register", credential, client.request));
	assert.equal(made.record.length, 192);
	assert.deepEqual((await login(made.record)).exportKey, made.exportKey);

	const ke1 = await peer.one("client-login", words());
	const ke2 = await peer.one("opaque-login", credential, made.record, ke1);
	const [ke3, exportKey, session] = await peer.call("client-login-finish", ke2);
	assert.deepEqual(exportKey, made.exportKey);
	assert.deepEqual(await peer.one("opaque-finish", ke3 ?? random(64)), session);
});

test("registered from the C client, signed in here", peerOptions, async () => {
	await peer.call("opaque-server", random(64), random(32));
	const request = await peer.one("client-register", words());
	const response = await peer.one("opaque-register", credential, request);
	const [record, exportKey] = await peer.call("client-register-finish", response);
	assert.deepEqual((await login(record ?? random(192))).exportKey, exportKey);
	await assert.rejects(login(record ?? random(192), utf8("another")), { code: "auth" });
	await assert.rejects(login(new Uint8Array(0)), { code: "auth" }); // no such user
});

test("what the server answers is checked", peerOptions, async () => {
	await peer.call("opaque-server", random(64), random(32));
	const client = new OpaqueRegistration(words());
	const { record } = await client.finish(await peer.one("opaque-register", credential, client.request));
	for (const at of [0, 40, 70, 100, 200, 230, 319]) {
		const again = new OpaqueLogin(words());
		const ke2 = await peer.one("opaque-login", credential, record, again.ke1);
		ke2[at] = (ke2[at] as number) ^ 1;
		await assert.rejects(again.finish(ke2), (e: { code: string }) => e.code === "auth" || e.code === "syntax");
	}
	await assert.rejects(new OpaqueRegistration(words()).finish(new Uint8Array(64)), { code: "syntax" });
	await assert.rejects(new OpaqueLogin(words()).finish(new Uint8Array(319)), { code: "syntax" });
	assert.throws(() => new OpaqueLogin(new Uint8Array(0)), { code: "syntax" });
	assert.throws(() => new OpaqueLogin(new Uint8Array(1025)), { code: "limit" });
});

test("another implementation of RFC 9807 serves this client, and its client this server", async () => {
	await serenity.ready;
	const serverSetup = serenity.server.createSetup();
	const userIdentifier = "alice";
	const client = new OpaqueRegistration(utf8("pass"));
	const { registrationResponse } = serenity.server.createRegistrationResponse({
		serverSetup,
		userIdentifier,
		registrationRequest: base64url(client.request),
	});
	const made = await client.finish(unbase64url(registrationResponse));
	const registrationRecord = base64url(made.record);
	const again = new OpaqueLogin(utf8("pass"));
	const { loginResponse, serverLoginState } = serenity.server.startLogin({
		serverSetup,
		userIdentifier,
		registrationRecord,
		startLoginRequest: base64url(again.ke1),
	});
	const done = await again.finish(unbase64url(loginResponse));
	const finishLoginRequest = base64url(done.ke3);
	const { sessionKey } = serenity.server.finishLogin({ finishLoginRequest, serverLoginState });
	assert.deepEqual(unbase64url(sessionKey), done.sessionKey);
	assert.deepEqual(done.exportKey, made.exportKey);
});
