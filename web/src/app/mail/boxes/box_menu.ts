// What can be done with a folder: new ones, another name, away with it, all read, emptied.
import { t } from "./texts.ts";
import type { GetResult, Id, Mailbox, QueryResult, SetResult } from "../../../jmap/types.ts";
import { ask } from "../../../ui/ask.tsx";
import type { MenuEntry } from "../../../ui/menu.tsx";
import { openMenuAt, type Point } from "../../../ui/menu_at.tsx";
import { toast } from "../../../ui/toast.tsx";
import { address, go } from "../../router.ts";
import { boxName } from "../actions.ts";
import { boxPath } from "../menus.tsx";
import { sortMailboxes } from "../sidebar.tsx";
import { boxAddress, mail, place } from "../state.ts";

const boxes = () => [...mail().mailboxes.peek().values()];
const taken = (name: string, parentId: Id | null, but: Id | null) =>
	boxes().some((m) => m.id !== but && m.parentId === parentId && [m.name, boxName(m)].some((n) => n.toLocaleLowerCase() === name.toLocaleLowerCase()));

async function set(args: Record<string, unknown>): Promise<SetResult> {
	const result = await mail().client.call<SetResult>("Mailbox/set", args);
	for (const refused of [result.notCreated, result.notUpdated, result.notDestroyed])
		for (const error of Object.values(refused ?? {}))
			throw new Error(error.description ?? error.type);
	await mail().loadMailboxes();
	return result;
}

export function newFolder(parent: Mailbox | null): void {
	const parentId = parent?.id ?? null;
	ask({
		title: parent ? t("newFolderIn", { name: boxName(parent) }) : t("newFolder"), label: t("folderName"), action: t("create"),
		async run(name) {
			if (taken(name, parentId, null))
				return t("folderExists");
			const made = await set({ create: { b: { name, parentId } } });
			const box = mail().mailboxes.peek().get(made.created?.b?.id ?? "");
			if (box)
				go(boxAddress(box));
			toast({ text: t("folderMade", { name }) });
			return undefined;
		},
	});
}

function rename(box: Mailbox): void {
	ask({
		title: t("renameFolder"), label: t("folderName"), value: box.name, action: t("rename"),
		async run(name) {
			if (taken(name, box.parentId, box.id))
				return t("folderExists");
			await set({ update: { [box.id]: { name } } });
			toast({ text: t("folderRenamed", { name }) });
			return undefined;
		},
	});
}

/** Those that a folder can be put below: not itself, and not what is below it. */
export function placesOf(box: Mailbox): Mailbox[] {
	const isBelow = (m: Mailbox): boolean => m.id === box.id || (m.parentId !== null && boxes().some((p) => p.id === m.parentId && isBelow(p)));
	return sortMailboxes(boxes()).filter((m) => !isBelow(m) && !fixed.has(m.role ?? "") && m.myRights?.["mayCreateChild"] !== false);
}

/** Below another folder, or beside the others. Why it cannot be, or undefined. */
export async function put(box: Mailbox, parentId: Id | null): Promise<string | undefined> {
	const before = box.parentId;
	const to = (parent: Id | null) => set({ update: { [box.id]: { parentId: parent } } });
	if (parentId === before)
		return undefined;
	if (taken(box.name, parentId, box.id))
		return t("folderExists");
	await to(parentId);
	toast({ text: t("folderMoved", { name: boxName(box) }), undo: () => void to(before).catch(() => toast({ text: t("failedAction"), bad: true })) });
	return undefined;
}

function move(box: Mailbox): void {
	ask({
		title: t("moveFolderTitle", { name: boxName(box) }), choice: t("moveFolderTo"), value: box.parentId ?? "", action: t("move"),
		choices: [["", t("topLevel")], ...placesOf(box).map((m) => [m.id, boxPath(m)] as const)],
		run: (chosen) => put(box, chosen || null),
	});
}

/** Does it to all messages that fit, some hundred at a time, until there are none left. */
async function forAll(filter: Record<string, unknown>, act: (ids: readonly Id[]) => Promise<Record<string, unknown>>): Promise<void> {
	for (;;) {
		const { ids } = await mail().client.call<QueryResult>("Email/query", { filter, limit: 250 });
		if (ids.length === 0)
			return;
		const result = await mail().client.call<SetResult>("Email/set", await act(ids));
		for (const error of [...Object.values(result.notUpdated ?? {}), ...Object.values(result.notDestroyed ?? {})])
			if (error.type !== "notFound")
				throw new Error(error.description ?? error.type);
	}
}

const settle = () => Promise.all([mail().loadMailboxes(), mail().sync()]);

/** Messages that are in no other folder go to the trash. */
async function clear(box: Mailbox, trash: Id): Promise<void> {
	await forAll({ inMailbox: box.id }, async (ids) => {
		const got = await mail().client.call<GetResult<{ id: Id; mailboxIds: Record<Id, boolean> }>>("Email/get", { ids, properties: ["mailboxIds"] });
		return { update: Object.fromEntries(got.list.map((e) => [e.id, {
			[`mailboxIds/${box.id}`]: null, ...(Object.keys(e.mailboxIds).length === 1 ? { [`mailboxIds/${trash}`]: true } : {}),
		}])) };
	});
}

function remove(box: Mailbox): void {
	const name = boxName(box);
	ask({
		title: t("deleteFolderAsk", { name }), lead: box.totalEmails ? t("deleteFolderLead", { n: box.totalEmails }) : t("deleteFolderEmpty"),
		action: t("deleteFolder"), danger: true,
		async run() {
			const trash = mail().role("trash");
			if (boxes().some((m) => m.parentId === box.id))
				return t("deleteInner");
			if (!trash)
				return t("failedAction");
			await clear(box, trash.id);
			if (place.peek().mailbox?.id === box.id)
				go(address("mail", "inbox"));
			await set({ destroy: [box.id] });
			await settle();
			toast({ text: t("folderDeleted", { name }) });
			return undefined;
		},
	});
}

async function allRead(box: Mailbox): Promise<void> {
	try {
		await forAll({ inMailbox: box.id, notKeyword: "$seen" }, async (ids) => ({ update: Object.fromEntries(ids.map((id) => [id, { "keywords/$seen": true }])) }));
		await settle();
		toast({ text: t("didRead", { n: 1 }) });
	} catch {
		toast({ text: t("failedAction"), bad: true });
	}
}

function empty(box: Mailbox, title: string): void {
	ask({
		title, lead: t("emptyLead", { n: box.totalEmails }), action: t("delete"), danger: true,
		async run() {
			await forAll({ inMailbox: box.id }, async (ids) => ({ destroy: ids }));
			await settle();
			toast({ text: t("emptied") });
			return undefined;
		},
	});
}

const fixed = new Set(["inbox", "trash", "junk", "drafts", "sent", "scheduled", "snoozed"]);

function entries(box: Mailbox): MenuEntry[] {
	const title = t(box.role === "trash" ? "emptyTrash" : "emptySpam");
	return [
		{ title: boxName(box) },
		{ label: t("markAllRead"), icon: "mailOpen", disabled: box.unreadEmails === 0, run: () => void allRead(box) },
		...(box.role === "trash" || box.role === "junk" ? [{ label: title, icon: "trash" as const, danger: true, disabled: box.totalEmails === 0, run: () => empty(box, title) }] : []),
		"line",
		fixed.has(box.role ?? "") ? { label: t("newFolder"), icon: "plus", run: () => newFolder(null) } : { label: t("newFolderIn", { name: boxName(box) }), icon: "plus", run: () => newFolder(box) },
		...(box.role ? [] : [
			{ label: t("renameFolder"), icon: "compose" as const, run: () => rename(box) },
			{ label: t("moveFolder"), icon: "move" as const, run: () => move(box) },
			{ label: t("deleteFolder"), icon: "trash" as const, danger: true, run: () => remove(box) },
		]),
	];
}

export function openBoxMenu(box: Mailbox, at: Point): void {
	openMenuAt(t("boxActions", { name: boxName(box) }), entries(box), at);
}
