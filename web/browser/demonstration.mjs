// The demonstration as a person has it: under the address that ./run shows, whose name passkeys are bound to.
import assert from "node:assert/strict";
import { inbox, openRow, signIn, toast } from "./harness.mjs";
import { newAccount, proven, signOut } from "./accounts.mjs";

export const tests = {
	async "whoever tries it can make an account, and write encrypted mail to those who are there"(world) {
		const context = await world.visitor();
		const page = await context.newPage();
		await newAccount(world, page, "carla", { open: true });
		await page.getByRole("button", { name: "New message" }).click();
		const composer = page.getByRole("region", { name: "New message" });
		await composer.getByRole("combobox", { name: "To", exact: true }).fill("alice@letterlock.test");
		await page.keyboard.press("Enter");
		await composer.getByLabel("Subject").fill("My first letter");
		await composer.getByText("Encrypted", { exact: true }).waitFor();
		await page.keyboard.press("Control+Enter");
		const other = await world.visitor();
		const alice = await other.newPage();
		await signIn(world, alice, "alice");
		await openRow(alice, "My first letter");
		await alice.locator('[data-verdict][data-encrypted="true"]').waitFor();
		await context.close();
		await other.close();
	},

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
