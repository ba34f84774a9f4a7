// The steps of the wizard for a mail account elsewhere: who, which server, which folders. Closed in the middle,
// it goes on from the page (running.tsx).
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../../../ui/button.tsx";
import { PasswordField, SelectField, TextField } from "../../../ui/field.tsx";
import { Icon } from "../../../ui/icon.tsx";
import { Spinner } from "../../../ui/progress.tsx";
import { attempt } from "../../settings/parts.tsx";
import type { StepProps } from "../sources.ts";
import common from "../transfer.module.css";
import css from "./imap.module.css";
import { create, jobs, Refused, remove, update, watch, type ImportFolder, type ImportJob, type Security } from "./jobs.ts";
import { ProviderHelp } from "./provider.tsx";
import { t, type Key } from "./texts.ts";

const named: Record<string, Key> = { host: "server", port: "port", user: "user", security: "security" };

function refusalText(e: unknown): string {
	if (!(e instanceof Refused))
		return t("err_failed");
	const what = named[e.properties[0] ?? ""];
	return what ? t("err_invalid", { what: t(what) }) : t(e.type === "overQuota" ? "err_overJobs" : "err_failed");
}

/** What went wrong, in plain words; the other server's own below. */
export function ErrorText({ job }: { job: ImportJob }) {
	if (!job.error)
		return null;
	const key = `err_${job.error.type}` as Key;
	const text = t(key);
	return (
		<div class={common.wrong} role="alert">
			<div>{text && text !== key ? text : t("err_failed")}</div>
			{job.error.description && <div>{t("saysThere", { text: job.error.description })}</div>}
		</div>
	);
}

function Form({ children, act, button, ready = true }: { children: ComponentChildren; act(): Promise<unknown>; button: string; ready?: boolean }) {
	const [busy, setBusy] = useState(false);
	const [wrong, setWrong] = useState<string | null>(null);
	const submit = (e: Event) => {
		e.preventDefault();
		setBusy(true);
		setWrong(null);
		act().catch((x: unknown) => setWrong(refusalText(x))).finally(() => setBusy(false));
	};
	return (
		<form class={common.step} onSubmit={submit}>
			{children}
			{wrong && <p class={common.wrong} role="alert">{wrong}</p>}
			<div class={common.buttons}><Button look="primary" type="submit" busy={busy} disabled={!ready}>{button}</Button></div>
		</form>
	);
}

function Who({ made }: { made(id: string, secret: string): void }) {
	const [user, setUser] = useState("");
	const [secret, setSecret] = useState("");
	return (
		<Form button={t("next")} act={() => create(user.trim()).then((id) => made(id, secret))}>
			<TextField label={t("address")} hint={t("addressHint")} type="email" required autocomplete="off" value={user} onInput={(e) => setUser(e.currentTarget.value)} />
			<ProviderHelp user={user} />
			<PasswordField label={t("secret")} hint={t("secretHint")} required autocomplete="off" value={secret} onInput={(e) => setSecret(e.currentTarget.value)} />
		</Form>
	);
}

const usual: Record<Security, number> = { tls: 993, starttls: 143 };

/** byHand: typed by somebody who did not wait for the search. */
function Server({ job, known, byHand }: { job: ImportJob; known: string; byHand: boolean }) {
	const [host, setHost] = useState(job.host ?? "");
	const [port, setPort] = useState(String(job.port));
	const [security, setSecurity] = useState(job.security);
	const [user, setUser] = useState(job.user);
	const [secret, setSecret] = useState(known);
	const fixed = job.folders.length > 0;
	const choose = (s: Security) => {
		if (port === String(usual[security]))
			setPort(String(usual[s]));
		setSecurity(s);
	};
	const server = fixed ? {} : { host: host.trim(), port: Number(port), security, user: user.trim() };
	return (
		<Form button={t("connect")} act={() => update(job.id, { ...server, secret })}>
			{fixed ? <p>{t("titleGoOn", { host: job.host ?? "" })}</p> : <p>{t(byHand ? "serverLeadHand" : job.host ? "serverLead" : "serverLeadNone")}</p>}
			{job.error?.type !== "serverNotFound" && <ErrorText job={job} />}
			{!fixed && (
				<>
					<TextField label={t("server")} required maxLength={255} spellcheck={false} autocapitalize="off" value={host} onInput={(e) => setHost(e.currentTarget.value)} />
					<div class={css.pair}>
						<SelectField<Security> label={t("security")} value={security} options={[["tls", t("tls")], ["starttls", t("starttls")]]} onChange={choose} />
						<TextField label={t("port")} required type="number" min="1" max="65535" value={port} onInput={(e) => setPort(e.currentTarget.value)} />
					</div>
					<TextField label={t("user")} required maxLength={320} spellcheck={false} autocapitalize="off" value={user} onInput={(e) => setUser(e.currentTarget.value)} />
				</>
			)}
			<ProviderHelp user={user} host={host} />
			<PasswordField label={t("secret")} hint={t("secretHint")} required autocomplete="off" value={secret} onInput={(e) => setSecret(e.currentTarget.value)} />
		</Form>
	);
}

const explained = ["all", "junk", "trash"];

function Folder({ f, on, set }: { f: ImportFolder; on: boolean; set(on: boolean): void }) {
	return (
		<li>
			<label class={css.folder}>
				<input type="checkbox" checked={on} onChange={(e) => set(e.currentTarget.checked)} />
				<Icon name="folder" size={16} />
				<span class={css.name}>{f.name}{explained.includes(f.role ?? "") && <span class={common.soft}>{t(`role_${f.role}` as Key)}</span>}</span>
				<span class={common.soft}>{t("messages", { n: f.total })}</span>
			</label>
		</li>
	);
}

function Choose({ job, close }: { job: ImportJob; close(): void }) {
	const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(job.folders.filter((f) => f.isChosen).map((f) => f.id)));
	const n = job.folders.filter((f) => chosen.has(f.id)).reduce((sum, f) => sum + f.total, 0);
	const one = (id: string, on: boolean) => setChosen(new Set(on ? [...chosen, id] : [...chosen].filter((x) => x !== id)));
	const go = () => update(job.id, { chosen: [...chosen], isPaused: false }).then(close);
	return (
		<Form button={chosen.size ? t("start", { n }) : t("startNone")} ready={chosen.size > 0} act={go}>
			<p>{t("foldersLead")}</p>
			<div class={css.all}>
				<Button look="quiet" onClick={() => setChosen(new Set(job.folders.map((f) => f.id)))}>{t("all")}</Button>
				<Button look="quiet" onClick={() => setChosen(new Set())}>{t("none")}</Button>
			</div>
			<ul class={css.folders}>{job.folders.map((f) => <Folder key={f.id} f={f} on={chosen.has(f.id)} set={(on) => one(f.id, on)} />)}</ul>
			<p class={common.soft}>{t("goesOnAlone")}</p>
		</Form>
	);
}

/** While the server here works: nobody has to wait for that. */
function Waiting({ job, close, byHand }: { job: ImportJob; close(): void; byHand(): void }) {
	const finding = job.state === "finding";
	const label = finding ? t("looking") : t("connecting", { host: job.host ?? "" });
	const giveUp = () => void attempt(() => remove(job.id)).then((good) => good && close());
	return (
		<div class={common.step}>
			<div class={common.middle} role="status"><Spinner label={label} /><span class={common.soft}>{label}</span></div>
			<div class={common.buttons}>
				<Button onClick={giveUp}>{t("giveUp")}</Button>
				{finding && <Button onClick={byHand}>{t("typeServer")}</Button>}
			</div>
		</div>
	);
}

/** A job that is there already; secret: what was typed before, if anything. */
export function JobStep({ id, secret, close }: { id: string; secret: string; close(): void }) {
	const job = jobs.value.find((j) => j.id === id);
	const [byHand, setByHand] = useState(false);
	useEffect(() => (job && job.folders.length > 0 && ["running", "waiting", "paused", "done"].includes(job.state) ? close() : undefined), [job?.state]);
	if (!job)
		return null;
	if (job.state === "needsSecret" || (byHand && job.state === "finding"))
		return <Server key={byHand ? "byHand" : job.error?.type ?? ""} job={job} known={secret} byHand={byHand} />;
	if (job.state === "choosing")
		return <Choose job={job} close={close} />;
	return <Waiting job={job} close={close} byHand={() => setByHand(true)} />;
}

export function ImapStep({ close }: StepProps) {
	const [made, setMade] = useState<{ id: string; secret: string } | null>(null);
	useEffect(watch, []);
	return made ? <JobStep {...made} close={close} /> : <Who made={(id, secret) => setMade({ id, secret })} />;
}
