// Shows what a password is worth, in time.
import { useEffect, useState } from "preact/hooks";
import { language } from "../../i18n/index.ts";
import { t } from "./texts.ts";
import type { Strength } from "./strength.ts";
import css from "./strength_meter.module.css";

const units: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [[31_557_600, "year"], [2_629_800, "month"], [86_400, "day"], [3600, "hour"], [60, "minute"]];

function time(seconds: number): string {
	if (seconds < 1)
		return t("lessThanSecond");
	if (seconds > 31_557_600 * 1e4)
		return t("manyYears");
	const [size, unit] = units.find(([s]) => seconds >= s) ?? [1, "second"];
	return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(seconds / size);
}

export function useStrength(password: string, about: readonly string[]): (Strength & { seconds: number }) | null {
	const [value, setValue] = useState<(Strength & { seconds: number }) | null>(null);
	useEffect(() => {
		let live = true;
		if (!password)
			setValue(null);
		else
			void import("./strength.ts").then((m) => {
				const s = m.strength(password, about);
				if (live)
					setValue({ ...s, seconds: m.secondsToGuess(s.guesses) });
			});
		return () => { live = false; };
	}, [password, about.join()]);
	return value;
}

const words = ["strength0", "strength1", "strength2", "strength3", "strength4"] as const;

export function StrengthMeter({ value }: { value: (Strength & { seconds: number }) | null }) {
	if (!value)
		return <span>{t("passwordHint")}</span>;
	return (
		<span class={css.meter} role="status">
			<span class={css.bars} data-score={value.score} aria-hidden="true"><i /><i /><i /><i /></span>
			<span><b>{t(words[value.score] ?? "strength0")}</b>: {t("strengthTime", { time: time(value.seconds) })}</span>
		</span>
	);
}
