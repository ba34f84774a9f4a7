// A recipient whose key only a key server has (tests/system/test_fetch.py runs it).
export const tests = {
	async "a key server is asked only on a click"(world) {
		const { server, known, unknown } = world.config.people.strangers;
		const page = await world.page();
		await page.keyboard.press("c");
		const composer = page.getByRole("region", { name: "New message" });
		for (const address of [known, unknown]) {
			await composer.getByRole("combobox", { name: "To" }).fill(address);
			await page.keyboard.press("Enter");
		}
		await page.locator("[data-lock=plain]").click();
		const dialog = page.getByRole("dialog");
		const person = (address) => dialog.locator("li").filter({ hasText: address });
		await person(known).getByText(`${server} then learns`).waitFor();
		await person(unknown).getByRole("button", { name: `Look on ${server}` }).click();
		await person(unknown).getByText(`${server} has no key`).waitFor();
		await person(known).getByRole("button", { name: `Look on ${server}` }).click();
		await dialog.locator("li[data-action=encrypt]").filter({ hasText: known }).waitFor();
		await page.close();
	},
};
