// Small marks: a count, a label's name in its colour, a state.
import type { ComponentChildren } from "preact";
import css from "./badge.module.css";

export function Badge({ tone = "plain", children }: { tone?: "plain" | "accent" | "ok" | "warn" | "danger"; children: ComponentChildren }) {
	return <span class={`${css.badge} ${css[tone]}`}>{children}</span>;
}

export function LabelMark({ name, hue, onRemove, removeLabel }: { name: string; hue: number; onRemove?: () => void; removeLabel?: string }) {
	return (
		<span class={css.label} style={{ "--hue": String(hue) }}>
			<span class={css.name}>{name}</span>
			{onRemove && <button type="button" class={css.remove} aria-label={removeLabel} onClick={onRemove}>×</button>}
		</span>
	);
}
