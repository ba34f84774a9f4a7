// What the pages of settings have in common.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PasswordField } from "../../ui/field.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { toast } from "../../ui/toast.tsx";
import { keys, sayError } from "../auth/keys.ts";
import { JmapError } from "../../jmap/client.ts";
import { Cancelled, passwordQuestion } from "./api.ts";
import css from "./settings.module.css";

/** Without a title where the page's own says all. */
export function Group({ title, lead, children, action }: { title?: string; lead?: ComponentChildren; children?: ComponentChildren; action?: ComponentChildren }) {
	return (
		<section class={css.group}>
			{(title || lead || action) && <header class={css.groupHead}><div>{title && <h2>{title}</h2>}{lead && <p>{lead}</p>}</div>{action}</header>}
			{children && <div class={css.panel}>{children}</div>}
		</section>
	);
}

export function Item({ title, detail, children, icon }: { title: ComponentChildren; detail?: ComponentChildren; icon?: ComponentChildren; children?: ComponentChildren }) {
	return (
		<div class={css.item}>
			{icon && <span class={css.itemIcon}>{icon}</span>}
			<div class={css.itemText}><div class={detail || children ? css.itemTitle : css.detail}>{title}</div>{detail && <div class={css.detail}>{detail}</div>}</div>
			{children}
		</div>
	);
}

function problemText(e: unknown): string {
	if (e instanceof JmapError && e.type === "urn:letterlock:refused")
		return t("errRefused");
	return e instanceof JmapError ? t("failedAction") : sayError(e);
}

/** Runs an action; says when it fails, and nothing when the person thought better of it. */
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
	try {
		await act();
		return true;
	} catch (e) {
		if (!(e instanceof Cancelled) && (e as Error).name !== "NotAllowedError")
			toast({ text: problemText(e), bad: true });
		return false;
	}
}

/** Data of a page, with a way to ask again. */
export function useData<T>(load: () => Promise<T>): { data: T | null; failed: boolean; again(): void } {
	const [data, setData] = useState<T | null>(null);
	const [failed, setFailed] = useState(false);
	const again = () => void load().then((d) => { setData(d); setFailed(false); }, () => setFailed(true));
	useEffect(again, []);
	return { data, failed, again };
}

export function Waiting({ failed, again }: { failed: boolean; again(): void }) {
	return failed ? <div class={css.item}><span>{t("partFailed")}</span><Button onClick={again}>{t("tryAgain")}</Button></div> : <div class={css.item}><Spinner label={t("loading")} /></div>;
}

/** Opening the keys by the password is a proof of it, too. */
async function prove(password: string): Promise<void> {
	const { state } = await keys().call("status");
	if (state === "open")
		await keys().call("confirm", { password });
	else
		await keys().call("unlock", { password, remember: false });
}

export function PasswordQuestion() {
	const question = passwordQuestion.value;
	const [password, setPassword] = useState("");
	const [error, setError] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	if (!question)
		return null;
	const end = (yes: boolean) => { setPassword(""); setError(null); question.answer(yes); };
	const send = () => {
		setBusy(true);
		prove(password).then(() => end(true), (e) => setError(sayError(e))).finally(() => setBusy(false));
	};
	return (
		<Dialog title={t("confirmTitle")} onClose={() => end(false)}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); send(); }}>
				<p>{t("confirmLead")}</p>
				<PasswordField label={t("password")} autocomplete="current-password" required autofocus value={password} error={error} onInput={(e) => setPassword(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={() => end(false)}>{t("cancel")}</Button><Button type="submit" look="primary" busy={busy}>{t("continue")}</Button></div>
			</form>
		</Dialog>
	);
}
