// The sheet of keys and the command palette. Loaded when first wanted.
import { useMemo, useState } from "preact/hooks";
import { t, type Key } from "../../i18n/index.ts";
import { Combobox, type Choice } from "../../ui/combobox.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { OutboxDialog } from "../offline/outbox_dialog.tsx";
import { address, go } from "../router.ts";
import { boxName } from "./actions.ts";
import { commands, overlay } from "./commands.ts";
import { LeaveDialog } from "./leave_list.tsx";
import { ScheduledDialog } from "./scheduled.tsx";
import { choosing, put } from "./snooze.tsx";
import { boxAddress, mail } from "./state.ts";
import { TimeDialog } from "./time_dialog.tsx";
import css from "./overlays.module.css";

const close = () => { overlay.value = null; };

function Keys({ keys }: { keys: string }) {
	return <>{keys.split(" ").map((k, i) => <kbd key={i} class={css.key}>{k === "Ctrl+K" && /Mac|iP/.test(navigator.platform) ? "⌘K" : k}</kbd>)}</>;
}

function KeySheet() {
	const groups = [...new Set(commands.map((c) => c.group))];
	return (
		<Dialog title={t("keyboardShortcuts")} shape="wide" onClose={close}>
			<div class={css.sheet}>
				{groups.map((g) => (
					<section key={g}>
						<h3 class={css.group}>{t(g)}</h3>
						<dl class={css.list}>
							{commands.filter((c) => c.group === g && c.keys.length).map((c) => (
								<div key={c.id} class={css.pair}><dt>{t(c.title)}</dt><dd>{c.keys.map((k) => <Keys key={k} keys={k} />)}</dd></div>
							))}
						</dl>
					</section>
				))}
			</div>
		</Dialog>
	);
}

interface Entry { id: string; text: string; group: string; keys?: string | undefined; run(): void }

/** Every letter of what was typed, in order; beginnings of words count most. */
export function score(text: string, typed: string): number {
	const low = text.toLocaleLowerCase();
	const want = typed.toLocaleLowerCase().trim();
	if (!want)
		return 1;
	const at = low.indexOf(want);
	if (at >= 0)
		return 100 - at - (at > 0 && low[at - 1] !== " " ? 20 : 0);
	let from = 0;
	for (const c of want) {
		from = low.indexOf(c, from) + 1;
		if (from === 0)
			return 0;
	}
	return 10 - from / 10;
}

function entries(): Entry[] {
	const boxes = [...mail().mailboxes.peek().values()].filter((m) => !m.role);
	return [
		...commands.filter((c) => c.id !== "palette").map((c) => ({ id: c.id, text: t(c.title), group: t(c.group), keys: c.keys[0], run: c.run })),
		...boxes.map((m) => ({ id: m.id, text: boxName(m), group: t("groupGo"), run: () => go(boxAddress(m)) })),
		...(["account", "security", "appearance", "mail", "transfer"] as const).map((s) => ({
			id: `s-${s}`, text: `${t("settings")}: ${t(`settings_${s}` as Key)}`, group: t("groupGo"), run: () => go(address("settings", s)),
		})),
	];
}

function Palette() {
	const [typed, setTyped] = useState("");
	const all = useMemo(entries, []);
	const found = all.map((e) => [score(e.text, typed), e] as const).filter(([s]) => s > 0).sort((a, b) => b[0] - a[0]).map(([, e]) => e).slice(0, 12);
	const search: Entry[] = typed.trim() ? [{ id: "find", text: t("searchFor", { what: typed.trim() }), group: t("search"), run: () => go(address("search", typed.trim())) }] : [];
	const list = found.length > 0 && typed.trim().length < 3 ? found : [...found, ...search];
	const choices: Choice[] = list.map((e) => ({
		id: e.id, text: e.text,
		body: <><span class={css.entry}>{e.text}</span><span class={css.in}>{e.group}</span>{e.keys && <Keys keys={e.keys} />}</>,
	}));
	return (
		<Dialog title={t("commandPalette")} shape="top" bare onClose={close}>
			<div class={css.palette}>
				<Icon name="search" size={18} />
				<Combobox label={t("commandPalette")} value={typed} placeholder={t("palettePlaceholder")} choices={choices} eager autoFocus
					inputClass={css.input} onInput={setTyped} onKeyDown={(e) => e.key === "Escape" && (e.preventDefault(), close())}
					onChoose={(c) => { close(); list.find((e) => e.id === c.id)?.run(); }} />
			</div>
		</Dialog>
	);
}

function SnoozeTime() {
	const rows = choosing.peek();
	return <TimeDialog title={t("snooze")} action={t("snooze")} onChoose={(at) => put(rows, at)} close={close} />;
}

const outbox = () => <OutboxDialog close={close} />;
const leaving = () => <OutboxDialog close={close} leaving />;
const views = { keys: KeySheet, palette: Palette, scheduled: () => <ScheduledDialog close={close} />, snooze: SnoozeTime, outbox, leaving } as const;

export function Overlays() {
	const now = overlay.value;
	if (typeof now === "object" && now)
		return <LeaveDialog url={now.leave} close={close} />;
	const View = now && views[now];
	return View ? <View /> : null;
}
