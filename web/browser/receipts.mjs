// Read receipts: nothing goes before the reader says so, and then once.
import assert from "node:assert/strict";
import { checkAxe, conversation, eventually, inbox, openRow, toast } from "./harness.mjs";

const dave = "dave@letterlock.test";
const line = (page) => conversation(page).getByRole("note").filter({ hasText: /(to|that .*) be told/ });
const receipts = async (world, token) => (await world.ask("receipts", { token })).receipts;

async function open(world, token) {
	const page = await world.page("alice");
	await page.goto(`${world.url}/`);
	await inbox(page);
	await openRow(page, `Letter ${token}`);
	return page;
}

export const tests = {
	async "a receipt goes when its reader says so, once"(world) {
		const { token } = await world.ask("asking", { to: "alice", asker: dave, sender: dave });
		const page = await open(world, token);
		await line(page).getByText("The sender asks to be told that you read this.").waitFor();
		await checkAxe(page, "a message that asks for a receipt");
		assert.deepEqual(await receipts(world, token), [], "nothing goes by itself");
		await line(page).getByRole("button", { name: "Send", exact: true }).click();
		await toast(page, "The receipt was sent.").waitFor();
		await line(page).waitFor({ state: "detached" });
		const got = await eventually("the receipt", async () => {
			const all = await receipts(world, token);
			return all.length ? all : null;
		});
		assert.equal(got.length, 1);
		assert.match(got[0], /Final-Recipient: rfc822; ?alice@letterlock\.test/);
		assert.match(got[0], /manual-action\/mdn-sent-manually; ?displayed/i);
		assert.equal((await world.ask("marked", { to: "alice", token })).marked, 1);
		await page.reload();
		await inbox(page);
		await openRow(page, `Letter ${token}`);
		await page.waitForTimeout(1000);
		assert.equal(await line(page).count(), 0, "it is not asked again");
	},

	async "not now"(world) {
		const { token } = await world.ask("asking", { to: "alice", asker: dave, sender: dave });
		const page = await open(world, token);
		await line(page).getByRole("button", { name: "Not now" }).click();
		await line(page).waitFor({ state: "detached" });
		assert.deepEqual(await receipts(world, token), []);
		assert.equal((await world.ask("marked", { to: "alice", token })).marked, 0);
	},

	async "a receipt that would go elsewhere says so, and a letter that asks for none is quiet"(world) {
		const { token } = await world.ask("asking", { to: "alice", asker: "spy@tracker.example", sender: dave });
		const page = await open(world, token);
		await line(page).getByText("spy@tracker.example").waitFor();
		const quiet = await world.ask("asking", { to: "alice", asker: "", sender: dave });
		const other = await open(world, quiet.token);
		await other.waitForTimeout(1000);
		assert.equal(await line(other).count(), 0);
	},
};
