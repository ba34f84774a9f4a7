// A conversation: what has been read is folded to a line, what is new is open.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Ghost } from "../../ui/progress.tsx";
import { fetchAhead, Lazy } from "../lazy.tsx";
import { archive, remove, seen, setSeen, spam, toInbox } from "./actions.ts";
import { compose, writing } from "./compose_state.ts";
import { LabelMenu, MoveMenu } from "./menus.tsx";
import { isHiddenSubject } from "./protection.tsx";
import { SnoozeMenu } from "./snooze.tsx";
import { closeMessage, mail, openId, place, step } from "./state.ts";
import css from "./thread_view.module.css";

interface Shown { of: Id | null; ids: readonly Id[]; open: ReadonlySet<Id> }

const nothing = (of: Id | null): Shown => ({ of, ids: [], open: new Set() });

/** The messages of the open conversation, by which of them it was opened, and which are unfolded. */
export const shown = signal<Shown>(nothing(null));

function toOpen(ids: readonly Id[], asked: Id): Set<Id> {
	const unread = ids.filter((id) => !mail().emails.peek(id)?.keywords.$seen);
	const last = ids.at(-1);
	return new Set([...unread, ...(last ? [last] : []), ...(mail().list.peek()?.query.collapseThreads ? [] : [asked])]);
}

/** Without what is in the trash and what is still being written. */
function lettersOf(all: readonly Id[], id: Id): Id[] {
	const store = mail();
	const drafts = store.role("drafts")?.id ?? "";
	const boxes = (m: Id) => Object.keys(store.emails.peek(m)?.mailboxIds ?? {});
	const inTrash = (m: Id) => boxes(m).every((b) => store.mailboxes.peek().get(b)?.role === "trash");
	return all.filter((m) => m === id || (!inTrash(m) && !boxes(m).includes(drafts)));
}

/** A letter that joins the open conversation shows at once, below what one reads. */
async function grow(id: Id, threadId: Id): Promise<void> {
	const ids = lettersOf(await mail().readThread(threadId), id);
	const before = shown.peek();
	if (openId.peek() !== id || ids.join() === before.ids.join())
		return;
	const fresh = ids.filter((m) => !before.ids.includes(m));
	shown.value = { of: id, ids, open: new Set([...before.open, ...fresh]) };
	seen(fresh);
}

function useGrowth(id: Id | null): void {
	const threadId = id && mail().list.peek()?.query.collapseThreads ? mail().emails.of(id).value?.threadId : undefined;
	const all = threadId ? mail().threads.of(threadId).value?.emailIds ?? [] : [];
	const places = all.map((m) => `${m} ${Object.keys(mail().emails.of(m).value?.mailboxIds ?? {}).join(" ")}`).join();

	useEffect(() => {
		if (id && threadId && shown.peek().ids.length)
			grow(id, threadId).catch(() => undefined);
	}, [places]);
}

async function load(id: Id): Promise<void> {
	const store = mail();
	if (!store.emails.has(id))
		await store.read([id]);
	const email = store.emails.peek(id);
	if (!email)
		return;
	if (email.keywords.$draft && store.role("drafts") && email.mailboxIds[store.role("drafts")?.id ?? ""])
		return writeOn(id);
	const all = store.list.peek()?.query.collapseThreads === false ? (await store.read([id]), [id]) : await store.readThread(email.threadId);
	if (openId.peek() === id)
		present(id, all);
}

function present(id: Id, all: readonly Id[]): void {
	const written = lettersOf(all, id);
	shown.value = { of: id, ids: written, open: toOpen(written, id) };
	seen([...shown.peek().open]);
	prefetchNext(id);
}

/** All of a conversation, when nothing of it must be asked for. */
function known(id: Id): readonly Id[] | null {
	const store = mail();
	const email = store.emails.peek(id);
	if (!email || email.keywords.$draft)
		return null;
	const ids = store.list.peek()?.query.collapseThreads === false ? [id] : store.threads.peek(email.threadId)?.emailIds;
	return ids?.every((m) => store.full.has(m)) ? ids : null;
}

/** A draft is opened to be written on, not to be read. */
async function writeOn(id: Id): Promise<void> {
	await mail().read([id]);
	const email = mail().full.peek(id);
	closeMessage();
	if (email && writing.peek()?.draftId !== id)
		compose({ mode: "draft", email });
}

/** The next conversation is there before it is asked for. */
function prefetchNext(id: Id): void {
	const list = mail().list.peek();
	const next = list?.ids.peek()[list.indexOf(id) + 1];
	const email = next && mail().emails.peek(next);
	if (email)
		setTimeout(() => void mail().readThread(email.threadId).catch(() => undefined), 250);
}

/** What has no room on a small screen. */
function more(e: MouseEvent): void {
	const at = (e.currentTarget as HTMLElement).getBoundingClientRect();
	const id = openId.peek();
	if (id)
		void import("./row_menu.ts").then((m) => m.openRowMenu(id, { x: at.left, y: at.bottom + 4 }));
}

function Toolbar() {
	const p = place.value;
	const role = p.mailbox?.role;
	return (
		<div class={css.bar} role="toolbar" aria-label={t("messageActions")}>
			<span class={css.back}><IconButton icon="back" label={t("backToList")} shortcut="u" onClick={closeMessage} /></span>
			{role === "archive" || role === "trash"
				? <IconButton icon="inbox" label={t("moveToInbox")} onClick={() => toInbox()} />
				: <IconButton icon="archive" label={t("archive")} shortcut="e" onClick={() => archive()} />}
			<IconButton icon="trash" label={t("delete")} shortcut="#" onClick={() => remove()} />
			<span class={css.roomy}><IconButton icon="spam" label={t(role === "junk" ? "notSpam" : "spam")} shortcut="!" onClick={() => spam()} /></span>
			<span class={css.gap} />
			<IconButton icon="mail" label={t("markUnread")} shortcut="U" onClick={() => setSeen(false)} />
			<span class={css.roomy}><SnoozeMenu /></span>
			<MoveMenu />
			<span class={css.roomy}><LabelMenu /></span>
			<span class={css.more}><IconButton icon="more" label={t("otherActions")} aria-haspopup="menu" onClick={more} /></span>
			<span class={css.end} />
			<IconButton icon="left" label={t("previous")} shortcut="k" onClick={() => step(-1)} />
			<IconButton icon="right" label={t("next")} shortcut="j" onClick={() => step(1)} />
		</div>
	);
}

function Nothing() {
	return (
		<div class={css.nothing}>
			<Icon name="mail" size={40} />
			<p>{t("nothingOpen")}</p>
			<p class={css.hint}><kbd>j</kbd> <kbd>k</kbd> {t("hintMove")} · <kbd>?</kbd> {t("hintKeys")}</p>
		</div>
	);
}

/** Of the first letter; where that is hidden, of one that has been opened. */
function subjectOf(ids: readonly Id[]): string | null | undefined {
	const all = ids.map((m) => mail().emails.of(m).value?.subject);
	const seen = all.find((s) => s && !isHiddenSubject(s));
	return isHiddenSubject(all[0]) && seen ? seen.replace(/^re:\s*/i, "") : all[0];
}

/** Not needed for the list, and there before somebody has chosen from it. */
const loadMessages = () => import("./messages.tsx").then((m) => m.Messages);
const ghost = <div class={css.loading}><Ghost lines={9} /></div>;

export function ThreadView() {
	const id = openId.value;
	const scroller = useRef<HTMLDivElement>(null);
	const [failed, setFailed] = useState(false);
	const start = () => {
		const all = id && known(id);
		setFailed(false);
		if (all)
			return present(id, all);
		shown.value = nothing(id);
		if (id)
			load(id).catch(() => setFailed(true));
	};

	// Before it is painted: what is known needs no moment of its absence.
	useLayoutEffect(start, [id]);
	useGrowth(id);
	useEffect(() => void Promise.all([fetchAhead("messages", loadMessages), import("./paper.ts")]).catch(() => undefined), []);
	// Until then it is the conversation before, which nobody wants to be drawn anew.
	const { ids, open } = shown.value.of === id ? shown.value : nothing(id);
	if (!id)
		return <section class={css.pane} aria-label={t("message")}><Nothing /></section>;
	const subject = subjectOf(ids.length ? ids : [id]);
	return (
		<section class={css.pane} aria-label={t("conversation")}>
			<Toolbar />
			<div ref={scroller} class={css.scroll} tabIndex={-1}>
				<h1 class={css.subject}>{subject === undefined ? "" : isHiddenSubject(subject) ? t("encryptedLetter") : subject || t("noSubject")}</h1>
				<Lazy name="messages" load={loadMessages} props={{ id, ids, open, scroller }} waiting={ids.length > 0 ? ghost : null} />
				{ids.length === 0 && !failed && ghost}
				{failed && <div class={css.nothing}><p>{t("openFailed")}</p><Button onClick={start}>{t("tryAgain")}</Button></div>}
			</div>
		</section>
	);
}
