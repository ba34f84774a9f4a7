// Signing in: address and password on one screen; a second factor only where the account asks for one.
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import type { SignInState } from "../../keys/client";
import { Button } from "../../ui/button.tsx";
import { PasswordField, TextField } from "../../ui/field.tsx";
import { enter, ledOut } from "../session.ts";
import { address as pathOf, go, route } from "../router.ts";
import { Card } from "./index.tsx";
import { deviceName, keys, sayError } from "./keys.ts";
import { askPasskey, passkeysWork } from "./passkey.ts";
import css from "./auth.module.css";

type Way = "password" | "recovery";

/** Runs one step; shows what went wrong. */
export function useStep() {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<string | null>(null);
	const run = async (step: () => Promise<void>) => {
		setBusy(true);
		setError(null);
		try {
			await step();
		} catch (e) {
			// A person who closes the browser's own dialogue has not made a mistake.
			setError((e as Error).name === "NotAllowedError" ? null : sayError(e));
		} finally {
			setBusy(false);
		}
	};
	return { busy, error, run, setError };
}

export async function opened(): Promise<void> {
	await keys().call("unlockSession");
	await enter();
	if (!["settings", "mail", "search", "authorize"].includes(route.peek().view))
		go(pathOf("mail", "inbox"), true);
}

function Factor({ state, onState, onBack }: { state: SignInState; onState(s: SignInState): Promise<void>; onBack(): void }) {
	const [way, setWay] = useState<"totp" | "passkey" | "recovery">(state.passkey && passkeysWork() ? "passkey" : state.totp ? "totp" : "recovery");
	const [code, setCode] = useState("");
	const { busy, error, run } = useStep();
	const send = () => run(async () => {
		if (way === "passkey") {
			const { assertion } = await askPasskey({ ...state, prf: false });
			return onState(await keys().call("signInPasskey", assertion));
		}
		return onState(way === "totp" ? await keys().call("signInTotp", { code }) : await keys().call("signInRecoveryFactor", { code }));
	});
	const other = (["passkey", "totp", "recovery"] as const).filter((w) => w !== way && (w === "passkey" ? state.passkey && passkeysWork() : state[w]));
	const missing = state.passkey && !passkeysWork() ? `${t("noPasskeys")} ` : "";
	return (
		<Card title={t("secondStep")} lead={missing + t(({ totp: "totpLead", passkey: "passkeyLead", recovery: "recoveryLead" } as const)[way])}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); void send(); }}>
				{way === "totp" && (
					<div class={css.otp}><TextField label={t("sixDigits")} value={code} inputmode="numeric" autocomplete="one-time-code" maxLength={7} required error={error}
						ref={(el: HTMLInputElement | null) => { if (el && !code && document.activeElement === document.body) el.focus(); }}
						onInput={(e) => setCode(e.currentTarget.value)} /></div>
				)}
				{way === "recovery" && <TextField label={t("recoveryCode")} value={code} autocomplete="off" spellcheck={false} required error={error} onInput={(e) => setCode(e.currentTarget.value)} />}
				{way === "passkey" && error && <div class={css.error} role="alert">{error}</div>}
				<Button type="submit" look="primary" wide busy={busy}>{t(way === "passkey" ? "usePasskey" : "signIn")}</Button>
			</form>
			<div class={css.links}>
				{other.map((w) => <button key={w} type="button" class={css.link} onClick={() => { setCode(""); setWay(w); }}>{t(({ totp: "useTotp", passkey: "usePasskey", recovery: "useRecovery" } as const)[w])}</button>)}
				<button type="button" class={css.link} onClick={onBack}>{t("startAgain")}</button>
			</div>
		</Card>
	);
}

export function SignIn() {
	const [way, setWay] = useState<Way>("password");
	const [address, setAddress] = useState("");
	const [secret, setSecret] = useState("");
	const [remember, setRemember] = useState(false);
	const [state, setState] = useState<SignInState | null>(null);
	const { busy, error, run } = useStep();
	const options = { remember, device: deviceName() };

	const follow = async (s: SignInState) => {
		if (s.next === "done")
			return opened();
		setState(s);
		return undefined;
	};
	const send = () => run(async () => {
		const who = address.trim();
		await follow(way === "password"
			? await keys().call("signInPassword", { address: who, password: secret, ...options })
			: await keys().call("signInRecovery", { address: who, code: secret, ...options }));
	});
	const passkey = () => run(async () => {
		const start = await keys().call("passkeyStart", options);
		const { assertion, prf } = await askPasskey({ ...start, credentials: [], prf: true });
		if (!prf)
			throw new DOMException("", "NotAllowedError");
		await follow(await keys().call("passkeyFinish", { ...assertion, prf }));
	});
	if (state)
		return <Factor state={state} onState={follow} onBack={() => { setState(null); setSecret(""); }} />;
	return (
		<Card title={t("signIn")} lead={way === "recovery" ? t("recoverySignInLead") : undefined}>
			{ledOut.value && <p class={css.why} role="alert">{t("ledOut")}</p>}
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<TextField label={t("mailAddress")} type="email" name="username" autocomplete="username" required autofocus value={address} placeholder="name@example.org"
					onInput={(e) => setAddress(e.currentTarget.value)} />
				{way === "password"
					? <PasswordField label={t("password")} name="password" autocomplete="current-password" required value={secret} onInput={(e) => setSecret(e.currentTarget.value)} />
					: <TextField label={t("recoveryCode")} autocomplete="off" spellcheck={false} required value={secret} onInput={(e) => setSecret(e.currentTarget.value)} />}
				<label class={css.check}><input type="checkbox" checked={remember} onChange={(e) => setRemember(e.currentTarget.checked)} />{t("staySignedIn")}</label>
				{error && <div class={css.error} role="alert">{error}</div>}
				<Button type="submit" look="primary" wide busy={busy}>{t("signIn")}</Button>
			</form>
			{passkeysWork() && way === "password" && <><div class={css.or}>{t("or")}</div><Button icon="key" wide disabled={busy} onClick={() => void passkey()}>{t("usePasskey")}</Button></>}
			<div class={css.links}>
				<button type="button" class={css.link} onClick={() => { setSecret(""); setWay(way === "password" ? "recovery" : "password"); }}>{t(way === "password" ? "forgotPassword" : "usePassword")}</button>
				<a href="/signup">{t("createAccount")}</a>
			</div>
		</Card>
	);
}
