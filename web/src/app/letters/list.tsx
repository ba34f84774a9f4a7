// The author's letters under a password: whether they were opened, until when they last, and ending them.
import { useEffect, useState } from "preact/hooks";
import { unbase64url } from "../../keys/bytes";
import type { LetterNote } from "../../pgp/client";
import { Button, IconButton } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { longDate } from "../dates.ts";
import { askForKeys, now, pgp } from "../pgp/worker.ts";
import { command } from "../settings/api.ts";
import { attempt, Group, Item, useData, Waiting } from "../settings/parts.tsx";
import { takeBack } from "../mail/composer/send.ts";
import { pending } from "../mail/compose_state.ts";
import { loadPending } from "../mail/pending.ts";
import { t } from "./texts.ts";
import { allLetters, removed, type LetterInfo } from "./waiting.ts";
import css from "./letters.module.css";

type Row = LetterInfo & { about: LetterNote | null };

const DAY = 86_400;
const longest = (l: LetterInfo) => Math.max(l.created, l.sendAt) + 90 * DAY;
const waits = (l: LetterInfo) => l.state === "open" && l.sendAt > now();

/** What they were about, only the author's keys tell. */
async function load(): Promise<Row[]> {
	const all = (await allLetters()).sort((a, b) => b.created - a.created);
	const open = all.length > 0 && await askForKeys();
	const notes = open ? await (await pgp()).call("notesOpen", { notes: all.map((l) => ({ id: unbase64url(l.id), record: unbase64url(l.note) })) }) : [];
	return all.map((l, i) => ({ ...l, about: notes[i] ?? null }));
}

function detail(l: Row): string {
	const over = { draft: t("stateDraft"), expired: t("stateExpired"), withdrawn: t("stateWithdrawn") };
	const most = l.maxOpens > 0 ? [t("opensOf", { n: l.opens, most: l.maxOpens })] : [];
	const opened = l.opens > 0 ? [t("openedOn", { date: longDate(l.firstOpened * 1000) }), ...(l.opens > 1 && !l.maxOpens ? [t("opens", { n: l.opens })] : [])] : waits(l) ? [t("goesOut", { date: longDate(l.sendAt * 1000) })] : l.state === "open" ? [t("notOpened")] : [];
	return [
		l.about?.to || l.to, ...opened, ...most, ...(l.replies ? [t("replies", { n: l.replies })] : []),
		l.state === "open" ? t("untilDate", { date: longDate(l.expires * 1000) }) : over[l.state],
	].join(" · ");
}

function copy(l: Row): void {
	void attempt(async () => {
		await navigator.clipboard.writeText(l.about?.link ?? "");
		toast({ text: t("linkCopied") });
	});
}

function extend(l: Row, again: () => void): void {
	const expires = Math.min(longest(l), Math.max(l.expires, now()) + 28 * DAY);
	if (expires <= l.expires) {
		toast({ text: t("longest") });
		return;
	}
	void attempt(async () => {
		await command("letter-change", { id: l.id, expires });
		toast({ text: t("extended", { date: longDate(expires * 1000) }) });
	}).then(again);
}

function entriesOf(l: Row, again: () => void, withdraw: () => void): MenuEntry[] {
	const takeOff = { label: t("takeOff"), icon: "trash" as const, run: () => void attempt(() => command("letter-forget", { id: l.id })).then(again) };
	if (l.state !== "open")
		return [takeOff];
	return [
		...(l.about ? [{ label: t("copyLink"), icon: "link" as const, run: () => copy(l) }] : []),
		{ label: t("extend"), icon: "clock", run: () => extend(l, again) },
		"line",
		{ label: t("withdraw"), icon: "trash", danger: true, run: withdraw },
	];
}

/** One that nobody has been told of yet is taken back with the message that it goes with; that is a draft again. */
async function withdraw(l: Row): Promise<void> {
	if (waits(l)) {
		await loadPending();
		const item = pending.peek()?.find((p) => p.letterOf === l.messageId);
		if (item && !await takeBack(item))
			throw new Error(t("tooLate"));
		void loadPending();
		if (item)
			return;
	}
	await command("letter-withdraw", { id: l.id });
}

function WithdrawDialog({ letter, close, done }: { letter: Row; close(): void; done(): void }) {
	const [busy, setBusy] = useState(false);
	const act = () => {
		setBusy(true);
		void attempt(async () => {
			await withdraw(letter);
			toast({ text: t("withdrawn") });
		}).then(() => { close(); done(); });
	};
	return (
		<Dialog title={t("withdrawAsk")} onClose={close} footer={<><Button onClick={close}>{t("cancel")}</Button><Button look="danger" busy={busy} onClick={act}>{t("withdraw")}</Button></>}>
			<p>{t(waits(letter) ? "withdrawWaits" : "withdrawLead")}</p>
		</Dialog>
	);
}

export function Letters() {
	const { data, failed, again } = useData(load);
	const [ending, setEnding] = useState<Row | null>(null);
	const gone = removed.value;
	useEffect(() => (data ? again() : undefined), [gone]);
	return (
		<Group lead={t("lettersLead")}>
			{!data && <Waiting failed={failed} again={again} />}
			{data?.length === 0 && <Item title={t("noLetters")} />}
			{data?.map((l) => {
				const title = l.about?.subject || t("unknownSubject", { who: l.to });
				return (
					<Item key={l.id} icon={<Icon name={l.state === "open" ? "key" : "clock"} size={18} />} title={<span class={l.state === "open" ? undefined : css.over} data-letter={l.state}>{title}</span>} detail={detail(l)}>
						<Menu label={t("moreActions")} side="end" button={(p) => <IconButton icon="more" label={`${t("moreActions")}: ${title}`} small {...p} />} entries={() => entriesOf(l, again, () => setEnding(l))} />
					</Item>
				);
			})}
			{ending && <WithdrawDialog letter={ending} close={() => setEnding(null)} done={again} />}
		</Group>
	);
}
