// The import under way, as long as it is of interest; and those that stopped before their end.
import { useEffect, useState } from "preact/hooks";
import { language } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Progress } from "../../ui/progress.tsx";
import { dayDate } from "../dates.ts";
import { Group, Item } from "../settings/parts.tsx";
import { reasonText } from "./file_step.tsx";
import { busy, cancel, close, failures, goOn, listStopped, pause, shown, stopped, type Shown } from "./job.ts";
import { type Failure, forget } from "./shelf.ts";
import { t, type Key } from "./texts.ts";
import css from "./transfer.module.css";

/** "3 min", in the language of the page. */
function remaining(seconds: number): string {
	const [n, unit] = seconds < 60 ? [Math.max(5, Math.ceil(seconds / 5) * 5), "second"] : seconds < 5400 ? [Math.ceil(seconds / 60), "minute"] : [Math.ceil(seconds / 3600), "hour"];
	return new Intl.NumberFormat(language(), { style: "unit", unit: unit as string, unitDisplay: "long" }).format(n as number);
}

function statusText(s: Shown): string {
	if (s.phase === "running" && s.waiting)
		return t(s.waiting === "offline" ? "waitsOffline" : "waitsBusy");
	if (s.phase === "halted")
		return reasonText(s.reason ?? "");
	if (s.phase !== "running")
		return t(`phase_${s.phase}` as Key);
	const rate = s.rate >= 1 ? t("perSecond", { n: Math.round(s.rate) }) : "";
	return [rate, s.left === null ? "" : t("timeLeft", { time: remaining(s.left) })].filter(Boolean).join(" · ") || t("phase_running");
}

function countTexts({ counts: c }: Shown): string[] {
	const of = (key: Key, n: number, always = false) => (n || always ? [t(key, { n })] : []);
	return [...of("countImported", c.imported, true), ...of("countPresent", c.present), ...of("countSkipped", c.skipped)];
}

function Failures({ close: done }: { close(): void }) {
	const [list, setList] = useState<readonly Failure[] | null>(null);
	useEffect(() => void failures().then(setList), []);
	return (
		<Dialog title={t("failuresTitle")} shape="wide" onClose={done}>
			<ul class={css.failures}>
				{(list ?? []).map((f, i) => (
					<li key={i}><strong>{f.subject || t("noSubject")}</strong>{f.from && <span>{f.from}</span>}<span class={css.soft}>{f.path}</span><span class={css.wrong}>{reasonText(f.reason)}{f.reason === "refused" && f.detail ? ` (${f.detail})` : ""}</span></li>
				))}
			</ul>
		</Dialog>
	);
}

function Buttons({ s }: { s: Shown }) {
	if (s.phase === "done" || s.phase === "stopped")
		return <Button onClick={close}>{t("done")}</Button>;
	return (
		<>
			{s.phase === "paused" || s.phase === "halted" ? <Button look="primary" onClick={goOn}>{t("goOnImport")}</Button> : <Button onClick={pause}>{t("pause")}</Button>}
			<Button onClick={cancel}>{t("cancel")}</Button>
		</>
	);
}

function Now({ s }: { s: Shown }) {
	const [list, setList] = useState(false);
	const percent = new Intl.NumberFormat(language(), { style: "percent" }).format(Math.floor(s.fraction * 100) / 100);
	return (
		<div class={css.running} data-phase={s.phase}>
			<div class={css.runningHead}><strong>{s.name}</strong><span>{percent}</span></div>
			<Progress label={t("importOf", { name: s.name })} value={s.fraction} />
			<div class={css.counts} role="status"><span>{countTexts(s).join(" · ")}</span><span class={s.phase === "halted" ? css.wrong : css.soft}>{statusText(s)}</span></div>
			<div class={css.buttons}>
				{s.counts.failed > 0 && <Button look="quiet" icon="warning" onClick={() => setList(true)}>{t("countFailed", { n: s.counts.failed })}</Button>}
				<span class={css.grow} />
				<Buttons s={s} />
			</div>
			{list && <Failures close={() => setList(false)} />}
		</div>
	);
}

export function Running() {
	const s = shown.value;
	useEffect(() => void listStopped(), []);
	const others = stopped.value.filter(() => !busy());
	if (!s && others.length === 0)
		return null;
	return (
		<Group title={t("underWay")} lead={s && busy() ? t("readMeanwhile") : undefined}>
			{s && <Now s={s} />}
			{others.map((k) => (
				<Item key={k.key} title={k.name} detail={t("stoppedAt", { percent: Math.floor(k.fraction * 100), date: dayDate(k.changed) })}>
					<Button onClick={() => void forget(k.key).then(listStopped)}>{t("forget")}</Button>
				</Item>
			))}
		</Group>
	);
}
