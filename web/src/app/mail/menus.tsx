// Menus that the list and the reader share: where to move, which labels.
import { t } from "../../i18n/index.ts";
import type { Id, Mailbox } from "../../jmap/types.ts";
import { IconButton } from "../../ui/button.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { boxName, messagesOf, moveTo, toggleLabel } from "./actions.ts";
import { labelName, labelsOf } from "./label_names.ts";
import { boxIcon, sortMailboxes } from "./sidebar.tsx";
import { mail, place, targets } from "./state.ts";

export function boxPath(box: Mailbox): string {
	const parent = box.parentId ? mail().mailboxes.peek().get(box.parentId) : undefined;
	return parent ? `${boxPath(parent)} / ${boxName(box)}` : boxName(box);
}

export function moveEntries(rows: () => readonly Id[] = targets): MenuEntry[] {
	const here = place.peek().mailbox?.id;
	return sortMailboxes([...mail().mailboxes.peek().values()])
		.filter((m) => m.id !== here && !["drafts", "sent", "scheduled", "snoozed"].includes(m.role ?? ""))
		.map((m) => ({ label: boxPath(m), icon: boxIcon(m), rank: m.role ? 0 : 1, run: () => moveTo(m, [...rows()]) }))
		.sort((a, b) => a.rank - b.rank || (a.rank && a.label.localeCompare(b.label)));
}

/** Labels seen in this mailbox, and a few to begin with. */
function knownLabels(): string[] {
	const seen = new Set(t("someLabels").split(" "));
	for (const id of mail().emails.ids())
		for (const label of labelsOf(mail().emails.peek(id)?.keywords ?? {}))
			seen.add(label);
	return [...seen].sort();
}

export function labelEntries(rows: () => readonly Id[] = targets): MenuEntry[] {
	const ids = messagesOf(rows());
	const known: MenuEntry[] = knownLabels().map((label) => ({
		label: labelName(label),
		checked: ids.length > 0 && ids.every((id) => mail().emails.peek(id)?.keywords[label]),
		run: () => toggleLabel(label, [...rows()]),
	}));
	const chosen = [...rows()];
	return [...known, "line", { label: t("newLabel"), icon: "plus", run: () => void import("./boxes/new_label.ts").then((m) => m.newLabel(chosen)) }];
}

export function MoveMenu() {
	return <Menu label={t("moveTo")} side="end" entries={() => moveEntries()} button={(p) => <IconButton icon="move" label={t("moveTo")} shortcut="v" id="move-menu" {...p} />} />;
}

export function LabelMenu() {
	return <Menu label={t("labels")} side="end" entries={() => labelEntries()} button={(p) => <IconButton icon="tag" label={t("labels")} shortcut="l" id="label-menu" {...p} />} />;
}
