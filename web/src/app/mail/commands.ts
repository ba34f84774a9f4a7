// Everything that a key can do: one table for the keys, the sheet of keys and the command palette.
import { signal } from "@preact/signals";
import type { Key } from "../../i18n/index.ts";
import { undoNewest } from "../../ui/toast.tsx";
import type { Id } from "../../jmap/types.ts";
import { setPrefs, dark } from "../prefs.ts";
import { address, go } from "../router.ts";
import { archive, remove, setSeen, spam, star } from "./actions.ts";
import { compose, writing } from "./compose_state.ts";
import { shown } from "./thread_view.tsx";
import { closeMessage, cursor, mail, openId, openMessage, selected, step, toggleSelected } from "./state.ts";

type Overlay = "keys" | "palette" | "scheduled" | "snooze" | "outbox" | "leaving" | { leave: string } | null;
export const overlay = signal<Overlay>(null);

export interface Command { id: string; title: Key; group: Key; keys: readonly string[]; run(): void }

function withOpen(mode: "reply" | "replyAll" | "forward"): void {
	const id = shown.peek().ids.at(-1);
	const email = id && openId.peek() ? mail().full.peek(id) : undefined;
	if (email)
		return compose({ mode, email });
	const row = cursor.peek();
	if (row)
		void mail().read([row]).then(() => {
			const full = mail().full.peek(row);
			if (full)
				compose({ mode, email: full });
		});
}

/** By the button for it where one is seen, else beside the row. */
const press = (kind: "move" | "snooze" | "label") => {
	const button = document.getElementById(`${kind}-menu`);
	if (button?.checkVisibility())
		button.click();
	else
		void import("./row_menu.ts").then((m) => m.openByKey(kind));
};
const selectAll = () => {
	selected.value = new Set((mail().list.peek()?.ids.peek() ?? []).filter((i): i is Id => i !== undefined));
};
const withCursor = (act: (id: Id) => void) => () => {
	if (cursor.peek())
		act(cursor.peek() as Id);
};
const place = (name: string) => () => go(address("mail", name));

export const commands: readonly Command[] = [
	{ id: "compose", title: "compose", group: "groupWrite", keys: ["c"], run: () => compose() },
	{ id: "reply", title: "reply", group: "groupWrite", keys: ["r"], run: () => withOpen("reply") },
	{ id: "replyAll", title: "replyAll", group: "groupWrite", keys: ["a"], run: () => withOpen("replyAll") },
	{ id: "forward", title: "forward", group: "groupWrite", keys: ["f"], run: () => withOpen("forward") },
	{ id: "next", title: "next", group: "groupMove", keys: ["j"], run: () => step(1) },
	{ id: "previous", title: "previous", group: "groupMove", keys: ["k"], run: () => step(-1) },
	{ id: "open", title: "openConversation", group: "groupMove", keys: ["o", "Enter"], run: withCursor(openMessage) },
	{ id: "back", title: "backToList", group: "groupMove", keys: ["u"], run: closeMessage },
	{ id: "search", title: "search", group: "groupMove", keys: ["/"], run: () => document.getElementById("search")?.focus() },
	{ id: "archive", title: "archive", group: "groupAct", keys: ["e"], run: () => void archive() },
	{ id: "delete", title: "delete", group: "groupAct", keys: ["#", "Delete"], run: () => remove() },
	{ id: "spam", title: "spam", group: "groupAct", keys: ["!"], run: () => spam() },
	{ id: "star", title: "star", group: "groupAct", keys: ["s"], run: () => star() },
	{ id: "read", title: "markRead", group: "groupAct", keys: ["I"], run: () => setSeen(true) },
	{ id: "unread", title: "markUnread", group: "groupAct", keys: ["U"], run: () => setSeen(false) },
	{ id: "move", title: "moveTo", group: "groupAct", keys: ["v"], run: () => press("move") },
	{ id: "snooze", title: "snooze", group: "groupAct", keys: ["b"], run: () => press("snooze") },
	{ id: "label", title: "labels", group: "groupAct", keys: ["l"], run: () => press("label") },
	{ id: "undo", title: "undo", group: "groupAct", keys: ["z"], run: () => void undoNewest() },
	{ id: "select", title: "select", group: "groupSelect", keys: ["x"], run: withCursor(toggleSelected) },
	{ id: "selectAll", title: "selectAll", group: "groupSelect", keys: ["* a"], run: selectAll },
	{ id: "selectNone", title: "selectNone", group: "groupSelect", keys: ["* n"], run: () => { selected.value = new Set(); } },
	{ id: "goInbox", title: "boxInbox", group: "groupGo", keys: ["g i"], run: place("inbox") },
	{ id: "goStarred", title: "boxStarred", group: "groupGo", keys: ["g s"], run: place("starred") },
	{ id: "goDrafts", title: "boxDrafts", group: "groupGo", keys: ["g d"], run: place("drafts") },
	{ id: "goSent", title: "boxSent", group: "groupGo", keys: ["g t"], run: place("sent") },
	{ id: "goArchive", title: "boxArchive", group: "groupGo", keys: ["g e"], run: place("archive") },
	{ id: "goAll", title: "allMail", group: "groupGo", keys: ["g a"], run: place("all") },
	{ id: "goUnread", title: "unreadMail", group: "groupGo", keys: ["g u"], run: place("unread") },
	{ id: "scheduled", title: "scheduledLetters", group: "groupGo", keys: ["g l"], run: () => { overlay.value = "scheduled"; } },
	{ id: "goSettings", title: "settings", group: "groupGo", keys: ["g ,"], run: () => go(address("settings")) },
	{ id: "theme", title: "switchTheme", group: "groupOther", keys: [], run: () => setPrefs({ theme: dark.peek() ? "light" : "dark" }) },
	{ id: "keys", title: "keyboardShortcuts", group: "groupOther", keys: ["?"], run: () => { overlay.value = "keys"; } },
	{ id: "palette", title: "commandPalette", group: "groupOther", keys: ["Ctrl+K"], run: () => { overlay.value = "palette"; } },
];

const byKeys = new Map(commands.flatMap((c) => c.keys.map((k) => [k, c] as const)));
let prefix = "";
let prefixTimer = 0;

function typing(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function escape(): boolean {
	if (selected.peek().size) {
		selected.value = new Set();
		return true;
	}
	if (openId.peek() && !matchMedia("(min-width: 1081px)").matches) {
		closeMessage();
		return true;
	}
	return false;
}

/** Nothing has the focus yet: the list takes it. */
function arrow(key: string): boolean {
	const by = { ArrowDown: 1, ArrowUp: -1 }[key];
	const list = document.querySelector<HTMLElement>("#content [role=listbox]");
	if (!by || !list?.checkVisibility())
		return false;
	list.focus();
	step(by);
	return true;
}

function handle(e: KeyboardEvent): void {
	if (e.defaultPrevented || document.querySelector("dialog[open]"))
		return;
	if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k" && !(writing.peek() && typing(e.target))) {
		e.preventDefault();
		overlay.value = "palette";
		return;
	}
	if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target))
		return;
	if (e.key === "Enter" && e.target instanceof HTMLElement && e.target.matches("button,a,[role=treeitem],summary"))
		return;
	const keys = prefix ? `${prefix} ${e.key}` : e.key;
	clearTimeout(prefixTimer);
	prefix = "";
	if (!keys.includes(" ") && (e.key === "g" || e.key === "*")) {
		prefix = e.key;
		prefixTimer = window.setTimeout(() => { prefix = ""; }, 1500);
		return;
	}
	const command = byKeys.get(keys);
	if (command) {
		e.preventDefault();
		command.run();
	} else if ((e.key === "Escape" && escape()) || (e.key.startsWith("Arrow") && document.activeElement === document.body && arrow(e.key)))
		e.preventDefault();
}

export function startKeys(): () => void {
	document.addEventListener("keydown", handle);
	return () => document.removeEventListener("keydown", handle);
}
