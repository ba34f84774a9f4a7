// The list of the mailbox or search, with its heading and, while messages are selected, what can be done with them.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { MessageList } from "../../jmap/list.ts";
import type { Id } from "../../jmap/types.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { VirtualList } from "../../ui/virtual_list.tsx";
import { strip } from "../offline/hooks.ts";
import { prefs } from "../prefs.ts";
import { go } from "../router.ts";
import { archive, boxName, messagesOf, remove, saveMessages, setSeen, spam, star } from "./actions.ts";
import { MoveMenu } from "./menus.tsx";
import { isHiddenSubject } from "./protection.tsx";
import { Row } from "./row.tsx";
import { maySnooze, SnoozeMenu } from "./snooze.tsx";
import { cursor, drawer, mail, openId, openMessage, place, searchAgain, searchLocked, selected, selectRange, step, store } from "./state.ts";
import css from "./list_pane.module.css";

const heights = { roomy: 78, compact: 52 };

function title(): string {
	const p = place.value;
	if (p.kind === "search")
		return t("searchFor", { what: p.search });
	if (p.kind === "box")
		return p.mailbox ? boxName(p.mailbox) : gone() ? t("boxGone") : "";
	return t(p.kind === "starred" ? "boxStarred" : p.kind === "unread" ? "unreadMail" : "allMail");
}

/** What has no room in a bar that is narrow, and what is rarely wanted. */
function moreEntries(list: MessageList): MenuEntry[] {
	const rows = [...selected.peek()];
	const unread = messagesOf(rows).some((id) => !mail().emails.peek(id)?.keywords.$seen);
	const junk = place.peek().mailbox?.role === "junk";
	const byKey = (kind: "label" | "snooze" | "move") => () => void import("./row_menu.ts").then((m) => m.openByKey(kind));
	return [
		...(rows.length < list.ids.peek().length ? [{ label: t("selectLoaded"), icon: "check" as const, run: () => { selected.value = new Set(list.ids.peek().filter((i): i is Id => i !== undefined)); } }, "line" as const] : []),
		{ label: t(junk ? "notSpam" : "spam"), icon: "spam", run: () => spam() },
		...(unread ? [] : [{ label: t("markUnread"), icon: "mail" as const, run: () => setSeen(false) }]),
		{ label: t("star"), icon: "star", run: () => star() },
		...(maySnooze() ? [{ label: `${t("snooze")} …`, icon: "clock" as const, run: byKey("snooze") }] : []),
		{ label: `${t("moveTo")} …`, icon: "move", run: byKey("move") },
		{ label: `${t("labels")} …`, icon: "tag", run: byKey("label") },
		"line",
		{ label: t("download"), icon: "download", run: () => saveMessages(messagesOf(rows)) },
	];
}

/** The address names a folder that is not there. */
const gone = () => place.value.kind === "box" && !place.value.mailbox && Boolean(store.value?.mailboxes.value.size);

function Selection({ list }: { list: MessageList }) {
	const n = selected.value.size;
	const junk = place.value.mailbox?.role === "junk";
	return (
		<div class={css.bar} role="toolbar" aria-label={t("selectedActions")}>
			<IconButton icon="close" label={t("selectNone")} small onClick={() => { selected.value = new Set(); }} />
			<strong class={css.count}>{t("selectedCount", { n })}</strong>
			<IconButton icon="archive" label={t("archive")} shortcut="e" onClick={() => archive()} />
			<IconButton icon="trash" label={t("delete")} shortcut="#" onClick={() => remove()} />
			<span class={css.roomy}><IconButton icon="spam" label={t(junk ? "notSpam" : "spam")} shortcut="!" onClick={() => spam()} /></span>
			<IconButton icon="mailOpen" label={t("markRead")} shortcut="I" onClick={() => setSeen(true)} />
			<span class={css.roomy}><SnoozeMenu /></span>
			<MoveMenu />
			<Menu label={t("moreActions")} side="end" entries={() => moreEntries(list)} button={(p) => <IconButton icon="more" label={t("moreActions")} {...p} />} />
		</div>
	);
}

function Heading({ list }: { list: MessageList | null }) {
	const total = gone() ? null : list?.total.value;
	const box = place.value.mailbox;
	return (
		<header class={css.head}>
			<IconButton icon="menu" label={t("mailboxes")} onClick={() => { drawer.value = true; }} />
			<h1 class={css.title}>{title()}</h1>
			{box && <IconButton icon="more" label={t("boxActions", { name: boxName(box) })} small aria-haspopup="menu" onClick={(e) => {
				const at = e.currentTarget.getBoundingClientRect();
				void import("./boxes/box_menu.ts").then((m) => m.openBoxMenu(box, { x: at.left, y: at.bottom + 4 }));
			}} />}
			{total != null && total > 0 && <span class={css.total}>{t(list?.query.collapseThreads ? "conversations" : "messages", { n: total })}</span>}
			{total === null && !gone() && list?.answered.value && <span class={css.total}>{t("counting")}</span>}
			{!store.value?.online.value && !strip.value && <span class={css.offline} role="status"><Icon name="warning" size={14} />{t("offline")}</span>}
		</header>
	);
}

function Empty({ list }: { list: MessageList }) {
	const search = place.value.kind === "search";
	if (list.failed.value)
		return (
			<div class={css.empty}>
				<p>{t("listFailed")}</p>
				<Button onClick={() => void list.refresh()}>{t("tryAgain")}</Button>
			</div>
		);
	if (!list.answered.value)
		return search ? <Searching /> : <div class={css.empty}><Spinner label={t("loading")} /></div>;
	return (
		<div class={css.empty}>
			<span class={css.emptyIcon}><Icon name={search ? "search" : "mailOpen"} size={30} /></span>
			<p>{t(search ? "nothingFound" : place.value.mailbox?.role === "inbox" ? "inboxEmpty" : "boxEmpty")}</p>
			{search && <p class={css.small}>{t("searchHint")}</p>}
			{place.value.mailbox?.role === "inbox" && <a href="/settings/transfer">{t("bringMail")}</a>}
		</div>
	);
}

/** Said when it is not done at once. */
function Searching() {
	const [late, setLate] = useState(false);
	useEffect(() => {
		const timer = setTimeout(() => setLate(true), 600);
		return () => clearTimeout(timer);
	}, []);
	return (
		<div class={css.empty}>
			<Spinner label={t("searching")} />
			{late && <p>{t("searching")}</p>}
			{late && <Button onClick={() => go("/mail/inbox")}>{t("cancel")}</Button>}
		</div>
	);
}

function Gone() {
	return (
		<div class={css.empty}>
			<span class={css.emptyIcon}><Icon name="folder" size={30} /></span>
			<p>{t("boxGoneLead")}</p>
			<a href="/mail/inbox">{t("boxInbox")}</a>
		</div>
	);
}

function listKeys(e: KeyboardEvent): void {
	const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[e.key];
	if (by === undefined || e.ctrlKey || e.metaKey || e.altKey)
		return;
	e.preventDefault();
	step(by);
	if (e.shiftKey && cursor.peek())
		selectRange(cursor.peek() as Id);
}

/** Encrypted letters among the rows get their real subjects, when the page has time for it. */
function revealLater(ids: readonly (Id | undefined)[]): void {
	const store = mail();
	const hidden = ids.filter((id) => id !== undefined && isHiddenSubject(store.emails.peek(id)?.subject)) as Id[];
	if (hidden.length)
		setTimeout(() => void import("../pgp/reveal_rows.ts").then((m) => m.revealRows(hidden)).catch(() => undefined), 400);
}

/** By the right button, a long press, or the key for it, which means the row of the cursor. */
function rowMenu(e: MouseEvent): void {
	const row = (e.target as Element).closest("[id^=row-]");
	const id = row ? row.id.slice(4) : cursor.peek();
	const box = row ? null : document.getElementById(`row-${id}`)?.getBoundingClientRect();
	const at = box ? { x: box.left + 60, y: box.bottom - 8 } : { x: e.clientX, y: e.clientY };

	if (!id)
		return;
	e.preventDefault();
	void import("./row_menu.ts").then((m) => m.openRowMenu(id, at));
}

/** Encrypted letters can be searched when the keys are there. */
function SearchLocked() {
	if (place.value.kind !== "search" || !searchLocked.value)
		return null;
	const open = () => void import("../pgp/worker.ts").then((m) => m.askForKeys()).then((yes) => yes && searchAgain());
	return <div class={css.locked}><Icon name="lock" size={15} /><span>{t("searchLocked")}</span><button type="button" onClick={open}>{t("unlock")}</button></div>;
}

/** Fingers draw rows aside, where there may be fingers. */
function useSwipe(): { current: HTMLDivElement | null } {
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		let off = () => undefined as void, gone = false;
		if (matchMedia("(any-pointer: coarse)").matches)
			void import("./swipe.ts").then((m) => { if (!gone && box.current) off = m.listen(box.current); }).catch(() => undefined);
		return () => { gone = true; off(); };
	}, []);
	return box;
}

function List({ list }: { list: MessageList }) {
	const ids = list.ids.value;
	const row = heights[prefs.value.density];
	const identities = store.value?.identities.value ?? [];
	const own = useMemo(() => new Set([mail().session.username, ...identities.map((i) => i.email)].map((a) => a.toLowerCase())), [identities]);
	const now = openId.value ?? cursor.value;
	const active = now ? ids.indexOf(now) : -1;
	const reset = JSON.stringify(list.query);

	const box = useSwipe();

	useEffect(() => revealLater(ids), [ids]);
	useEffect(() => {
		const first = ids[0];
		if (!cursor.peek() && first)
			cursor.value = first;
	}, [ids]);
	return (
		<VirtualList count={ids.length} row={row} label={title()} active={active} activeId={active < 0 ? undefined : `row-${now}`}
			listRef={box} rowKey={(i) => ids[i] ?? `hole-${i}`} reset={reset} onContextMenu={rowMenu} onSpan={({ from, to }) => list.show(from, to)}
			onKeyDown={(e) => {
				listKeys(e);
				if (e.key === "Enter" && cursor.peek())
					openMessage(cursor.peek() as Id);
			}}
			render={(i) => {
				const id = ids[i];
				return id ? <Row id={id} domId={`row-${id}`} own={own} /> : <div class={css.hole} role="option" aria-selected={false} aria-label={t("loading")} />;
			}} />
	);
}

export function ListPane() {
	const list = store.value?.list.value ?? null;
	return (
		<section class={css.pane} aria-label={title()}>
			{list && selected.value.size > 0 ? <Selection list={list} /> : <Heading list={list} />}
			<SearchLocked />
			<div class={css.list}>
				{gone() ? <Gone /> : list && list.ids.value.length > 0 ? <List list={list} /> : list ? <Empty list={list} /> : <div class={css.empty}><Spinner label={t("loading")} /></div>}
			</div>
		</section>
	);
}
