// Dialogs on the native element: focus is held and given back, Escape closes, the rest of the page is inert.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { IconButton } from "./button.tsx";
import { focusBack } from "./focus.ts";
import css from "./dialog.module.css";

interface DialogProps {
	title: string;
	onClose(): void;
	children: ComponentChildren;
	footer?: ComponentChildren;
	/** wide for sheets and sources, top for the palette */
	shape?: "wide" | "top" | undefined;
	bare?: boolean | undefined;
	/** A dialog that holds work does not close by a click beside it. */
	keep?: boolean | undefined;
}

export function Dialog({ title, onClose, children, footer, shape, bare, keep }: DialogProps) {
	const ref = useRef<HTMLDialogElement>(null);

	useLayoutEffect(() => {
		const dialog = ref.current;
		const before = document.activeElement;
		dialog?.showModal();
		// The first field, or the dialog itself: its button to close is no place to begin.
		const field = dialog?.querySelector<HTMLElement>("[autofocus], input:not([hidden]), textarea, select");
		(field ?? dialog)?.focus();
		return () => {
			dialog?.close();
			focusBack(before);
		};
	}, []);

	const beside = (e: MouseEvent) => {
		if (!keep && e.target === ref.current)
			onClose();
	};
	return (
		<dialog ref={ref} tabIndex={-1} aria-label={title} class={`${css.dialog} ${shape ? css[shape] : ""}`}
			onCancel={(e) => { e.preventDefault(); onClose(); }} onMouseDown={beside}
			onKeyDown={(e) => e.stopPropagation()}>
			{!bare && (
				<header class={css.head}>
					<h2>{title}</h2>
					<IconButton icon="close" label={t("close")} small onClick={onClose} />
				</header>
			)}
			<div class={bare ? css.bare : css.body}>{children}</div>
			{footer && <footer class={css.foot}>{footer}</footer>}
		</dialog>
	);
}
