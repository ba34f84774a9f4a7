// The line between two panes: dragged, or moved with the arrows; it remembers where it was.
import { useRef } from "preact/hooks";
import css from "./splitter.module.css";

interface SplitterProps {
	label: string;
	value: number;
	min: number;
	max: number;
	onChange(value: number): void;
}

export function Splitter({ label, value, min, max, onChange }: SplitterProps) {
	const start = useRef({ x: 0, value: 0 });
	const set = (v: number) => onChange(Math.round(Math.max(min, Math.min(max, v))));
	const way = () => (document.dir === "rtl" ? -1 : 1);

	const down = (e: PointerEvent) => {
		start.current = { x: e.clientX, value };
		(e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
	};
	const drag = (e: PointerEvent) => {
		if ((e.currentTarget as HTMLElement).hasPointerCapture(e.pointerId))
			set(start.current.value + (e.clientX - start.current.x) * way());
	};
	const key = (e: KeyboardEvent) => {
		const step = { ArrowLeft: -16 * way(), ArrowRight: 16 * way(), Home: min - value, End: max - value }[e.key];
		if (step === undefined)
			return;
		e.preventDefault();
		e.stopPropagation();
		set(value + step);
	};
	return (
		<div role="separator" aria-orientation="vertical" aria-label={label} aria-valuenow={value} aria-valuemin={min}
			aria-valuemax={max} tabIndex={0} class={css.splitter} onPointerDown={down} onPointerMove={drag} onKeyDown={key} />
	);
}
