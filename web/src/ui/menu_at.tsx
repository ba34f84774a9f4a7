// A menu at a point of the page: where the right button was pressed, or beside what the keys act on. It stands beside
// the page's own tree, so that the first load need not carry it.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Entries, firstItem, menuKey, type MenuEntry } from "./menu.tsx";
import { placeAt } from "./place.ts";
import css from "./menu.module.css";

export interface Point { x: number; y: number }
interface Asked { label: string; entries: readonly MenuEntry[]; at: Point; back: HTMLElement | null }

const asked = signal<Asked | null>(null);
let mounted = false;

/** Not a popover that the browser dismisses: it would go when the button that opened it is released. */
function MenuAt() {
	const list = useRef<HTMLDivElement>(null);
	const now = asked.value;
	const close = () => {
		const back = asked.peek()?.back;
		asked.value = null;
		if (back?.isConnected)
			back.focus();
	};
	useLayoutEffect(() => {
		const el = list.current;
		if (!now || !el)
			return undefined;
		if (!el.matches(":popover-open"))
			el.showPopover();
		el.style.maxHeight = "";
		placeAt(el, now.at.x, now.at.y);
		firstItem(el)?.focus();
		const outside = (e: Event) => {
			if (!el.contains(e.target as Node))
				asked.value = null;
		};
		addEventListener("pointerdown", outside, true);
		addEventListener("resize", close);
		return () => {
			removeEventListener("pointerdown", outside, true);
			removeEventListener("resize", close);
		};
	}, [now]);
	return now && (
		<div ref={list} popover="manual" role="menu" aria-label={now.label} class={css.menu} onKeyDown={(e) => menuKey(e, e.currentTarget, close)}
			onContextMenu={(e) => e.preventDefault()}>
			<Entries entries={now.entries} close={close} />
		</div>
	);
}

export function openMenuAt(label: string, entries: readonly MenuEntry[], at: Point): void {
	if (!mounted) {
		mounted = true;
		render(<MenuAt />, document.body.appendChild(document.createElement("div")));
	}
	asked.value = { label, entries, at, back: asked.peek()?.back ?? document.activeElement as HTMLElement | null };
}
