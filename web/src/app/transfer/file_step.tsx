// The step of the wizard for what lies in files: choose them, see what they are, say where to, begin.
import { useRef, useState } from "preact/hooks";
import { boxName } from "../mail/actions.ts";
import { sortMailboxes } from "../mail/sidebar.tsx";
import { mail } from "../mail/state.ts";
import { dayDate, fileSize } from "../dates.ts";
import { Button } from "../../ui/button.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { RpcError } from "../../keys/rpc.ts";
import type { Picked } from "./files.ts";
import type { Seen } from "./import_job.ts";
import { begin, busy, close as closeJob, openFiles } from "./job.ts";
import type { StepProps } from "./sources.ts";
import { t, type Key } from "./texts.ts";
import css from "./transfer.module.css";

export interface FileKind { how: Key; choose: Key; accept: string; folder: boolean }

function picked(list: FileList): Picked[] {
	return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name, modified: file.lastModified || null }));
}

function nameOf(files: readonly Picked[]): string {
	const [first] = files;
	const path = first?.path ?? "";
	return path.includes("/") ? path.split("/")[0] ?? "" : files.length > 1 ? t("filesName", { n: files.length, name: path }) : path;
}

export function reasonText(code: string): string {
	const key = `why_${code}` as Key;
	const text = t(key);
	return text === key || !text ? t("why_refused") : text;
}

function Choose({ kind, onFiles, error }: { kind: FileKind; onFiles(files: Picked[]): void; error: string | null }) {
	const input = useRef<HTMLInputElement>(null);
	const [over, setOver] = useState(false);
	const took = (list: FileList | null | undefined) => {
		if (list?.length)
			onFiles(picked(list));
	};
	return (
		<div class={css.step}>
			<p>{t(kind.how)}</p>
			<div class={`${css.drop} ${over ? css.over : ""}`}
				onDragOver={(e) => { if (!kind.folder) { e.preventDefault(); setOver(true); } }} onDragLeave={() => setOver(false)}
				onDrop={(e) => { e.preventDefault(); setOver(false); took(e.dataTransfer?.files); }}>
				<Icon name={kind.folder ? "folder" : "file"} size={26} />
				<Button look="primary" onClick={() => input.current?.click()}>{t(kind.choose)}</Button>
				{!kind.folder && <span class={css.soft}>{t("orDrop")}</span>}
				<input ref={input} type="file" hidden multiple accept={kind.folder ? "" : kind.accept} {...(kind.folder ? { webkitdirectory: true } : {})}
					aria-label={t(kind.choose)} onChange={(e) => { took(e.currentTarget.files); e.currentTarget.value = ""; }} />
			</div>
			{error && <p class={css.wrong} role="alert">{error}</p>}
			<p class={css.soft}>{t("filesStay")}</p>
		</div>
	);
}

const asFound = "";
const mostShown = 12;

function Folders({ names }: { names: readonly string[] }) {
	if (names.length === 0)
		return null;
	return (
		<div class={css.folders}>
			<span>{t("foldersFound", { n: names.length })}</span>
			<ul>{names.slice(0, mostShown).map((n) => <li key={n}><Icon name="folder" size={14} />{n}</li>)}{names.length > mostShown && <li>{t("andMore", { n: names.length - mostShown })}</li>}</ul>
		</div>
	);
}

function Ready({ name, seen, close, back }: { name: string; seen: Seen; close(): void; back(): void }) {
	const [into, setInto] = useState(asFound);
	const boxes = sortMailboxes([...mail().mailboxes.value.values()]).filter((m) => !["scheduled", "snoozed"].includes(m.role ?? ""));
	const start = () => { begin(into || null); close(); };
	return (
		<div class={css.step}>
			<div class={css.chosen}><Icon name="file" size={20} /><div><strong>{name}</strong><span class={css.soft}>{t("chosenSize", { n: seen.files, size: fileSize(seen.bytes) })}</span></div></div>
			<Folders names={seen.folders} />
			{seen.before
				? <p class={css.note}><Icon name="refresh" size={16} />{t("goesOn", { percent: Math.floor(seen.before.fraction * 100), date: dayDate(seen.before.changed) })}</p>
				: <SelectField label={t("whereTo")} hint={t("whereToHint")} value={into} onChange={setInto}
					options={[[asFound, t("asFound")] as const, ...boxes.map((m) => [m.id, boxName(m)] as const)]} />}
			<div class={css.buttons}><Button onClick={back}>{t("previous")}</Button><Button look="primary" onClick={start}>{t(seen.before ? "goOnImport" : "startImport")}</Button></div>
		</div>
	);
}

export function fileStep(kind: FileKind) {
	return function FileStep({ close }: StepProps) {
		const [files, setFiles] = useState<readonly Picked[]>([]);
		const [seen, setSeen] = useState<Seen | null>(null);
		const [error, setError] = useState<string | null>(null);
		if (busy() && !seen)
			return <p class={css.note}><Icon name="info" size={16} />{t("oneAtATime")}</p>;
		const back = () => { closeJob(); setFiles([]); setSeen(null); };
		const look = (chosen: Picked[]) => {
			setFiles(chosen);
			setError(null);
			openFiles(chosen, nameOf(chosen)).then(setSeen, (e: unknown) => {
				back();
				const code = e instanceof RpcError ? e.code : "";
				setError(code === "notMail" ? t("noMailIn", { name: nameOf(chosen) }) : reasonText(code));
			});
		};
		if (files.length === 0)
			return <Choose kind={kind} onFiles={look} error={error} />;
		return seen ? <Ready name={nameOf(files)} seen={seen} close={close} back={back} /> : <div class={css.middle}><Spinner label={t("loading")} /></div>;
	};
}
