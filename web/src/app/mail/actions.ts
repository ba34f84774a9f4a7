// What can be done with messages. Each shows at once, says what it did and can be undone.
import { t, type Key } from "../../i18n/index.ts";
import type { Change } from "../../jmap/mail.ts";
import type { GetResult, Id, Mailbox, SetResult } from "../../jmap/types.ts";
import { toast } from "../../ui/toast.tsx";
import { labelName } from "./label_names.ts";
import { cursor, listAddress, mail, openId, openMessage, place, selected, targets } from "./state.ts";
import { go } from "../router.ts";

export { labelName };

/** All messages that the rows stand for. */
export function messagesOf(rows: readonly Id[]): Id[] {
	const box = place.peek().mailbox?.id ?? null;
	const collapsed = mail().list.peek()?.query.collapseThreads ?? false;
	return [...new Set(rows.flatMap((id) => (collapsed ? mail().conversation(id, box) : [id])))];
}

/** The row that is shown when these have gone: the next one down, else up. */
function neighbour(rows: ReadonlySet<Id>): Id | null {
	const ids = mail().list.peek()?.ids.peek() ?? [];
	const last = ids.findLastIndex((id) => id !== undefined && rows.has(id));
	return ids.slice(last + 1).find((id) => id !== undefined) ?? ids.slice(0, Math.max(0, last)).findLast((id) => id !== undefined && !rows.has(id)) ?? null;
}

export function leaveRows(rows: readonly Id[]): () => void {
	const gone = new Set(rows);
	const next = neighbour(gone);
	const wasOpen = openId.peek();
	const back = mail().list.peek()?.remove(gone);

	selected.value = new Set();
	if (cursor.peek() && gone.has(cursor.peek() as Id))
		cursor.value = next;
	if (wasOpen && gone.has(wasOpen)) {
		if (next && matchMedia("(min-width: 701px)").matches)
			openMessage(next);
		else
			go(listAddress(), true);
	}
	return () => {
		back?.();
		if (rows[0])
			cursor.value = rows[0];
	};
}

function changeAll(ids: readonly Id[], make: (id: Id) => Change): () => void {
	return mail().change(new Map(ids.map((id) => [id, make(id)])));
}

function moveRows(rows: readonly Id[], to: Mailbox, said: Key): void {
	const from = place.peek().mailbox;
	const ids = messagesOf(rows);
	const stays = new Set(["drafts", "sent"]);
	const undo = changeAll(ids, (id) => {
		const now = mail().emails.peek(id)?.mailboxIds ?? {};
		const leaves = from ? [from.id] : Object.keys(now).filter((m) => !stays.has(mail().mailboxes.peek().get(m)?.role ?? ""));
		const all = to.role === "trash" || to.role === "junk" ? Object.keys(now) : leaves;
		return { mailboxes: { ...Object.fromEntries(all.filter((m) => m !== to.id).map((m) => [m, false])), [to.id]: true } };
	});
	const back = place.peek().kind === "box" && from?.id !== to.id ? leaveRows(rows) : () => undefined;
	selected.value = new Set();
	toast({ text: t(said, { n: rows.length, box: boxName(to) }), undo: () => { undo(); back(); } });
}

const roleKeys: Record<string, Key> = {
	inbox: "boxInbox", drafts: "boxDrafts", sent: "boxSent", archive: "boxArchive", junk: "boxSpam", trash: "boxTrash",
	snoozed: "boxSnoozed", scheduled: "boxScheduled",
};

export function boxName(box: Mailbox): string {
	const key = roleKeys[box.role ?? ""];
	return key ? t(key) : box.name;
}

async function roleBox(role: string, name: string): Promise<Mailbox | null> {
	const there = mail().role(role);
	if (there)
		return there;
	const made = await mail().client.call<SetResult>("Mailbox/set", { create: { b: { name, role, parentId: null } } });
	const id = made.created?.b?.id;
	if (!id)
		return null;
	const got = await mail().client.call<GetResult<Mailbox>>("Mailbox/get", { ids: [id] });
	await mail().loadMailboxes();
	return got.list[0] ?? null;
}

async function toRole(role: string, name: string, said: Key, rows = targets()): Promise<void> {
	if (rows.length === 0)
		return;
	const box = await roleBox(role, name).catch(() => null);
	if (box)
		moveRows(rows, box, said);
	else
		toast({ text: t("failedAction"), bad: true });
}

export const archive = (rows?: readonly Id[]) => toRole("archive", "Archive", "didArchive", rows as Id[] | undefined);
export const toInbox = (rows?: readonly Id[]) => toRole("inbox", "Inbox", "didMove", rows as Id[] | undefined);

export function spam(rows = targets()): void {
	if (place.peek().mailbox?.role === "junk")
		void toRole("inbox", "Inbox", "didNotSpam", [...rows]);
	else
		void toRole("junk", "Spam", "didSpam", [...rows]);
}

export function remove(rows = targets()): void {
	if (place.peek().mailbox?.role === "trash")
		return removeForGood(rows);
	void toRole("trash", "Trash", "didDelete", [...rows]);
}

/** The server is told only when nobody has undone it for a while. */
function removeForGood(rows: readonly Id[]): void {
	const ids = messagesOf(rows);
	const back = leaveRows(rows);
	const timer = setTimeout(() => {
		mail().destroy(ids).catch(() => {
			back();
			toast({ text: t("failedAction"), bad: true });
		});
	}, 6000);
	toast({ text: t("didDestroy", { n: rows.length }), undo: () => { clearTimeout(timer); back(); } });
}

export function moveTo(box: Mailbox, rows = targets()): void {
	if (rows.length)
		moveRows(rows, box, "didMove");
}

const has = (id: Id, keyword: string) => Boolean(mail().emails.peek(id)?.keywords[keyword]);

export function star(rows = targets()): void {
	const on = !rows.some((row) => messagesOf([row]).some((id) => has(id, "$flagged")));
	// A conversation is starred at its newest message, and unstarred at all of them.
	const ids = on ? [...rows] : messagesOf(rows);
	changeAll(ids, () => ({ keywords: { $flagged: on } }));
}

export function starMessage(id: Id): void {
	changeAll([id], () => ({ keywords: { $flagged: !has(id, "$flagged") } }));
}

export function setSeen(on: boolean, rows = targets()): void {
	if (rows.length === 0)
		return;
	const ids = messagesOf(rows).filter((id) => has(id, "$seen") !== on);
	const undo = changeAll(on ? ids : ids.slice(-1), () => ({ keywords: { $seen: on } }));
	selected.value = new Set();
	if (!on && openId.peek())
		go(listAddress());
	toast({ text: t(on ? "didRead" : "didUnread", { n: rows.length }), undo });
}

/** Read because somebody looked at it: nothing to tell, nothing to undo. */
export function seen(ids: readonly Id[]): void {
	const unseen = ids.filter((id) => !has(id, "$seen"));
	if (unseen.length)
		changeAll(unseen, () => ({ keywords: { $seen: true } }));
}

export function toggleLabel(label: string, rows: readonly Id[] = targets()): void {
	const ids = messagesOf(rows);
	const on = !ids.every((id) => has(id, label));
	const undo = changeAll(ids, () => ({ keywords: { [label]: on } }));
	toast({ text: t(on ? "didLabel" : "didUnlabel", { n: rows.length, label: labelName(label) }), undo });
}

/** As files; the part that makes them is loaded for it. */
export function saveMessages(ids: readonly Id[]): void {
	void import("../transfer/save_selected.ts").then((m) => m.saveSelected(ids));
}
