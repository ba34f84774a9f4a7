// What is asked for when a letter goes under a password.
import { useEffect } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { PasswordField, SelectField, TextField } from "../../ui/field.tsx";
import { StrengthMeter, useStrength } from "../auth/strength_meter.tsx";
import type { Guard, LetterWish } from "../pgp/guard.ts";
import { account } from "../session.ts";
import { suggestion } from "./suggest.ts";
import { t } from "./texts.ts";
import css from "./letters.module.css";

export const freshLetter: LetterWish = { password: "", enough: false, hint: "", days: 28, opens: 0 };

const lives = ["1", "7", "28", "90"] as const;
const openings = ["0", "1", "3", "10"] as const;

/** The server counts guesses, so less is enough here than for an account; what is certain to be guessed is not. */
const scoreNeeded = 1;

export function LetterFields({ guard }: { guard: Guard }) {
	const wish = guard.letter.value ?? freshLetter;
	const about = [account.value?.address ?? "", ...guard.strangers.value];
	const strength = useStrength(wish.password, about);
	const set = (change: Partial<LetterWish>) => { guard.letter.value = { ...(guard.letter.peek() ?? freshLetter), ...change }; };
	const enough = wish.password !== "" && (strength?.score ?? 0) >= scoreNeeded;
	useEffect(() => {
		if (guard.letter.peek() && enough !== wish.enough)
			set({ enough });
	}, [enough, wish.enough]);
	return (
		<div class={css.fields}>
			<div class={css.password}>
				<PasswordField label={t("letterPassword")} autocomplete="off" maxLength={200} value={wish.password} hint={wish.password ? <StrengthMeter value={strength} /> : t("letterPasswordHint")}
					onInput={(e) => set({ password: e.currentTarget.value, enough: false })} />
				<Button onClick={() => set({ password: suggestion(), enough: false })}>{t("suggest")}</Button>
			</div>
			<TextField label={t("letterHint")} hint={t("letterHintHint")} maxLength={200} value={wish.hint} onInput={(e) => set({ hint: e.currentTarget.value })} />
			<SelectField label={t("lasts")} value={String(wish.days)} options={lives.map((n) => [n, t("days", { n: Number(n) })] as const)} onChange={(n) => set({ days: Number(n) })} />
			<details class={css.more} open={wish.opens > 0}>
				<summary>{t("more")}</summary>
				<SelectField label={t("mayBeOpened")} hint={t("mayBeOpenedHint")} value={String(wish.opens)} onChange={(n) => set({ opens: Number(n) })}
					options={openings.map((n) => [n, n === "0" ? t("anyNumber") : t("times", { n: Number(n) })] as const)} />
			</details>
			<p class={css.note}>{t("whatGoes")}</p>
		</div>
	);
}
