// A row of the list that a finger draws aside: to the left it goes to the archive (from there, to the inbox), to the right
// it is marked read or unread. What will happen shows below the row, and takes colour once the finger has gone far enough.
// Buttons, keys and the row's menu do the same.
import { h, render } from "preact";
import { t } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { archive, messagesOf, setSeen, toInbox } from "./actions.ts";
import { mail, place } from "./state.ts";
import css from "./swipe.module.css";

interface Act { side: "left" | "right"; icon: IconName; label: string; /** The row leaves the list. */ goes: boolean; run(): void }

function leftward(id: Id): Act | null {
	const { kind, mailbox } = place.peek();
	if (["drafts", "sent", "scheduled"].includes(mailbox?.role ?? ""))
		return null;
	if (mailbox?.role === "archive" || mailbox?.role === "trash" || mailbox?.role === "junk")
		return { side: "left", icon: "inbox", label: t("moveToInbox"), goes: true, run: () => void toInbox([id]) };
	return { side: "left", icon: "archive", label: t("archive"), goes: kind === "box", run: () => void archive([id]) };
}

function rightward(id: Id): Act {
	const unread = messagesOf([id]).some((m) => !mail().emails.peek(m)?.keywords.$seen);
	return { side: "right", icon: unread ? "mailOpen" : "mail", label: t(unread ? "markRead" : "markUnread"), goes: false, run: () => setSeen(unread, [id]) };
}

interface Swipe { pointer: number; row: HTMLElement; id: Id; x: number; y: number; under: HTMLElement | null; act: Act | null; far: boolean }

let swipe: Swipe | null = null;
const slop = 10;
const enough = (row: HTMLElement) => Math.min(140, row.clientWidth * 0.35);

function show(s: Swipe, act: Act): void {
	s.act = act;
	s.under ??= (s.row.parentElement as HTMLElement).insertBefore(document.createElement("div"), s.row);
	s.under.className = css.under ?? "";
	s.under.ariaHidden = "true";
	s.under.dataset.side = act.side;
	render(h("span", { class: css.what }, h(Icon, { name: act.icon, size: 20 }), act.label), s.under);
}

function move(e: PointerEvent): void {
	const s = swipe;
	if (!s || e.pointerId !== s.pointer)
		return;
	const [dx, dy] = [e.clientX - s.x, e.clientY - s.y];
	if (!s.under && (Math.abs(dx) < slop || Math.abs(dx) < Math.abs(dy) * 1.5))
		return;
	const act = s.act?.side === (dx < 0 ? "left" : "right") ? s.act : dx < 0 ? leftward(s.id) : rightward(s.id);
	if (!act) {
		s.row.style.transform = "";
		return;
	}
	if (act !== s.act)
		show(s, act);
	s.far = Math.abs(dx) >= enough(s.row);
	(s.under as HTMLElement).toggleAttribute("data-far", s.far);
	s.row.dataset.swiped = "";
	s.row.style.transform = `translateX(${dx}px)`;
}

/** Back to its place, or out of the list; then the rest. */
function settle(s: Swipe, act: Act | null): void {
	const { row, under } = s;
	const clean = () => {
		row.style.transform = "";
		delete row.dataset.swiped;
		under?.remove();
	};
	const to = act?.goes ? `translateX(${act.side === "left" ? "-" : ""}100%)` : "none";
	const quick = matchMedia("(prefers-reduced-motion: reduce)").matches;
	void row.animate([{ transform: row.style.transform }, { transform: to }], { duration: quick ? 1 : 140, easing: "ease-out", fill: "forwards" }).finished.then((a) => {
		act?.run();
		// The row is gone from the list by now, or stands where it was.
		requestAnimationFrame(() => { a.cancel(); clean(); });
	});
}

function end(e: PointerEvent): void {
	const s = swipe;
	if (!s || e.pointerId !== s.pointer)
		return;
	swipe = null;
	if (s.under)
		settle(s, e.type === "pointerup" && s.far ? s.act : null);
}

function down(e: PointerEvent): void {
	const row = (e.target as Element).closest<HTMLElement>("[id^=row-]");
	if (e.pointerType === "touch" && e.isPrimary && row && !swipe && !("swiped" in row.dataset))
		swipe = { pointer: e.pointerId, row, id: row.id.slice(4), x: e.clientX, y: e.clientY, under: null, act: null, far: false };
}

/** The list's own events; off again with what this gives. */
export function listen(list: HTMLElement): () => void {
	const stop = new AbortController();
	list.addEventListener("pointerdown", down, { signal: stop.signal });
	list.addEventListener("pointermove", move, { signal: stop.signal });
	for (const type of ["pointerup", "pointercancel"] as const)
		list.addEventListener(type, end, { signal: stop.signal });
	return () => stop.abort();
}
