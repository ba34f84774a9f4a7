// How it looks in this browser.
import { language, languages, useLanguage, type Language } from "../../i18n/index.ts";
import { t } from "./texts.ts";
import { SelectField, Switch } from "../../ui/field.tsx";
import { prefs, setPrefs, type Prefs } from "../prefs.ts";
import { command } from "./api.ts";
import { Group } from "./parts.tsx";
import css from "./settings.module.css";

const themes = [["auto", "themeAuto"], ["light", "themeLight"], ["dark", "themeDark"]] as const;

function themeKeys(e: KeyboardEvent): void {
	const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
	if (!by)
		return;
	e.preventDefault();
	const now = themes.findIndex(([id]) => id === prefs.peek().theme);
	const next = themes[(now + by + themes.length) % themes.length]?.[0] ?? "auto";
	setPrefs({ theme: next });
	(e.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-choice=${next}]`)?.focus();
}

/** The server writes to the account in the language that was chosen last; without a connection it keeps what it has. */
function choose(next: Language): void {
	setPrefs({ language: next });
	void useLanguage(next);
	void command("language", { language: next }).catch(() => undefined);
}

export function AppearancePage() {
	const p = prefs.value;
	return (
		<>
			<Group title={t("theme")}>
				<div class={css.choices} role="radiogroup" aria-label={t("theme")} onKeyDown={themeKeys}>
					{themes.map(([id, label]) => (
						<button key={id} type="button" role="radio" aria-checked={p.theme === id} tabIndex={p.theme === id ? 0 : -1} data-choice={id} class={css.choice} onClick={() => setPrefs({ theme: id })}>
							<span class={css.swatch} data-theme={id} aria-hidden="true" />{t(label)}
						</button>
					))}
				</div>
				<div class={css.padded}><Switch label={t("darkMail")} hint={t("darkMailHint")} checked={p.darkMail} onChange={(darkMail) => setPrefs({ darkMail })} /></div>
			</Group>
			<Group title={t("listAndLanguage")}>
				<div class={css.padded}>
					<SelectField<Prefs["density"]> label={t("density")} value={p.density} options={[["roomy", t("densityRoomy")], ["compact", t("densityCompact")]]} onChange={(density) => setPrefs({ density })} />
				</div>
				<div class={css.padded}>
					<SelectField<Language> label={t("language")} value={language()} options={Object.entries(languages) as [Language, string][]}
						onChange={choose} />
				</div>
			</Group>
		</>
	);
}
