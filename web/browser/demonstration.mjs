// The demonstration as a person has it: under the address that ./run shows, whose name passkeys are bound to.
import assert from "node:assert/strict";
import { inbox, signIn, toast } from "./harness.mjs";
import { proven, signOut } from "./accounts.mjs";

export const tests = {
	async "a passkey can be tried in the demonstration"(world) {
		assert.equal(new URL(world.url).hostname, "localhost");
		const context = await world.visitor();
		const page = await context.newPage();
		const client = await context.newCDPSession(page);
		await client.send("WebAuthn.enable");
		const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
			options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true },
		});
		await signIn(world, page, "alice");
		await page.goto(`${world.url}/settings/security`);
		await page.getByRole("button", { name: "Add passkey" }).click();
		await proven(page, "it opens keys", () => toast(page, "It can sign you in without the password.").isVisible(), world.config.people.alice.password);
		const { credentials } = await client.send("WebAuthn.getCredentials", { authenticatorId });
		assert.deepEqual(credentials.map((c) => c.rpId), ["localhost"]);
		await signOut(page);
		await page.getByRole("button", { name: "Use a passkey" }).click();
		await inbox(page);
		await context.close();
	},
};
