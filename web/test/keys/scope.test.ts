// Which app passwords are shown to nobody: those that nobody was ever given (docs/api/oauth.md).
import assert from "node:assert/strict";
import { test } from "node:test";
import { neverGiven } from "../../src/keys/scope";

test("an app password that ended when it was made was never given to anybody", () => {
	assert.ok(neverGiven({ created: 1000, expires: 1000 }));
	assert.ok(neverGiven({ created: 1000, expires: 1 }));
	assert.ok(!neverGiven({ created: 1000, expires: 1001 }));
	assert.ok(!neverGiven({ created: 1000, expires: 0 }));
});
