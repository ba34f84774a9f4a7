// An input with a list of suggestions, after the ARIA combobox pattern: the focus stays in the input,
// arrows move through the list, Enter takes, Escape closes.
import type { ComponentChildren, JSX, Ref } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import css from "./combobox.module.css";

export interface Choice {
	id: string;
	text: string;
	body: ComponentChildren;
}

interface ComboboxProps {
	label: string;
	value: string;
	placeholder?: string | undefined;
	choices: readonly Choice[];
	onInput(value: string): void;
	onChoose(choice: Choice): void;
	/** Enter with nothing chosen in the list. */
	onEnter?(): void;
	onKeyDown?(e: KeyboardEvent): void;
	onBlur?(): void;
	onPaste?: JSX.IntrinsicElements["input"]["onPaste"];
	inputRef?: Ref<HTMLInputElement>;
	inputClass?: string | undefined;
	/** With the first choice taken by Enter without an arrow before. */
	eager?: boolean;
	autoFocus?: boolean;
}

export function Combobox(p: ComboboxProps) {
	const id = useId();
	const [open, setOpen] = useState(false);
	const [at, setAt] = useState(-1);
	const list = useRef<HTMLUListElement>(null);
	const input = useRef<HTMLInputElement>(null);
	const shown = open && p.choices.length > 0;

	// Before it is seen: what is typed at its sight is meant for it.
	useLayoutEffect(() => {
		if (p.autoFocus)
			input.current?.focus();
	}, []);
	useEffect(() => setAt(p.eager ? 0 : -1), [p.value]);
	useEffect(() => {
		list.current?.children[at]?.scrollIntoView({ block: "nearest" });
	}, [at]);

	const choose = (choice: Choice | undefined) => {
		if (!choice)
			return false;
		setOpen(false);
		setAt(-1);
		p.onChoose(choice);
		return true;
	};
	const step = (by: number) => {
		setOpen(true);
		setAt((at + by + (at < 0 && by < 0 ? 1 : 0) + p.choices.length) % Math.max(1, p.choices.length));
	};
	const key = (e: KeyboardEvent) => {
		p.onKeyDown?.(e);
		if (e.defaultPrevented)
			return;
		if (e.key === "ArrowDown" || e.key === "ArrowUp") {
			e.preventDefault();
			step(e.key === "ArrowDown" ? 1 : -1);
		} else if (e.key === "Enter" && !e.isComposing) {
			e.preventDefault();
			if (!(shown && choose(p.choices[at])))
				setOpen(false), p.onEnter?.();
		} else if (e.key === "Escape" && shown) {
			e.preventDefault();
			e.stopPropagation();
			setOpen(false);
		} else if (e.key === "Tab" && shown && p.eager && p.value)
			choose(p.choices[at]);
	};
	return (
		<span class={css.combo}>
			<input ref={(el) => {
				input.current = el;
				if (typeof p.inputRef === "function")
					p.inputRef(el);
				else if (p.inputRef)
					p.inputRef.current = el;
			}} type="text" role="combobox" aria-label={p.label} aria-expanded={shown} aria-controls={`${id}-list`}
				aria-autocomplete="list" aria-activedescendant={shown && at >= 0 ? `${id}-${at}` : undefined} autocomplete="off"
				autocapitalize="off" spellcheck={false} class={p.inputClass} value={p.value} placeholder={p.placeholder}
				onInput={(e) => { setOpen(true); p.onInput(e.currentTarget.value); }} onKeyDown={key} onPaste={p.onPaste}
				onFocus={() => setOpen(true)} onBlur={() => { setOpen(false); p.onBlur?.(); }} />
			<ul id={`${id}-list`} ref={list} role="listbox" aria-label={p.label} class={css.list} hidden={!shown}>
				{p.choices.map((c, i) => (
					<li key={c.id} id={`${id}-${i}`} role="option" aria-selected={i === at} class={css.choice}
						onPointerDown={(e) => e.preventDefault()} onClick={() => choose(c)} onPointerMove={() => setAt(i)}>
						{c.body}
					</li>
				))}
			</ul>
		</span>
	);
}
