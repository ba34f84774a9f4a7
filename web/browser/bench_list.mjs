// What bench_actions.mjs measures: each action with what it does, and how the page shows that it has been done. The functions
// named was, seen and whole run in the page; was looks before the action, the others in every frame after it.

/** It is seen by something that is not what it was. */
const turns = (look) => ({ was: look, seen: `(was) => (${look})() !== was` });

const rows = (page) => page.locator("main [role=option]:has(time)");
const row = (page, text) => rows(page).filter({ hasText: text }).first();
const reader = (page) => page.getByRole("region", { name: "Conversation" });

const cursorId = () => document.querySelector("[data-cursor]")?.id;
const heading = () => document.querySelector("[aria-label=Conversation] h1")?.textContent;
const otherHeading = (was) => { const now = document.querySelector("[aria-label=Conversation] h1")?.textContent; return now && now !== was; };
/** The text of the last unfolded letter, or its frame with something in it. */
const textThere = (was) => {
	const now = document.querySelector("[aria-label=Conversation] h1")?.textContent;
	const last = [...document.querySelectorAll("[aria-label=Conversation] article[data-message]")].at(-1);
	const frame = last?.querySelector("iframe");
	return Boolean(now && now !== was && last && !last.querySelector("[class*=ghost]") && (!frame || frame.clientHeight > 0));
};
const menuThere = () => Boolean(document.querySelector("[role=menu]:popover-open [role^=menuitem]"));
const dialogThere = () => Boolean(document.querySelector("dialog[open]"));
const dialogText = () => document.querySelector("dialog[open]")?.textContent;
const composerGone = () => !document.querySelector("section[aria-label='New message']");
const fieldThere = () => document.querySelector("section[aria-label='New message']")?.contains(document.activeElement) ?? false;
const rowGone = (was) => !document.getElementById(was);
const listOf = () => ({ title: document.querySelector("main section[aria-label] h1")?.textContent, first: document.querySelector("main [role=option]")?.id });
const otherTitle = (was) => document.querySelector("main section[aria-label] h1")?.textContent !== was.title;
const rowsChanged = (was) => {
	const first = document.querySelector("main [role=option]:has(time)")?.id;
	return document.querySelector("main section[aria-label] h1")?.textContent !== was.title && first !== undefined && first !== was.first;
};

const escape = (page) => async () => {
	await page.keyboard.press("Escape");
	await page.waitForTimeout(100);
};
const undo = (page) => async () => {
	await page.keyboard.press("z");
	await page.waitForTimeout(600);
};

export async function moving(b) {
	const { page } = b;
	await b.home();
	await b.act("next row (j)", { on: "keydown", ...turns(cursorId), act: b.key("j"), times: 6 });
	await b.act("previous row (k)", { on: "keydown", ...turns(cursorId), act: b.key("k"), times: 5 });
	await b.act("command palette", { on: "keydown", seen: dialogThere, act: b.key("Control+k"), after: escape(page) });
	await b.act("a letter in the palette", {
		on: "keydown", ...turns(dialogText), act: b.key("a"), before: async () => { await page.keyboard.press("Control+k"); }, after: escape(page),
	});
	await b.act("sheet of keys (?)", { on: "keydown", seen: dialogThere, act: b.key("Shift+?"), after: escape(page) });
	for (const box of ["Sent", "Archive", "Newsletters", "Drafts", "Inbox"])
		await b.act("folder by click", {
			on: "click", was: listOf, seen: otherTitle, whole: rowsChanged, times: 1,
			act: () => page.getByRole("treeitem").filter({ has: page.getByText(box, { exact: true }) }).first().click(),
		});
	await b.act("folder again (g i, g t)", {
		on: "keydown", was: listOf, seen: otherTitle, whole: rowsChanged, times: 4,
		before: () => page.keyboard.press("g"), rest: 50, act: (i) => page.keyboard.press(i % 2 ? "i" : "t"),
	});
}

export async function reading(b) {
	const { page } = b;
	const open = { was: heading, seen: otherHeading, whole: textThere };
	await b.home();
	await b.act("open by click", { ...open, on: "click", act: (i) => rows(page).nth(i + 2).click(), times: 6 });
	await b.act("open again by click", {
		...open, on: "click", act: (i) => rows(page).nth(7 - i).click(), before: (i) => i === 0 && rows(page).nth(1).click(), times: 4,
	});
	await b.act("next conversation (j)", { ...open, on: "keydown", act: b.key("j"), times: 6 });
	await b.act("previous conversation (k)", { ...open, on: "keydown", act: b.key("k"), times: 4 });
	await b.act("back to the list (u)", {
		on: "keydown", seen: () => !document.querySelector("[aria-label=Conversation]"), act: b.key("u"), before: (i) => i && page.keyboard.press("o"), rest: 700,
	});
	await b.act("open by Enter", { ...open, on: "keydown", act: b.key("Enter"), after: b.key("u") });
	await b.act("open by o", { ...open, on: "keydown", act: b.key("o"), after: b.key("u") });
	await b.home();
	await openKinds(b, open);
	await inConversation(b);
}

async function openKinds(b, open) {
	const { page } = b;
	const kind = (name, times, text) => b.act(`open: ${name}`, {
		...open, on: "click", times, before: (i) => reveal(page, text(i)), act: (i) => row(page, text(i)).click(), after: () => page.keyboard.press("u"),
	});
	await kind("newsletter", 5, (i) => `Bench: newsletter ${i}`);
	await kind("newsletter again", 4, (i) => `Bench: newsletter ${i}`);
	await kind("six attachments", 3, (i) => `Bench: files ${i}`);
	await kind("24 messages", 3, () => "Bench: a long conversation");
	await kind("encrypted", 3, () => encrypted);
}

/** Its subject is hidden until the page has opened it. */
const encrypted = /Encrypted message|The surprise for Marta/;

/** Scrolls until the row is drawn: the list has only those that are seen. */
async function reveal(page, text) {
	const list = page.locator("main [role=listbox]");
	for (let i = 0; i < 60; i++) {
		await page.waitForTimeout(150);
		if (await row(page, text).count())
			return row(page, text).scrollIntoViewIfNeeded();
		await list.evaluate((el, first) => { el.scrollTop = first ? 0 : el.scrollTop + el.clientHeight / 2; }, i === 0);
	}
	throw new Error(`there is no row with ${text}`);
}

async function inConversation(b) {
	const { page } = b;
	const starred = () => document.querySelectorAll("[aria-label=Conversation] [aria-label='Remove star']").length;
	await reveal(page, "Bench: plain 5");
	await row(page, "Bench: plain 5").click();
	await reader(page).locator("article").first().waitFor();
	await b.act("star in a conversation (s)", {
		on: "keydown", ...turns(starred), act: b.key("s"), times: 4,
	});
	for (const [name, key] of [["label", "l"], ["move", "v"], ["snooze", "b"]])
		await b.act(`${name} menu in a conversation (${key})`, { on: "keydown", seen: menuThere, act: b.key(key), after: escape(page) });
	await b.act("more actions of a letter", {
		on: "click", seen: menuThere, act: () => reader(page).getByRole("button", { name: "More actions" }).last().click(), after: escape(page),
	});
	await b.act("archive in a conversation (e)", { on: "keydown", was: heading, seen: otherHeading, whole: textThere, act: b.key("e"), after: undo(page) });
}

export async function filing(b) {
	const { page } = b;
	const starred = () => document.querySelector("[data-cursor]")?.textContent.includes("Starred");
	const unread = () => document.querySelector("[data-cursor]")?.hasAttribute("data-unread");
	const chosen = () => document.querySelectorAll("main [role=option][aria-selected=true]").length;
	await b.home();
	await b.act("star (s)", { on: "keydown", ...turns(starred), act: b.key("s"), times: 4 });
	await b.act("mark unread (U)", { on: "keydown", ...turns(unread), act: b.key("Shift+U"), before: b.key("Shift+I"), rest: 700 });
	await b.act("mark read (I)", { on: "keydown", ...turns(unread), act: b.key("Shift+I"), before: b.key("Shift+U"), rest: 700 });
	for (const [name, key] of [["label", "l"], ["move", "v"], ["snooze", "b"]])
		await b.act(`${name} menu (${key})`, { on: "keydown", seen: menuThere, act: b.key(key), after: escape(page) });
	await b.act("menu by the right button", {
		on: "contextmenu", seen: menuThere, act: () => rows(page).nth(3).click({ button: "right" }), after: escape(page),
	});
	await b.act("select (x)", { on: "keydown", ...turns(chosen), act: b.key("x"), times: 4 });
	await b.act("select all (* a)", {
		on: "keydown", ...turns(chosen), before: () => page.keyboard.press("*"), rest: 50, act: b.key("a"), after: async () => { await page.keyboard.press("Escape"); },
	});
	await b.act("archive (e)", { on: "keydown", was: cursorId, seen: rowGone, act: b.key("e"), after: undo(page) });
	await b.act("delete (#)", { on: "keydown", was: cursorId, seen: rowGone, act: b.key("#"), after: undo(page) });
	await b.act("undo (z)", {
		on: "keydown", ...turns(() => document.querySelector("main [role=listbox] [role=option]:has(time)")?.id), act: b.key("z"), rest: 800,
		before: async () => { await page.locator("main [role=listbox]").press("Home"); await page.keyboard.press("e"); },
	});
}

export async function searching(b) {
	const { page } = b;
	const field = page.locator("#search");
	const words = ["bread", "Lyon", "harbour", "invoice"];
	const options = () => document.querySelector("search [role=listbox]")?.textContent;
	await b.home();
	await b.act("to the search field (/)", { on: "keydown", seen: () => document.activeElement?.id === "search", act: b.key("/"), after: () => field.blur() });
	await b.act("suggestions while typing", {
		on: "keydown", ...turns(options), before: async () => { await field.fill(""); await field.focus(); }, act: (i) => page.keyboard.press("foslh"[i]), times: 5,
	});
	await field.fill("");
	const search = (name) => b.act(name, {
		on: "keydown", was: listOf, seen: otherTitle, whole: rowsChanged,
		before: (i) => field.fill(words[i]), act: b.key("Enter"), times: words.length,
	});
	await search("search, first time");
	await search("search, again");
	await b.act("back to the inbox from a search", {
		on: "keydown", was: listOf, seen: otherTitle, whole: rowsChanged, times: 1,
		before: () => page.keyboard.press("g"), rest: 50, act: b.key("i"),
	});
}

async function openEditor(b) {
	const { page } = b;
	const leave = async () => {
		await page.keyboard.press("Escape");
		await page.locator("section[aria-label='New message']").waitFor({ state: "detached" });
	};
	await b.act("new message (c)", { on: "keydown", seen: fieldThere, act: b.key("c"), after: leave });
	await b.act("close the composer", { on: "keydown", seen: composerGone, before: async () => { await page.keyboard.press("c"); }, act: b.key("Escape") });
	await reveal(page, "Bench: a long conversation");
	for (const subject of ["Bench: plain 7", "Bench: newsletter 1", "Bench: a long conversation"]) {
		await reveal(page, subject);
		await row(page, subject).click();
		await reader(page).locator("article").first().waitFor();
		const what = subject.replace("Bench: ", "").replace(/ \d+$/, "");
		for (const [name, key] of [["reply", "r"], ["reply all", "a"], ["forward", "f"]])
			await b.act(`${name} (${key}): ${what}`, { on: "keydown", seen: fieldThere, act: b.key(key), after: leave });
	}
}

export async function composing(b) {
	const { page } = b;
	await b.home();
	await openEditor(b);
	const text = () => document.querySelector("section[aria-label='New message'] [contenteditable]")?.textContent;
	const box = page.locator("section[aria-label='New message']");
	const to = box.getByRole("combobox", { name: "To" });
	const options = () => document.querySelector("section[aria-label='New message'] [role=listbox]")?.textContent;
	await page.keyboard.press("c");
	await to.waitFor();
	await b.act("suggested recipients while typing", {
		on: "keydown", ...turns(options), act: (i) => page.keyboard.press("bjm"[i]), times: 3, before: () => to.fill(""),
	});
	await to.fill("");
	await b.act("a recipient", {
		on: "keydown", seen: () => Boolean(document.querySelector("section[aria-label='New message'] [class*=chip] button")), before: () => to.fill("bob@letterlock.test"), act: b.key("Enter"), times: 1,
	});
	await page.keyboard.press("Tab");
	await box.locator("[contenteditable]").click();
	await b.act("a letter typed in the composer", { on: "keydown", ...turns(text), act: (i) => page.keyboard.press("abcdefgh"[i]), times: 8, rest: 80 });
	await b.act("an attachment", {
		on: "change", ...turns(() => document.querySelectorAll("section[aria-label='New message'] ul li:has(button)").length),
		act: (i) => box.locator("input[type=file]").setInputFiles({ name: `file ${i}.bin`, mimeType: "application/octet-stream", buffer: Buffer.alloc(200_000, i) }),
	});
	await b.act("the lock", { on: "click", seen: dialogThere, act: () => box.locator("[data-lock]").click(), after: escape(page) });
	await lockChoices(b, box);
	const plain = () => Boolean(document.querySelector("section[aria-label='New message'] textarea"));
	await b.act("plain text and back", {
		on: "click", ...turns(plain), times: 4,
		before: async () => { await box.getByRole("button", { name: "More actions" }).click(); await page.getByRole("menuitemcheckbox").waitFor(); }, act: () => page.getByRole("menuitemcheckbox").click(),
	});
	await box.getByRole("button", { name: "Discard draft" }).click();
}

async function lockChoices(b, box) {
	const { page } = b;
	await box.locator("[data-lock]").click();
	await page.locator("dialog[open] input[value=plain]").waitFor();
	await b.act("another protection", {
		on: "click", ...turns(() => document.querySelector("[data-lock]")?.dataset.lock),
		act: (i) => page.locator(`dialog[open] input[value=${["plain", "auto"][i % 2]}]`).click(), times: 4,
	});
	await page.keyboard.press("Escape");
}

export async function settings(b) {
	const { page } = b;
	const said = () => document.querySelector("#content h1")?.textContent;
	const back = async () => { await page.locator("nav a[href='/mail/inbox']").click(); await rows(page).first().waitFor(); };
	await b.home();
	await b.act("settings", {
		on: "click", was: said, seen: () => location.pathname.startsWith("/settings") && document.querySelector("nav [aria-current]"), act: () => page.getByRole("button", { name: "Settings" }).first().click(), after: back,
	});
	await b.act("back from settings", {
		on: "click", seen: () => document.querySelector("main [role=option]:has(time)"), before: async () => { await page.getByRole("button", { name: "Settings" }).first().click(); await page.locator("nav [aria-current]").waitFor(); },
		act: () => page.locator("nav a[href='/mail/inbox']").click(),
	});
	await page.getByRole("button", { name: "Settings" }).first().click();
	await page.locator("nav [aria-current]").waitFor();
	const names = await page.locator("nav[aria-label=Settings] a[href^='/settings/']").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
	for (const href of [...names.slice(1), names[0]])
		await b.act(`settings: ${href.slice(10)}`, { on: "click", ...turns(said), act: () => page.locator(`nav a[href='${href}']`).click(), times: 1 });
	for (const href of [...names.slice(1), names[0]])
		await b.act("settings: a page again", { on: "click", ...turns(said), act: () => page.locator(`nav a[href='${href}']`).click(), times: 1 });
}

export async function scrolling(b, { large }) {
	const { page } = b;
	const list = page.locator("main [role=listbox]").first();
	const middle = () => {
		const at = document.querySelector("main [role=listbox]").getBoundingClientRect();
		return document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2)?.closest("[role=option]");
	};
	const rowThere = `() => Boolean((${middle})())`;
	const letterThere = `() => Boolean((${middle})()?.querySelector("time"))`;
	await b.home();
	for (const part of large ? [0.5, 0.1, 0.9, 0.33, 0.77, 0.02, 1] : [1, 0, 0.5, 0])
		await b.act("scroll bar to another place", {
			on: "scroll", seen: rowThere, whole: letterThere, times: 1,
			act: () => list.evaluate((el, to) => { el.scrollTop = (el.scrollHeight - el.clientHeight) * to; }, part),
		});
	await b.act("End, Home", {
		on: "keydown", ...turns(cursorId), whole: letterThere, before: (i) => (i ? undefined : list.focus()), act: (i) => page.keyboard.press(i % 2 ? "Home" : "End"), times: 4,
	});
}

export async function phone(b) {
	const { page } = b;
	const open = { was: heading, seen: otherHeading, whole: textThere };
	await b.home();
	const back = async () => { await page.getByRole("button", { name: "Back to the list" }).first().click(); await rows(page).first().waitFor(); };
	await b.act("phone: open", { ...open, on: "click", act: (i) => rows(page).nth(i + 1).tap(), times: 4, after: back });
	await b.act("phone: back", {
		on: "click", seen: () => document.querySelector("main [role=option]:has(time)")?.checkVisibility() && !document.querySelector("[aria-label=Conversation]"),
		before: async (i) => { await rows(page).nth(i + 1).tap(); await reader(page).locator("article").first().waitFor(); }, act: () => page.getByRole("button", { name: "Back to the list" }).first().tap(),
	});
	await b.act("phone: mailboxes", {
		on: "click", seen: () => Boolean(document.querySelector("[role=dialog][aria-modal] [role=treeitem]")), act: () => page.getByRole("button", { name: "Mailboxes" }).tap(), after: escape(page),
	});
	await b.act("phone: new message", {
		on: "click", seen: fieldThere, act: () => page.getByRole("button", { name: "New message" }).last().tap(),
		after: async () => { await page.keyboard.press("Escape"); await page.locator("section[aria-label='New message']").waitFor({ state: "detached" }); },
	});
}
