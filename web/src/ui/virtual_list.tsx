// A list of any length with rows of one height: only what is on the screen is in the document.
// It is a listbox-like grid of one focus stop; which row is active is the owner's business.
import type { ComponentChildren, Ref } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import css from "./virtual_list.module.css";

/** Browsers clip an element near 2^25 pixels; above this height positions are scaled. */
const tallest = 8_000_000;
const spare = 6;

interface Span { from: number; to: number }

/** Which rows are on the screen, with some to spare. Pure, so that it can be tested. */
export function visibleSpan(top: number, height: number, row: number, count: number): Span {
	const scale = listScale(count, row, height);
	const first = Math.floor((top * scale) / row);
	const from = Math.max(0, Math.min(first, count) - spare);
	return { from, to: Math.min(count, first + Math.ceil(height / row) + spare) };
}

export function listScale(count: number, row: number, height: number): number {
	const full = count * row;
	return full <= tallest ? 1 : (full - height) / (tallest - height);
}

interface VirtualListProps {
	count: number;
	row: number;
	label: string;
	active: number;
	rowKey(index: number): string;
	render(index: number): ComponentChildren;
	onSpan?(span: Span): void;
	onKeyDown?(e: KeyboardEvent): void;
	onContextMenu?(e: MouseEvent): void;
	listRef?: Ref<HTMLDivElement>;
	activeId?: string | undefined;
	/** Changes when another list is shown, which begins at its top. */
	reset?: string;
	header?: ComponentChildren;
}

export function VirtualList(p: VirtualListProps) {
	const box = useRef<HTMLDivElement>(null);
	const [view, setView] = useState({ top: 0, height: 800 });
	/** The same, with what was set since. To ask the element would have the whole page laid out. */
	const now = useRef(view);
	const span = visibleSpan(view.top, view.height, p.row, p.count);
	const scale = listScale(p.count, p.row, view.height);
	const offset = view.top * scale - view.top;

	const scroll = (top: number) => {
		now.current = { ...now.current, top };
		(box.current as HTMLDivElement).scrollTop = top;
	};

	useLayoutEffect(() => {
		const el = box.current as HTMLDivElement;
		const measure = () => setView(now.current = { top: el.scrollTop, height: el.clientHeight });
		const observer = new ResizeObserver(measure);
		observer.observe(el);
		measure();
		return () => observer.disconnect();
	}, []);
	useLayoutEffect(() => {
		scroll(0);
	}, [p.reset]);
	useLayoutEffect(() => p.onSpan?.(span), [span.from, span.to, p.reset]);
	useLayoutEffect(() => {
		const { top, height } = now.current;
		if (p.active < 0)
			return;
		if (p.active * p.row < top * scale)
			scroll((p.active * p.row) / scale);
		else if ((p.active + 1) * p.row > top * scale + height)
			scroll(((p.active + 1) * p.row - height) / scale);
	}, [p.active, p.row]);

	const rows = [];
	for (let i = span.from; i < span.to; i++)
		rows.push(
			<div key={p.rowKey(i)} class={css.row} role="presentation"
				style={{ transform: `translateY(${i * p.row - offset}px)`, height: `${p.row}px` }}>
				{p.render(i)}
			</div>);
	return (
		<div class={css.box} ref={(el) => {
			box.current = el;
			if (typeof p.listRef === "function")
				p.listRef(el);
			else if (p.listRef)
				p.listRef.current = el;
		}} onScroll={(e) => setView(now.current = { top: e.currentTarget.scrollTop, height: e.currentTarget.clientHeight })}
			tabIndex={0} role="listbox" aria-multiselectable="true" aria-label={p.label} aria-activedescendant={p.activeId}
			onKeyDown={p.onKeyDown} onContextMenu={p.onContextMenu}>
			<div class={css.inner} role="presentation" style={{ height: `${Math.min(p.count * p.row, tallest)}px` }}>{rows}</div>
		</div>
	);
}
