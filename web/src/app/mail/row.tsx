// One row of a list: who, what, when, and how the conversation stands.
import { useComputed } from "@preact/signals";
import { t } from "../../i18n/index.ts";
import type { Address, Email, Id } from "../../jmap/types.ts";
import { Avatar, hueOf } from "../../ui/avatar.tsx";
import { LabelMark } from "../../ui/badge.tsx";
import { Icon } from "../../ui/icon.tsx";
import { dueDate, shortDate } from "../dates.ts";
import { star } from "./actions.ts";
import { labelName, labelsOf } from "./label_names.ts";
import { isHiddenSubject } from "./protection.tsx";
import { dragType } from "./sidebar.tsx";
import { anchor, cursor, mail, openId, openMessage, place, selected, selectRange, toggleSelected } from "./state.ts";
import css from "./row.module.css";

export const nameOf = (a: Address | undefined): string => a?.name || a?.email || "";

const shortName = (a: Address): string => {
	const name = nameOf(a);
	return a.name && !a.name.includes("@") ? name.split(/\s+/)[0] ?? name : name;
};

/** The people of a conversation, each once; first names when there are several. */
export function people(emails: readonly Email[], own: ReadonlySet<string>, me: string): string {
	const seen = new Map<string, Address>();
	for (const e of emails)
		for (const a of e.from ?? [])
			seen.set(a.email.toLowerCase(), a);
	const list = [...seen.values()];
	if (list.length === 1 && list[0])
		return own.has(list[0].email.toLowerCase()) ? me : nameOf(list[0]);
	const short = list.map((a) => (own.has(a.email.toLowerCase()) ? me : shortName(a)));
	return short.length > 4 ? `${short[0]} … ${short.slice(-2).join(", ")}` : short.join(", ");
}

function conversationOf(email: Email): Email[] {
	const store = mail();
	if (!store.list.peek()?.query.collapseThreads)
		return [email];
	const ids = store.threads.of(email.threadId).value?.emailIds ?? [email.id];
	const all = ids.map((id) => store.emails.of(id).value).filter((e) => e !== undefined);
	return all.length ? all : [email];
}

function pick(e: MouseEvent, id: Id): void {
	if (e.shiftKey) {
		e.preventDefault();
		selectRange(id);
	} else if (e.ctrlKey || e.metaKey)
		toggleSelected(id);
	else {
		anchor.value = id;
		openMessage(id);
	}
}

function dragStart(e: DragEvent, id: Id): void {
	const rows = selected.peek().has(id) ? [...selected.peek()] : [id];
	const ghost = document.createElement("div");

	e.dataTransfer?.setData(dragType, JSON.stringify(rows));
	ghost.className = css.ghost ?? "";
	ghost.textContent = t("dragging", { n: rows.length });
	document.body.append(ghost);
	e.dataTransfer?.setDragImage(ghost, -8, -8);
	setTimeout(() => ghost.remove());
}

function Marks({ emails, labels }: { emails: readonly Email[]; labels: readonly string[] }) {
	const until = emails.at(-1)?.snoozedUntil;
	return (
		<>
			{until && <span class={css.until}><Icon name="clock" size={13} /><span class="visually-hidden">{t("snoozedUntil", { when: "" })}</span>{dueDate(until)}</span>}
			{labels.length > 0 && <span class={css.labels}>{labels.slice(0, 2).map((l) => <LabelMark key={l} name={labelName(l)} hue={hueOf(l)} />)}</span>}
			{emails.some((m) => isHiddenSubject(m.subject) || mail().revealed.has(m.id)) && <span class={css.mark} data-tip={t("encrypted")}><Icon name="lock" size={14} /></span>}
			{emails.some((m) => m.hasAttachment) && <span class={css.mark}><Icon name="clip" size={14} /><span class="visually-hidden">{t("hasAttachment")}</span></span>}
		</>
	);
}

function toNames(email: Email): string {
	const names = (email.to ?? []).map(nameOf).join(", ");
	return names ? t("toPeople", { names }) : t("noRecipients");
}

function sentHere(): boolean {
	const role = place.value.mailbox?.role;
	return role === "sent" || role === "drafts" || role === "scheduled";
}

export function Row({ id, domId, own }: { id: Id; domId: string; own: ReadonlySet<string> }) {
	// Asked for itself alone, so that a step of the cursor draws two rows anew and not all of them.
	const isSelected = useComputed(() => selected.value.has(id)).value;
	const isOpen = useComputed(() => openId.value === id).value;
	const isCursor = useComputed(() => cursor.value === id).value;
	const email = mail().emails.of(id).value;
	if (!email)
		return <div class={css.row} id={domId} role="option" aria-selected={false}><span class={css.blank} /></div>;
	const emails = conversationOf(email);
	const unread = emails.some((m) => !m.keywords.$seen);
	const starred = emails.some((m) => m.keywords.$flagged);
	const from = (emails.findLast((m) => !own.has(m.from?.[0]?.email.toLowerCase() ?? "")) ?? email).from?.[0];
	const labels = [...new Set(emails.flatMap((m) => labelsOf(m.keywords)))];
	const who = sentHere() ? toNames(email) : people(emails, own, t("me"));
	return (
		<div id={domId} role="option" aria-selected={isSelected} draggable data-unread={unread || undefined}
			data-open={isOpen || undefined} data-cursor={isCursor || undefined} class={css.row}
			onClick={(e) => pick(e, id)} onDragStart={(e) => dragStart(e, id)}>
			<span class={css.face} data-on={isSelected || undefined} data-select=""
				onClick={(e) => { e.stopPropagation(); if (e.shiftKey) selectRange(id); else toggleSelected(id); }}>
				<Avatar name={nameOf(from)} address={from?.email ?? ""} size={34} />
				<span class={css.tick}><Icon name="check" size={16} /></span>
			</span>
			<span class={css.text}>
				<span class={css.top}>
					<span class={css.who}>{unread && <span class="visually-hidden">{t("unread")} </span>}{who}</span>
					{emails.length > 1 && <span class={css.number}>{emails.length}</span>}
					<time class={css.time} dateTime={email.receivedAt}>{shortDate((emails.at(-1) ?? email).receivedAt)}</time>
				</span>
				<span class={css.middle}>
					<span class={css.subject}>{isHiddenSubject(email.subject) ? t("encryptedLetter") : email.subject || t("noSubject")}</span>
					<Marks emails={emails} labels={labels} />
				</span>
				<span class={css.bottom}>
					<span class={css.preview}>{(emails.at(-1) ?? email).preview}</span>
					<span class={css.star} data-on={starred || undefined} aria-hidden="true"
						onClick={(e) => { e.stopPropagation(); star([id]); }}><Icon name="star" size={16} filled={starred} /></span>
					{starred && <span class="visually-hidden">{t("starred")}</span>}
				</span>
			</span>
		</div>
	);
}

