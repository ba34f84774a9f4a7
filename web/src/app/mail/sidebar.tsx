// The mailboxes, with their counters. Messages can be dropped on them, and folders below others.
import { signal } from "@preact/signals";
import { t } from "../../i18n/index.ts";
import type { Id, Mailbox } from "../../jmap/types.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { Tree, type TreeNode } from "../../ui/tree.tsx";
import { unsent } from "../offline/hooks.ts";
import { address, go } from "../router.ts";
import { boxName, moveTo } from "./actions.ts";
import { pending } from "./compose_state.ts";
import { boxAddress, drawer, place, store } from "./state.ts";
import css from "./sidebar.module.css";

export const dragType = "application/x-letterlock-messages";
const folderType = "application/x-letterlock-folder";

/** A folder that is being dragged, and where it may go, once that is known (boxes/drag.ts). */
export interface Dragged { id: Id; may: ReadonlySet<Id>; top: string; move(to: Id | null): void }
export const dragged = signal<Dragged | null>(null);
const hasMouse = matchMedia("(any-pointer: fine)").matches;

const order = ["inbox", "snoozed", "drafts", "scheduled", "sent", "archive", "junk", "trash"];
const icons: Record<string, IconName> = {
	inbox: "inbox", drafts: "draft", sent: "send", archive: "archive", junk: "spam", trash: "trash", snoozed: "clock", scheduled: "calendar",
};
export const boxIcon = (box: Mailbox): IconName => icons[box.role ?? ""] ?? "folder";
const closed = signal<ReadonlySet<Id>>(new Set());

interface BoxNode extends TreeNode { box: Mailbox | null; icon: IconName; count: number; strong: boolean; to: string; unread?: boolean }

/** Mailboxes with a role first, in their usual order, then the others by name, each before its children. */
export function sortMailboxes(all: readonly Mailbox[]): Mailbox[] {
	const rank = (m: Mailbox) => {
		const i = order.indexOf(m.role ?? "");
		return i < 0 ? order.length : i;
	};
	return [...all].sort((a, b) => rank(a) - rank(b) || a.sortOrder - b.sortOrder || a.name.localeCompare(b.name));
}

function boxNode(box: Mailbox, level: number, hasChildren: boolean): BoxNode {
	const drafts = box.role === "drafts" || box.role === "scheduled";
	const quiet = box.role === "sent" || box.role === "trash" || box.role === "archive";
	return {
		id: box.id, label: boxName(box), level, open: hasChildren ? !closed.value.has(box.id) : undefined, box,
		icon: boxIcon(box), count: drafts ? box.totalEmails : quiet ? 0 : box.unreadEmails,
		strong: box.role === "inbox" && box.unreadEmails > 0, to: boxAddress(box), unread: !drafts,
	};
}

function boxNodes(all: readonly Mailbox[], parent: Id | null, level: number): BoxNode[] {
	return sortMailboxes(all.filter((m) => m.parentId === parent)).flatMap((box) => {
		const children = all.some((m) => m.parentId === box.id);
		const node = boxNode(box, level, children);
		return node.open ? [node, ...boxNodes(all, box.id, level + 1)] : [node];
	});
}

function dragFolder(node: BoxNode, data: DataTransfer): void {
	const { box } = node;
	data.setData(folderType, node.id);
	data.effectAllowed = "move";
	dragged.value = { id: node.id, may: new Set(), top: "", move: () => undefined };
	if (box)
		void import("./boxes/drag.ts").then((m) => m.begin(box));
}

const dragEnd = () => { dragged.value = null; };

function mayDrop(node: BoxNode, types: readonly string[]): boolean {
	return types.includes(folderType) ? Boolean(dragged.value?.may.has(node.id)) : Boolean(node.box && types.includes(dragType));
}

function drop(node: BoxNode, data: DataTransfer): void {
	if (data.types.includes(folderType))
		dragged.peek()?.move(node.id);
	else if (node.box)
		moveTo(node.box, JSON.parse(data.getData(dragType)) as Id[]);
}

/** Where a folder is dropped that shall be in no other one. */
function Top({ what }: { what: Dragged }) {
	return (
		<div class={css.top} onDragOver={(e) => { e.preventDefault(); e.currentTarget.dataset.over = ""; }} onDragLeave={(e) => delete e.currentTarget.dataset.over}
			onDrop={(e) => { e.preventDefault(); what.move(null); }}>{what.top}</div>
	);
}

function starred(): BoxNode {
	return { id: "starred", label: t("boxStarred"), level: 1, box: null, icon: "star", count: 0, strong: false, to: address("mail", "starred") };
}

export function Sidebar({ onCompose, onWaiting }: { onCompose(): void; onWaiting(which: "outbox" | "scheduled"): void }) {
	const all = [...(store.value?.mailboxes.value.values() ?? [])];
	const nodes = boxNodes(all, null, 1);
	const after = nodes.findIndex((n) => n.box?.role !== "inbox" && n.level === 1);
	nodes.splice(after < 0 ? nodes.length : after, 0, starred());
	const waiting = pending.value?.length ?? 0;
	const drafts = nodes.findIndex((n) => n.box?.role === "drafts");
	if (waiting > 0)
		nodes.splice(drafts + 1, 0, { id: "scheduled", label: t("boxScheduled"), level: 1, box: null, icon: "calendar", count: waiting, strong: false, to: "" });
	if (unsent.value > 0)
		nodes.splice(drafts + 1, 0, { id: "outbox", label: t("boxOutbox"), level: 1, box: null, icon: "send", count: unsent.value, strong: true, to: "" });
	const p = place.value;

	return (
		<nav class={css.side} aria-label={t("mailboxes")}>
			<button type="button" class={css.compose} onClick={onCompose} data-tip={t("compose")} data-key="c">
				<Icon name="compose" size={18} /><span>{t("compose")}</span>
			</button>
			<Tree label={t("mailboxes")} nodes={nodes} current={p.kind === "box" ? p.mailbox?.id ?? null : p.key}
				mayDrag={(node) => hasMouse && node.box !== null && !node.box.role} onDrag={dragFolder} onDragEnd={dragEnd}
				dragging={dragged.value ? folderType : undefined} mayDrop={mayDrop} onDrop={drop} onMenu={(node, at) => { const { box } = node; if (box) void import("./boxes/box_menu.ts").then((m) => m.openBoxMenu(box, at)); }}
				onPick={(node) => {
					drawer.value = false;
					if (node.to)
						go(node.to);
					else
						onWaiting(node.id as "outbox" | "scheduled");
				}}
				onOpen={(node, open) => {
					const next = new Set(closed.value);
					next[open ? "delete" : "add"](node.id);
					closed.value = next;
				}}
				render={(node) => (
					<span class={css.box}>
						<Icon name={node.icon} size={17} />
						<span class={css.name}>{node.label}</span>
						{node.count > 0 && (
							<span class={`${css.count} ${node.strong ? css.strong : ""}`}>
								{node.count}{node.unread && <span class="visually-hidden"> {t("unreadCount", { n: node.count })}</span>}
							</span>
						)}
					</span>
				)} />
			{dragged.value?.top ? <Top what={dragged.value} /> : <button type="button" class={css.fresh} onClick={() => { drawer.value = false; void import("./boxes/box_menu.ts").then((m) => m.newFolder(null)); }}>
				<Icon name="plus" size={17} /><span>{t("newFolder")}</span>
			</button>}
		</nav>
	);
}
