// Taking mail along: all of it or one mailbox, as files that other programs read.
import { useState } from "preact/hooks";
import { language } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Progress } from "../../ui/progress.tsx";
import { boxName } from "../mail/actions.ts";
import { sortMailboxes } from "../mail/sidebar.tsx";
import { mail } from "../mail/state.ts";
import { fileSize } from "../dates.ts";
import { Group } from "../settings/parts.tsx";
import type { Form } from "./export_job.ts";
import { cancelExport, closeExport, exporting, startExport } from "./exporting.ts";
import { reasonText } from "./file_step.tsx";
import { t } from "./texts.ts";
import css from "./transfer.module.css";

function Now() {
	const s = exporting.value;
	if (!s)
		return null;
	const part = s.total ? Math.min(1, (s.done + s.gone + s.damaged) / s.total) : s.phase === "running" ? 0 : 1;
	const counts = [t("countExported", { n: s.done }), ...(s.gone ? [t("countGone", { n: s.gone })] : []), ...(s.damaged ? [t("countUnreadable", { n: s.damaged })] : []), fileSize(s.bytes)];
	const status = s.phase === "halted" ? reasonText(s.reason ?? "") : s.phase === "stopped" ? t("exportStopped") : s.phase === "done" ? t("phase_done") : s.waiting ? t(s.waiting === "offline" ? "waitsOffline" : "waitsBusy") : "";
	return (
		<div class={css.running} data-export={s.phase}>
			<div class={css.runningHead}><strong>{s.name}</strong><span>{new Intl.NumberFormat(language(), { style: "percent" }).format(s.phase === "done" ? 1 : Math.floor(part * 100) / 100)}</span></div>
			<Progress label={t("exportOf", { name: s.name })} value={s.phase === "done" ? 1 : part} />
			<div class={css.counts} role="status"><span>{counts.join(" · ")}</span><span class={s.phase === "halted" ? css.wrong : css.soft}>{status}</span></div>
			<div class={css.buttons}>{s.phase === "running" ? <Button onClick={() => void cancelExport()}>{t("cancel")}</Button> : <Button onClick={closeExport}>{t("done")}</Button>}</div>
		</div>
	);
}

const everything = "";

function Choice() {
	const [what, setWhat] = useState(everything);
	const [form, setForm] = useState<Form>("mbox");
	const forms: ReadonlyArray<readonly [Form, string]> = [["mbox", t("formMbox")], ["maildir", t("formMaildir")], ["eml", t("formEml")]];
	const boxes = sortMailboxes([...mail().mailboxes.value.values()]);
	return (
		<div class={`${css.running} ${css.step}`}>
			<SelectField label={t("exportWhat")} value={what} onChange={setWhat} options={[[everything, t("exportAll")] as const, ...boxes.map((m) => [m.id, boxName(m)] as const)]} />
			<SelectField label={t("exportForm")} value={form} onChange={(f: Form) => setForm(f)} hint={t("exportFormHint")} options={forms} />
			<p class={css.note}><Icon name="lock" size={16} /><span>{t("exportEncrypted")} <a href="/settings/keys">{t("exportKeysLink")}</a></span></p>
			<div class={css.buttons}><Button look="primary" icon="download" onClick={() => void startExport(form, what ? [what] : null)}>{t("export")}</Button></div>
		</div>
	);
}

export function Export() {
	return (
		<Group title={t("exportTitle")} lead={t("exportLead")}>
			{exporting.value ? <Now /> : <Choice />}
		</Group>
	);
}
