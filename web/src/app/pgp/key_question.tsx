// Asks for the password when the keys are needed and are not in this tab, as after a reload.
import { render } from "preact";
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PasswordField } from "../../ui/field.tsx";
import { sayError } from "../auth/keys.ts";
import { account } from "../session.ts";
import { keyQuestion, unlock } from "./worker.ts";
import css from "./pgp.module.css";

function KeyQuestion() {
	const question = keyQuestion.value;
	const [password, setPassword] = useState("");
	const [error, setError] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	if (!question)
		return null;
	const end = (open: boolean) => { setPassword(""); setError(null); question.answer(open); };
	const send = () => {
		setBusy(true);
		unlock(password).then(() => end(true), (e) => setError(sayError(e))).finally(() => setBusy(false));
	};
	return (
		<Dialog keep title={t("unlock")} onClose={() => end(false)}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); send(); }}>
				<p>{t("pgpUnlockLead")}</p>
				<input type="email" name="username" autocomplete="username" value={account.value?.address ?? ""} readOnly hidden />
				<PasswordField label={t("password")} autocomplete="current-password" required autofocus value={password} error={error} onInput={(e) => setPassword(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={() => end(false)}>{t("cancel")}</Button><Button type="submit" look="primary" busy={busy}>{t("unlock")}</Button></div>
			</form>
		</Dialog>
	);
}

let place: HTMLElement | null = null;

/** Whatever part of the page asks: the question stands in a place of its own. */
export function showKeyQuestion(): void {
	if (place)
		return;
	place = document.createElement("div");
	document.body.append(place);
	render(<KeyQuestion />, place);
}
