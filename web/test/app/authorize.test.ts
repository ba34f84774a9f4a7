// The way back to a program that asked for access.
import { test } from "node:test";
import assert from "node:assert/strict";
import { backTo, reads, sends, type OAuthRequest } from "../../src/app/authorize/request.ts";

const asked: OAuthRequest = {
	name: "Test", kind: "program", target: "com.example", error: "", clientId: "c1.x", redirectUri: "com.example:/back", challenge: "", state: "", areas: 2, protocols: 39,
};
const issuer = "https://mail.example.org:8443";

test("the answer goes after the redirect URI, with the issuer, and with a state only where there was one", () => {
	assert.equal(backTo(asked, { code: "abc" }, issuer), "com.example:/back?code=abc&iss=https%3A%2F%2Fmail.example.org%3A8443");
	const back = new URL(backTo({ ...asked, redirectUri: "https://app.example/x?y=z", state: "a&iss=evil#?" }, { error: "access_denied" }, issuer));
	assert.deepEqual(Object.fromEntries(back.searchParams), { y: "z", error: "access_denied", state: "a&iss=evil#?", iss: issuer });
	assert.deepEqual([back.host, back.pathname, back.hash], ["app.example", "/x", ""]);
});

test("what a scope means is said in plain words", () => {
	assert.deepEqual([reads(asked), sends(asked)], [true, true]);
	assert.deepEqual([reads({ ...asked, areas: 0, protocols: 4 }), sends({ ...asked, areas: 0, protocols: 4 })], [false, true]);
	assert.deepEqual([reads({ ...asked, protocols: 32 }), sends({ ...asked, protocols: 32 })], [true, false]);
});
