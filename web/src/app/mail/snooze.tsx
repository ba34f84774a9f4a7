// Putting messages off: they leave the list and come back unread when they are due.
import { signal } from "@preact/signals";
import { t, type Key } from "../../i18n/index.ts";
import { snoozing, type Id, type SetResult } from "../../jmap/types.ts";
import { IconButton } from "../../ui/button.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { dueDate } from "../dates.ts";
import { leaveRows, messagesOf } from "./actions.ts";
import { overlay } from "./commands.ts";
import { mail, place, store, targets } from "./state.ts";

export const maySnooze = () => Boolean(store.value?.session.capabilities[snoozing]);
/** The rows for which a time is being chosen. */
export const choosing = signal<readonly Id[]>([]);

interface Time { key: Key; at: Date }

/** Times that one usually means; none that is nearly now. */
function snoozeTimes(now = new Date()): Time[] {
	const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
	const day = now.getDay();
	const times: Time[] = [];
	if (now.getHours() < 16)
		times.push({ key: "laterToday", at: at(0, Math.max(18, now.getHours() + 2)) });
	times.push({ key: "tomorrowMorning", at: at(1, 8) });
	if (day > 0 && day < 5)
		times.push({ key: "thisWeekend", at: at(6 - day, 9) });
	if (day > 0)
		times.push({ key: "nextWeek", at: at(((8 - day) % 7) || 7, 8) });
	return times;
}

async function setUntil(ids: readonly Id[], until: string | null): Promise<void> {
	const result = await mail().client.call<SetResult>("Email/set", { update: Object.fromEntries(ids.map((id) => [id, { snoozedUntil: until }])) });
	const refused = Object.values(result.notUpdated ?? {})[0];
	if (refused)
		throw new Error(refused.description ?? refused.type);
	void mail().loadMailboxes();
	void mail().sync();
}

export function put(rows: readonly Id[], until: Date | null): void {
	const ids = messagesOf(rows);
	const here = place.peek().mailbox?.role;
	const back = place.peek().kind === "box" && (until === null) === (here === "snoozed") ? leaveRows(rows) : () => undefined;
	const failed = () => {
		back();
		toast({ text: t("failedAction"), bad: true });
	};
	const done = setUntil(ids, until && `${until.toISOString().slice(0, 19)}Z`);
	done.catch(failed);
	const undo = until ? () => void done.then(() => setUntil(ids, null)).then(back, failed) : undefined;
	toast({ text: until ? t("didSnooze", { when: dueDate(until.toISOString()) }) : t("didMove", { n: rows.length, box: t("boxInbox") }), undo });
}

export function snoozeEntries(rows: () => readonly Id[] = targets): MenuEntry[] {
	return [
		...snoozeTimes().map(({ key, at }) => ({ label: t(key), hint: dueDate(at.toISOString()), icon: "clock" as const, run: () => put(rows(), at) })),
		{ label: t("chooseTime"), icon: "calendar", run: () => { choosing.value = [...rows()]; overlay.value = "snooze"; } },
		...(place.peek().mailbox?.role === "snoozed" ? ["line" as const, { label: t("snoozeNow"), icon: "inbox" as const, run: () => put(rows(), null) }] : []),
	];
}

export function SnoozeMenu() {
	if (!maySnooze())
		return null;
	return <Menu label={t("snooze")} side="end" entries={() => snoozeEntries()} button={(p) => <IconButton icon="clock" label={t("snooze")} shortcut="b" id="snooze-menu" {...p} />} />;
}
