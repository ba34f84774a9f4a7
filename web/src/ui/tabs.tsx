// Tabs after the ARIA pattern: one tab stop, arrows choose.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import css from "./tabs.module.css";

export interface Tab { id: string; label: string }

export function Tabs({ label, tabs, value, onChange, children }: {
	label: string; tabs: readonly Tab[]; value: string; onChange(id: string): void; children: ComponentChildren;
}) {
	const id = useId();
	const key = (e: KeyboardEvent) => {
		const now = tabs.findIndex((tab) => tab.id === value);
		const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[e.key];
		const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
		if (!next)
			return;
		e.preventDefault();
		e.stopPropagation();
		onChange(next.id);
		document.getElementById(`${id}-${next.id}`)?.focus();
	};
	return (
		<>
			<div role="tablist" aria-label={label} class={css.list} onKeyDown={key}>
				{tabs.map((tab) => (
					<button key={tab.id} type="button" role="tab" id={`${id}-${tab.id}`} aria-selected={tab.id === value}
						aria-controls={`${id}-panel`} tabIndex={tab.id === value ? 0 : -1} class={css.tab} onClick={() => onChange(tab.id)}>
						{tab.label}
					</button>
				))}
			</div>
			<div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} class={css.panel}>{children}</div>
		</>
	);
}
