// Menus that the list and the reader share: where to move, which labels.
import { t } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import { IconButton } from "../../ui/button.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { boxName, labelName, labelsOf, messagesOf, moveTo, toggleLabel } from "./actions.ts";
import { sortMailboxes } from "./sidebar.tsx";
import { mail, place, targets } from "./state.ts";

export function moveEntries(rows: () => readonly Id[] = targets): MenuEntry[] {
	const here = place.peek().mailbox?.id;
	return sortMailboxes([...mail().mailboxes.peek().values()])
		.filter((m) => m.id !== here && !["drafts", "sent", "scheduled", "snoozed"].includes(m.role ?? ""))
		.map((m) => ({ label: boxName(m), icon: m.role ? "archive" : "folder", run: () => moveTo(m, [...rows()]) }));
}

/** Labels seen in this mailbox, and a few to begin with. */
export function knownLabels(): string[] {
	const seen = new Set(["work", "family", "receipts", "travel"]);
	for (const id of mail().emails.ids())
		for (const label of labelsOf(mail().emails.peek(id)?.keywords ?? {}))
			seen.add(label);
	return [...seen].sort();
}

export function labelEntries(rows: () => readonly Id[] = targets): MenuEntry[] {
	const ids = messagesOf(rows());
	return knownLabels().map((label) => ({
		label: labelName(label),
		checked: ids.length > 0 && ids.every((id) => mail().emails.peek(id)?.keywords[label]),
		run: () => toggleLabel(label, [...rows()]),
	}));
}

export function MoveMenu() {
	return <Menu label={t("moveTo")} side="end" entries={() => moveEntries()} button={(p) => <IconButton icon="move" label={t("moveTo")} shortcut="v" id="move-menu" {...p} />} />;
}

export function LabelMenu() {
	return <Menu label={t("labels")} side="end" entries={() => labelEntries()} button={(p) => <IconButton icon="tag" label={t("labels")} shortcut="l" id="label-menu" {...p} />} />;
}
