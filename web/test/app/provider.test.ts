// Which large provider an address or a server belongs to, and that nobody else's passes for one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { providerOf } from "../../src/app/transfer/imap/provider.tsx";

const name = (user: string, host = "") => providerOf(user, host)?.name;

test("providers are known by the address", () => {
	for (const [address, provider] of [
		["a@gmail.com", "help_google"], ["A@GoogleMail.com ", "help_google"], ["a@hotmail.co.uk", "help_microsoft"], ["a@outlook.com", "help_microsoft"],
		["a@yahoo.fr", "help_yahoo"], ["a@aol.com", "help_aol"], ["a@icloud.com", "help_apple"], ["a@me.com", "help_apple"], ["a@gmx.net", "help_gmx"], ["a@web.de", "help_gmx"], ["a@pm.me", "help_proton"],
	] as const)
		assert.equal(name(address), provider, address);
});

test("and by the server, where the domain is somebody's own", () => {
	assert.equal(name("a@firm.example", "imap.gmail.com"), "help_google");
	assert.equal(name("a@firm.example", "Outlook.Office365.com"), "help_microsoft");
	assert.equal(name("a@firm.example", "imap.mail.me.com"), "help_apple");
});

test("others are nobody's", () => {
	for (const address of ["", "a", "a@", "gmail", "a@gmail.com.example", "a@notgmail.com", "a@lives.com", "a@letterlock.test"])
		assert.equal(name(address), undefined, address);
	assert.equal(name("a@firm.example", "imap.gmail.com.example"), undefined);
	assert.equal(name("a@firm.example", "notgmail.com"), undefined);
});
