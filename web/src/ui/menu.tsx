// Menus on the popover API: light dismiss, Escape and the top layer are the browser's; arrows are ours.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";
import { place } from "./place.ts";
import css from "./menu.module.css";

interface MenuItem {
	label: string;
	icon?: IconName | undefined;
	hint?: string | undefined;
	danger?: boolean;
	checked?: boolean;
	disabled?: boolean;
	run(): void;
}
export type MenuEntry = MenuItem | "line" | { title: string };

let serial = 0;

function move(list: HTMLElement, key: string): boolean {
	const items = [...list.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)")];
	const now = items.indexOf(document.activeElement as HTMLElement);
	const to = { ArrowDown: (now + 1) % items.length, ArrowUp: (now - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[key];
	if (to === undefined)
		return false;
	items[to]?.focus();
	return true;
}

function typeAhead(list: HTMLElement, key: string): void {
	for (const item of list.querySelectorAll<HTMLElement>("[role^=menuitem]"))
		if (item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()))
			return item.focus();
}

function Item({ item, close }: { item: MenuItem; close(): void }) {
	const pick = () => {
		close();
		item.run();
	};
	return (
		<button type="button" tabIndex={-1} role={item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
			aria-checked={item.checked} disabled={item.disabled} onClick={pick}
			class={`${css.item} ${item.danger ? css.danger : ""}`}>
			<span class={css.mark}>{item.checked ? <Icon name="check" size={16} /> : item.icon && <Icon name={item.icon} size={16} />}</span>
			<span class={css.label}>{item.label}</span>
			{item.hint && <kbd class={css.hint} data-key={item.hint.length < 4 || undefined}>{item.hint}</kbd>}
		</button>
	);
}

export function Entries({ entries, close }: { entries: readonly MenuEntry[]; close(): void }) {
	return (
		<>
			{entries.map((entry, i) => {
				if (entry === "line")
					return <div key={i} class={css.line} role="separator" />;
				if ("title" in entry)
					return <div key={i} class={css.title} role="presentation">{entry.title}</div>;
				return <Item key={i} item={entry} close={close} />;
			})}
		</>
	);
}

export function menuKey(e: KeyboardEvent, list: HTMLElement, close: () => void): void {
	e.stopPropagation();
	if (e.key === "Tab" || e.key === "Escape") {
		e.preventDefault();
		return close();
	}
	if (move(list, e.key))
		return e.preventDefault();
	if (e.key.length === 1 && !e.ctrlKey && !e.metaKey && e.key !== " ")
		typeAhead(list, e.key);
}

export const firstItem = (list: HTMLElement) => list.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled)");

interface MenuProps {
	label: string;
	entries: () => readonly MenuEntry[];
	/** Gets what makes it the menu's button. */
	button: (props: Record<string, unknown>) => ComponentChildren;
	side?: "start" | "end";
}

export function Menu({ label, entries, button, side = "start" }: MenuProps) {
	const [id] = useState(() => `menu-${++serial}`);
	const [open, setOpen] = useState(false);
	const list = useRef<HTMLDivElement>(null);
	const anchor = () => document.querySelector<HTMLElement>(`[data-menu="${id}"]`);

	const toggled = (e: { newState: string }) => {
		const shown = e.newState === "open";
		setOpen(shown);
		if (!shown || !list.current)
			return;
		requestAnimationFrame(() => {
			const at = anchor();
			if (at && list.current)
				place(list.current, at, side);
			if (list.current)
				firstItem(list.current)?.focus();
		});
	};
	const close = () => {
		list.current?.hidePopover();
		anchor()?.focus();
	};

	return (
		<>
			{button({
				"data-menu": id, "aria-haspopup": "menu", "aria-expanded": open, popovertarget: id,
				onClick: (e: Event) => e.stopPropagation(),
				// The keys are the menu's from the moment it opens, though nothing in it has the focus yet, or can have it.
				onKeyDown: (e: KeyboardEvent) => {
					if (list.current?.matches(":popover-open"))
						menuKey(e, list.current, close);
				},
			})}
			<div id={id} ref={list} popover="auto" role="menu" aria-label={label} class={css.menu}
				onToggle={toggled} onKeyDown={(e) => menuKey(e, e.currentTarget, close)} onClick={(e) => e.stopPropagation()}>
				{open && <Entries entries={entries()} close={close} />}
			</div>
		</>
	);
}
