// The buttons that give a text its form.
import { useEffect, useState } from "preact/hooks";
import type { EditorView } from "prosemirror-view";
import { t, type Key } from "./texts.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import type { IconName } from "../../../ui/icon.tsx";
import { commands, setLink } from "./rich.ts";
import css from "./composer.module.css";

const tools: readonly (readonly [name: string, icon: IconName, label: Key, key: string])[] = [
	["bold", "bold", "bold", "Ctrl+B"], ["italic", "italic", "italic", "Ctrl+I"], ["underline", "underline", "underline", "Ctrl+U"],
	["list", "list", "bulletList", ""], ["numbered", "numbered", "numberedList", ""], ["quote", "quote", "quotation", ""], ["code", "code", "code", ""],
];

/** As people type it: a place of the web needs no scheme, nor does an address. "": that leads nowhere. */
export function whole(typed: string): string {
	const bare = typed.replace(/^(https?:\/\/|mailto:)/i, "");
	if (!bare || /\s/.test(bare))
		return "";
	if (bare !== typed)
		return typed;
	if (/^[^@/]+@[^@/]+$/.test(typed))
		return `mailto:${typed}`;
	return /^[\w-]+(\.[\w-]+)+([:/?#]|$)/u.test(typed) ? `https://${typed}` : "";
}

function LinkDialog({ view, close }: { view: EditorView; close(): void }) {
	const [href, setHref] = useState("https://");
	const done = () => {
		const to = whole(href.trim());
		close();
		if (to)
			setLink(view, to);
		view.focus();
	};
	return (
		<Dialog title={t("insertLink")} onClose={close} footer={<Button look="primary" onClick={done}>{t("insertLink")}</Button>}>
			<input class={css.url} type="url" autocomplete="off" aria-label={t("address")} value={href} onInput={(e) => setHref(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && done()} />
		</Dialog>
	);
}

export function Tools({ view, on }: { view: EditorView | null; on: ReadonlySet<string> }) {
	const [link, setLinkOpen] = useState(false);
	useEffect(() => {
		const key = (e: KeyboardEvent) => {
			if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
				e.preventDefault();
				setLinkOpen(true);
			}
		};
		view?.dom.addEventListener("keydown", key);
		return () => view?.dom.removeEventListener("keydown", key);
	}, [view]);
	return (
		<div class={css.tools} role="toolbar" aria-label={t("formatting")}>
			{tools.map(([name, icon, label, key]) => (
				<IconButton key={name} icon={icon} label={t(label)} shortcut={key || undefined} small size={16} on={on.has(name)}
					onMouseDown={(e) => e.preventDefault()}
					onClick={() => { if (view) { commands[name]?.(view.state, view.dispatch); view.focus(); } }} />
			))}
			<IconButton icon="link" label={t("insertLink")} shortcut="Ctrl+K" small size={16} on={on.has("link")} onClick={() => setLinkOpen(true)} />
			{link && view && <LinkDialog view={view} close={() => setLinkOpen(false)} />}
		</div>
	);
}
