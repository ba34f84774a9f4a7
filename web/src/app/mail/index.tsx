// The mail view: mailboxes, list and conversation beside each other, or one after another on small screens.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { IconButton } from "../../ui/button.tsx";
import { focusBack } from "../../ui/focus.ts";
import { Splitter } from "../../ui/splitter.tsx";
import { toast } from "../../ui/toast.tsx";
import { fetchAhead, useLazy } from "../lazy.tsx";
import { prefs, setPrefs } from "../prefs.ts";
import { overlay, startKeys } from "./commands.ts";
import { compose, herePrefix, notedWriting, noteWriting, writing } from "./compose_state.ts";
import { linkTarget } from "./link_target.ts";
import { ListPane } from "./list_pane.tsx";
import { Sidebar } from "./sidebar.tsx";
import { Source } from "./source.tsx";
import { drawer, followPlace, mail, openId, store } from "./state.ts";
import { ThreadView } from "./thread_view.tsx";
import css from "./mail.module.css";

/** A letter that was being written when the tab was closed or broke is opened again. */
async function recover(): Promise<void> {
	const id = notedWriting();
	noteWriting(null);
	if (!id || writing.peek())
		return;
	if (id.startsWith(herePrefix))
		return compose({ mode: "here", key: id.slice(herePrefix.length) });
	await mail().read([id]);
	const email = mail().full.peek(id);
	if (email?.keywords.$draft)
		compose({ mode: "draft", email });
}

const loadComposer = () => import("./composer/composer.tsx").then((m) => m.Composer);
const loadOverlays = () => import("./overlays.tsx").then((m) => m.Overlays);

/** What the next keys are likely to want is there before they are pressed. */
function prepare(): () => void {
	const timer = setTimeout(() => {
		if (!navigator.onLine || (navigator as { connection?: { saveData?: boolean } }).connection?.saveData)
			return;
		for (const part of [fetchAhead("composer", loadComposer), import("./row_menu.ts"), fetchAhead("overlays", loadOverlays)])
			part.catch(() => undefined);
	}, 4000);
	return () => clearTimeout(timer);
}

const followPending = () => void import("./pending.ts").then((m) => m.loadPending()).catch(() => undefined);

const showWaiting = (which: "outbox" | "scheduled") => { overlay.value = which; };

/** What is beneath it is inert meanwhile; the focus goes in, and back to where it came from. */
function Drawer() {
	const box = useRef<HTMLDivElement>(null);
	const open = drawer.value;
	const close = () => { drawer.value = false; };
	useLayoutEffect(() => {
		if (!open)
			return undefined;
		const before = document.activeElement;
		box.current?.querySelector<HTMLElement>("[role=treeitem][tabindex='0']")?.focus();
		return () => focusBack(before);
	}, [open]);
	if (!open)
		return null;
	return (
		<div class={css.drawer} onClick={close} onKeyDown={(e) => e.key === "Escape" && close()}>
			<div ref={box} class={css.drawerBox} role="dialog" aria-modal="true" aria-label={t("mailboxes")} onClick={(e) => e.stopPropagation()}>
				<div class={css.drawerHead}><b>Letterlock</b><IconButton icon="close" label={t("close")} onClick={close} /></div>
				<Sidebar onCompose={() => { close(); compose(); }} onWaiting={showWaiting} />
			</div>
		</div>
	);
}

export function Mail() {
	const Composer = useLazy("composer", writing.value !== null, loadComposer);
	const Overlays = useLazy("overlays", overlay.value !== null, loadOverlays);

	useEffect(() => {
		const ends = [followPlace(), startKeys()];
		const s = store.peek();
		if (s) {
			s.onRefused = () => toast({ text: t("failedAction"), bad: true });
			s.onSubmissions = followPending;
		}
		followPending();
		void recover().catch(() => undefined);
		return () => ends.forEach((end) => end());
	}, []);
	useEffect(prepare, []);
	return (
		<div class={css.mail} data-reading={openId.value !== null || undefined}
			style={{ "--side": `${prefs.value.sideWidth}px`, "--list": `${prefs.value.listWidth}px` }}>
			<div class={css.side} inert={drawer.value}><Sidebar onCompose={() => compose()} onWaiting={showWaiting} /></div>
			<main id="content" tabIndex={-1} class={css.main} inert={drawer.value}>
				<div class={css.first}><Splitter label={t("resizeMailboxes")} value={prefs.value.sideWidth} min={180} max={340} onChange={(v) => setPrefs({ sideWidth: v })} /></div>
				<div class={css.list}><ListPane /></div>
				<div class={css.second}><Splitter label={t("resizeList")} value={prefs.value.listWidth} min={300} max={680} onChange={(v) => setPrefs({ listWidth: v })} /></div>
				<div class={css.reader}><ThreadView /></div>
			</main>
			<Drawer />
			<div class={css.write} inert={drawer.value}><IconButton icon="compose" label={t("compose")} size={22} onClick={() => compose()} /></div>
			{Composer && <Composer />}
			{Overlays && <Overlays />}
			<Source />
			{linkTarget.value && <div class={css.target} aria-hidden="true">{linkTarget.value}</div>}
		</div>
	);
}
