// A folder that is drawn below another one by the mouse; the menu has the same for everybody (box_menu.ts).
import type { Id, Mailbox } from "../../../jmap/types.ts";
import { toast } from "../../../ui/toast.tsx";
import { dragged } from "../sidebar.tsx";
import { placesOf, put } from "./box_menu.ts";
import { t } from "./texts.ts";

async function move(box: Mailbox, to: Id | null): Promise<void> {
	const wrong = await put(box, to).catch(() => t("failedAction"));
	if (wrong)
		toast({ text: wrong, bad: true });
}

/** Says where it may go, if it is still being dragged. */
export function begin(box: Mailbox): void {
	if (dragged.peek()?.id !== box.id)
		return;
	dragged.value = {
		id: box.id, may: new Set(placesOf(box).map((m) => m.id).filter((id) => id !== box.parentId)), top: box.parentId ? t("toTop") : "",
		move: (to) => { dragged.value = null; void move(box, to); },
	};
}
