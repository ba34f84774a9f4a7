// Short messages at the foot of the page, with what undoes the action they tell of.
import { signal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { IconButton } from "./button.tsx";
import css from "./toast.module.css";

interface Toast {
	text: string;
	undo?: (() => void) | undefined;
	action?: { label: string; run(): void } | undefined;
	/** milliseconds; errors stay longer */
	time?: number | undefined;
	bad?: boolean | undefined;
}

interface Shown extends Toast { id: number }

const toasts = signal<readonly Shown[]>([]);
const timers = new Map<number, number>();
let serial = 0;

/** Said to who does not see the page, and shown nowhere. */
export const said = signal("");

export function dismiss(id: number): void {
	clearTimeout(timers.get(id));
	timers.delete(id);
	toasts.value = toasts.value.filter((s) => s.id !== id);
}

export function toast(message: Toast): number {
	const id = ++serial;
	const kept = toasts.value.slice(-1);
	toasts.value = [...kept, { ...message, id }];
	timers.set(id, window.setTimeout(() => dismiss(id), message.time ?? (message.bad ? 9000 : 6000)));
	return id;
}

/** Undoes what the newest message tells of; false when there is nothing. */
export function undoNewest(): boolean {
	const newest = [...toasts.value].reverse().find((s) => s.undo);
	if (!newest)
		return false;
	dismiss(newest.id);
	newest.undo?.();
	return true;
}

export function Toasts() {
	return (
		<div class={css.stack} role="status" aria-live="polite">
			<span class="visually-hidden">{said.value}</span>
			{toasts.value.map((s) => (
				<div key={s.id} class={`${css.toast} ${s.bad ? css.bad : ""}`}>
					<span class={css.text}>{s.text}</span>
					{s.undo && <button type="button" class={css.action} onClick={() => { dismiss(s.id); s.undo?.(); }}>{t("undo")}</button>}
					{s.action && <button type="button" class={css.action} onClick={() => { dismiss(s.id); s.action?.run(); }}>{s.action.label}</button>}
					<IconButton icon="close" label={t("close")} small onClick={() => dismiss(s.id)} />
				</div>
			))}
		</div>
	);
}
