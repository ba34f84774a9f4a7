// The menu of a row of the list, and the menus that keys open while there is no button for them.
import { t } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import type { MenuEntry } from "../../ui/menu.tsx";
import { openMenuAt, type Point } from "../../ui/menu_at.tsx";
import { archive, messagesOf, remove, setSeen, spam, star, toInbox } from "./actions.ts";
import { compose } from "./compose_state.ts";
import { labelEntries, moveEntries } from "./menus.tsx";
import { maySnooze, snoozeEntries } from "./snooze.tsx";
import { cursor, mail, openId, openMessage, place, selected, targets, toggleSelected } from "./state.ts";

type Kind = "move" | "label" | "snooze";
const titles = { move: "moveTo", label: "labels", snooze: "snooze" } as const;
const makers = { move: moveEntries, label: labelEntries, snooze: snoozeEntries };

function openKind(kind: Kind, rows: readonly Id[], at: Point): void {
	openMenuAt(t(titles[kind]), [{ title: t(titles[kind]) }, ...makers[kind](() => rows)], at);
}

async function answer(mode: "reply" | "replyAll" | "forward", id: Id): Promise<void> {
	await mail().read([id]);
	const email = mail().full.peek(id);
	if (email)
		compose({ mode, email });
}

function single(id: Id): MenuEntry[] {
	return [
		...(openId.peek() === id ? [] : [{ label: t("openConversation"), icon: "mailOpen" as const, hint: "o", run: () => openMessage(id) }]),
		{ label: t("reply"), icon: "reply", run: () => void answer("reply", id) },
		{ label: t("replyAll"), icon: "replyAll", run: () => void answer("replyAll", id) },
		{ label: t("forward"), icon: "forward", run: () => void answer("forward", id) },
		"line",
	];
}

function entries(rows: readonly Id[], at: Point): MenuEntry[] {
	const role = place.peek().mailbox?.role ?? "";
	const all = messagesOf(rows).map((id) => mail().emails.peek(id)?.keywords ?? {});
	const unread = all.some((k) => !k.$seen);
	const draft = role === "drafts";
	return [
		...(rows.length === 1 && !draft ? single(rows[0] as Id) : []),
		...(draft ? [] : [role === "archive" || role === "trash"
			? { label: t("moveToInbox"), icon: "inbox" as const, run: () => void toInbox(rows) }
			: { label: t("archive"), icon: "archive" as const, hint: "e", run: () => void archive(rows) }]),
		{ label: t("delete"), icon: "trash", hint: "#", run: () => remove([...rows]) },
		...(draft ? [] : [{ label: t(role === "junk" ? "notSpam" : "spam"), icon: "spam" as const, hint: "!", run: () => spam([...rows]) }]),
		"line",
		{ label: t(unread ? "markRead" : "markUnread"), icon: unread ? "mailOpen" : "mail", hint: unread ? "I" : "U", run: () => setSeen(unread, [...rows]) },
		{ label: t(all.some((k) => k.$flagged) ? "unstar" : "star"), icon: "star", hint: "s", run: () => star([...rows]) },
		...(draft ? [] : [
			...(maySnooze() ? [{ label: `${t("snooze")} …`, icon: "clock" as const, hint: "b", run: () => openKind("snooze", rows, at) }] : []),
			{ label: `${t("moveTo")} …`, icon: "move" as const, hint: "v", run: () => openKind("move", rows, at) },
		]),
		{ label: `${t("labels")} …`, icon: "tag", hint: "l", run: () => openKind("label", rows, at) },
		...(document.getElementById(`row-${rows[0]}`)?.checkVisibility() ? ["line" as const, { label: t("select"), icon: "check" as const, hint: "x", run: () => toggleSelected(rows[0] as Id) }] : []),
	];
}

export function openRowMenu(id: Id, at: Point): void {
	const rows = selected.peek().has(id) ? [...selected.peek()] : [id];
	cursor.value = id;
	openMenuAt(t("messageActions"), entries(rows, at), at);
}

/** Beside the row that the keys act on. */
export function openByKey(kind: Kind): void {
	const rows = targets();
	const box = document.getElementById(`row-${rows[0]}`)?.getBoundingClientRect();
	if (rows.length && (kind !== "snooze" || maySnooze()))
		openKind(kind, rows, box ? { x: box.left + 60, y: box.bottom - 8 } : { x: innerWidth / 2 - 100, y: innerHeight / 3 });
}
