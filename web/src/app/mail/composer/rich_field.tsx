// The letter's editor as a field of a form, for shorter texts: without pictures and files.
import { useEffect, useRef, useState } from "preact/hooks";
import type { EditorView } from "prosemirror-view";
import { active, createEditor, plainText, serialize } from "./rich.ts";
import { Tools } from "./tools.tsx";
import css from "./composer.module.css";

interface RichFieldProps {
	label: string;
	/** What it begins with. */
	html: string;
	/** What was typed, in both forms. */
	onChange(html: string, text: string): void;
}

export function RichField({ label, html, onChange }: RichFieldProps) {
	const place = useRef<HTMLDivElement>(null);
	const change = useRef(onChange);
	const [view, setView] = useState<EditorView | null>(null);
	const [on, setOn] = useState<ReadonlySet<string>>(new Set());
	change.current = onChange;
	useEffect(() => {
		let last = "";
		const editor: EditorView = createEditor(place.current as HTMLElement, html, {
			label,
			onChange: () => {
				const now = serialize(editor.state.doc);
				setOn(active(editor.state));
				if (now !== last)
					change.current(now, plainText(editor.state.doc));
				last = now;
			},
			onFiles: () => undefined,
		});
		last = serialize(editor.state.doc);
		setView(editor);
		return () => editor.destroy();
	}, []);
	return (
		<div>
			<span class={css.fieldLabel} aria-hidden="true">{label}</span>
			<div class={css.field}>
				<Tools view={view} on={on} />
				<div ref={place} class={css.rich} />
			</div>
		</div>
	);
}
