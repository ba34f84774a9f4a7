// The imports from other servers: how far each has come, and what can be done with it.
import { useEffect, useState } from "preact/hooks";
import { language } from "../../../i18n/index.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Progress } from "../../../ui/progress.tsx";
import { toast } from "../../../ui/toast.tsx";
import { attempt, Group } from "../../settings/parts.tsx";
import { t as say } from "../texts.ts";
import common from "../transfer.module.css";
import { isMoving, jobs, remove, sums, update, watch, type ImportJob, type Sums } from "./jobs.ts";
import { ErrorText, JobStep } from "./step.tsx";
import { t, type Key } from "./texts.ts";

function countTexts(s: Sums): string {
	const of = (key: Key, n: number, always = false) => (n || always ? [t(key, { n })] : []);
	return [...of("countNew", s.added, true), ...of("countFound", s.found), ...of("countLeft", s.skipped)].join(" · ");
}

function Buttons({ job, open }: { job: ImportJob; open(): void }) {
	const s = sums(job);
	const go = (isPaused: boolean) => () => void attempt(() => update(job.id, { isPaused }));
	const gone = () => void attempt(() => remove(job.id));
	const giveUp = () => void attempt(() => remove(job.id)).then((good) => good && s.added > 0 && toast({ text: t("gaveUp") }));
	const goAndAsk = () => void attempt(() => update(job.id, { isPaused: false })).then(open);
	if (job.state === "done")
		return <><Button onClick={goAndAsk}>{t("lookAgain")}</Button><Button onClick={gone}>{t("dismiss")}</Button></>;
	return (
		<>
			{(job.state === "running" || job.state === "waiting") && <Button onClick={go(true)}>{say("pause")}</Button>}
			{job.state === "paused" && job.hasSecret && <Button look="primary" onClick={go(false)}>{say("goOnImport")}</Button>}
			{job.state === "paused" && !job.hasSecret && <Button look="primary" onClick={goAndAsk}>{say("goOnImport")}</Button>}
			{(job.state === "needsSecret" || job.state === "choosing") && <Button look="primary" onClick={open}>{say("goOnImport")}</Button>}
			<Button onClick={giveUp}>{t("giveUp")}</Button>
		</>
	);
}

function Job({ job }: { job: ImportJob }) {
	const [open, setOpen] = useState(false);
	const s = sums(job);
	const begun = job.folders.length > 0 && job.state !== "choosing";
	const fraction = job.state === "done" ? 1 : s.total ? s.seen / s.total : 0;
	const percent = new Intl.NumberFormat(language(), { style: "percent" }).format(Math.floor(fraction * 100) / 100);
	return (
		<div class={common.running} data-import={job.state}>
			<div class={common.runningHead}><strong>{job.user}</strong>{begun && <span>{percent}</span>}</div>
			{begun && <Progress label={say("importOf", { name: job.user })} value={fraction} />}
			<div class={common.counts} role="status"><span>{begun ? countTexts(s) : job.host}</span><span class={common.soft}>{t(`state_${job.state}` as Key)}</span></div>
			{!isMoving(job) && <ErrorText job={job} />}
			<div class={common.buttons}><span class={common.grow} /><Buttons job={job} open={() => setOpen(true)} /></div>
			{open && <Dialog title={t("titleGoOn", { host: job.host ?? job.user })} onClose={() => setOpen(false)} keep><JobStep id={job.id} secret="" close={() => setOpen(false)} /></Dialog>}
		</div>
	);
}

export function ImapRunning() {
	useEffect(watch, []);
	const list = jobs.value;
	if (list.length === 0)
		return null;
	return <Group title={t("underWay")} lead={list.some(isMoving) ? t("goesOnAlone") : undefined}>{list.map((j) => <Job key={j.id} job={j} />)}</Group>;
}
