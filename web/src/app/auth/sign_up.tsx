// A new account: address and password, then the recovery code, which must be typed back in part.
import { useEffect, useState } from "preact/hooks";
import { language } from "../../i18n/index.ts";
import { t } from "./texts.ts";
import type { Domain } from "../../keys/client";
import { Button } from "../../ui/button.tsx";
import { PasswordField, TextField } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { Card } from "./index.tsx";
import { deviceName, keys, sayError } from "./keys.ts";
import { opened, useStep } from "./sign_in.tsx";
import { StrengthMeter, useStrength } from "./strength_meter.tsx";
import css from "./auth.module.css";

function Steps({ at }: { at: number }) {
	return <div class={css.steps} role="progressbar" aria-label={t("stepOf", { n: at, of: 3 })} aria-valuenow={at} aria-valuemin={1} aria-valuemax={3}>{[1, 2, 3].map((i) => <i key={i} data-done={i <= at || undefined} />)}</div>;
}

interface Chosen { address: string; code: string; remember: boolean }

function Choose({ domains, onDone }: { domains: readonly Domain[]; onDone(c: Chosen): void }) {
	const [name, setName] = useState("");
	const [domain, setDomain] = useState(domains[0]?.name ?? "");
	const [password, setPassword] = useState("");
	const [invitation, setInvitation] = useState(new URLSearchParams(location.search).get("invitation") ?? "");
	const [remember, setRemember] = useState(false);
	const strength = useStrength(password, [name, domain, "letterlock"]);
	const { busy, error, run, setError } = useStep();
	const closed = domains.find((d) => d.name === domain)?.registration === "invitation";

	const send = () => {
		if (!strength?.enough)
			return setError(t("passwordTooWeak"));
		const address = `${name.trim()}@${domain}`;
		return void run(async () => onDone({ address, remember, code: await keys().call("signupBegin", { address, password, invitation: closed ? invitation.trim() : "" }) }));
	};
	return (
		<Card title={t("createAccount")} lead={t("signupLead")}>
			<Steps at={1} />
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); send(); }}>
				<div class={css.address}>
					<TextField label={t("mailAddress")} name="username" autocomplete="username" autocapitalize="off" spellcheck={false} required autofocus maxLength={64} pattern="[^@\s]+"
						value={name} onInput={(e) => setName(e.currentTarget.value)} />
					{domains.length === 1 ? <span class={css.oneDomain}>@{domain}</span> : (
						<select class={css.domain} aria-label={t("domain")} value={domain} onChange={(e) => setDomain(e.currentTarget.value)}>
							{domains.map((d) => <option key={d.name} value={d.name} selected={d.name === domain}>@{d.name}</option>)}
						</select>
					)}
				</div>
				<PasswordField label={t("password")} autocomplete="new-password" required minLength={8} maxLength={256} value={password} hint={<StrengthMeter value={strength} />}
					onInput={(e) => setPassword(e.currentTarget.value)} />
				{closed && <TextField label={t("invitation")} required value={invitation} autocomplete="off" spellcheck={false} hint={t("invitationHint")} onInput={(e) => setInvitation(e.currentTarget.value)} />}
				<label class={css.check}><input type="checkbox" checked={remember} onChange={(e) => setRemember(e.currentTarget.checked)} />{t("staySignedIn")}</label>
				{error && <div class={css.error} role="alert">{error}</div>}
				<Button type="submit" look="primary" wide busy={busy}>{t(busy ? "makingKeys" : "continue")}</Button>
			</form>
			<div class={css.links}><a href="/">{t("haveAccount")}</a></div>
		</Card>
	);
}

function saveText(address: string, code: string): void {
	const text = `Letterlock\n${t("recoveryFileFor", { address })}\n\n${code}\n\n${t("recoveryFileNote")}\n`;
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
	a.download = `letterlock-recovery-${address}.txt`;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

function ShowCode({ chosen, onNext }: { chosen: Chosen; onNext(): void }) {
	return (
		<Card title={t("recoveryTitle")} lead={t("recoveryExplain")}>
			<Steps at={2} />
			<div class={css.code} aria-label={t("recoveryCode")} data-code={chosen.code}>{chosen.code.split("-").map((g, i) => <span key={i}>{g}</span>)}</div>
			<div class={css.row}>
				<Button icon="download" onClick={() => saveText(chosen.address, chosen.code)}>{t("download")}</Button>
				<Button icon="print" onClick={() => print()}>{t("print")}</Button>
				<Button icon="copy" onClick={() => void navigator.clipboard.writeText(chosen.code)}>{t("copy")}</Button>
			</div>
			<p class={css.note}><Icon name="warning" size={17} /><span>{t("recoveryWarning")}</span></p>
			<Button look="primary" wide onClick={onNext}>{t("wroteItDown")}</Button>
		</Card>
	);
}

/** Two groups, different each time, so that it cannot be typed without having it. */
function askedGroups(count: number): [number, number] {
	const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2));
	const first = a % count;
	const second = (first + 1 + (b % (count - 1))) % count;
	return first < second ? [first, second] : [second, first];
}

function ConfirmCode({ chosen, onBack }: { chosen: Chosen; onBack(): void }) {
	const groups = chosen.code.split("-");
	const [asked] = useState(() => askedGroups(groups.length));
	const [typed, setTyped] = useState<readonly [string, string]>(["", ""]);
	const { busy, error, run } = useStep();
	const send = () => run(async () => {
		const code = groups.map((g, i) => (i === asked[0] ? typed[0] : i === asked[1] ? typed[1] : g)).join("-");
		await keys().call("signupFinish", { code, remember: chosen.remember, device: deviceName(), language: language() });
		await opened();
	});
	return (
		<Card title={t("recoveryConfirm")} lead={t("recoveryConfirmLead")}>
			<Steps at={3} />
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<div class={css.groups}>
					{asked.map((g, i) => (
						<TextField key={g} label={t("groupNumber", { n: g + 1 })} required autocomplete="off" autocapitalize="characters" spellcheck={false} maxLength={8} value={typed[i as 0 | 1]}
							onInput={(e) => setTyped(i === 0 ? [e.currentTarget.value, typed[1]] : [typed[0], e.currentTarget.value])} />
					))}
				</div>
				{error && <div class={css.error} role="alert">{error}</div>}
				<Button type="submit" look="primary" wide busy={busy}>{t("createAccount")}</Button>
			</form>
			<div class={css.links}><button type="button" class={css.link} onClick={onBack}>{t("showAgain")}</button></div>
		</Card>
	);
}

export function SignUp() {
	const [domains, setDomains] = useState<readonly Domain[] | null>(null);
	const [error, setError] = useState<string | null>(null);
	const [chosen, setChosen] = useState<Chosen | null>(null);
	const [confirming, setConfirming] = useState(false);

	useEffect(() => {
		keys().call("signupDomains").then(setDomains, (e) => setError(sayError(e)));
	}, []);
	if (error || domains?.length === 0)
		return <Card title={t("createAccount")}><p>{error ?? t("registrationClosed")}</p><div class={css.links}><a href="/">{t("haveAccount")}</a></div></Card>;
	if (!domains)
		return <Spinner label={t("loading")} />;
	if (!chosen)
		return <Choose domains={domains} onDone={setChosen} />;
	return confirming ? <ConfirmCode chosen={chosen} onBack={() => setConfirming(false)} /> : <ShowCode chosen={chosen} onNext={() => setConfirming(true)} />;
}
