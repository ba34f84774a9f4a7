// Signed in, but the keys are not in this browser: the password opens them.
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { PasswordField } from "../../ui/field.tsx";
import { account, signOut } from "../session.ts";
import { Card } from "./index.tsx";
import { keys } from "./keys.ts";
import { opened, useStep } from "./sign_in.tsx";
import css from "./auth.module.css";

export function Unlock() {
	const [password, setPassword] = useState("");
	const [remember, setRemember] = useState(false);
	const { busy, error, run } = useStep();
	const send = () => run(async () => {
		await keys().call("unlock", { password, remember });
		await opened();
	});
	return (
		<Card title={t("unlock")} lead={t("unlockLead", { who: account.value?.address ?? "" })}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<input type="email" name="username" autocomplete="username" value={account.value?.address ?? ""} readOnly hidden />
				<PasswordField label={t("password")} autocomplete="current-password" required autofocus value={password} error={error} onInput={(e) => setPassword(e.currentTarget.value)} />
				<label class={css.check}><input type="checkbox" checked={remember} onChange={(e) => setRemember(e.currentTarget.checked)} />{t("keepKeys")}</label>
				<Button type="submit" look="primary" wide busy={busy}>{t("unlock")}</Button>
			</form>
			<div class={css.links}><button type="button" class={css.link} onClick={() => void signOut()}>{t("signOut")}</button></div>
		</Card>
	);
}
