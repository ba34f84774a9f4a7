// What somebody sees who is not signed in, or whose keys are locked: one card in the middle.
import type { ComponentChildren } from "preact";
import { languages, language, useLanguage, type Language } from "../../i18n/index.ts";
import { t } from "./texts.ts";
import { Logo } from "../logo.tsx";
import { setPrefs } from "../prefs.ts";
import { route } from "../router.ts";
import { stage } from "../session.ts";
import { SignIn } from "./sign_in.tsx";
import { SignUp } from "./sign_up.tsx";
import { Unlock } from "./unlock.tsx";
import css from "./auth.module.css";

function Languages() {
	return (
		<select class={css.languages} aria-label={t("language")} value={language()}
			onChange={(e) => {
				const next = e.currentTarget.value as Language;
				setPrefs({ language: next });
				void useLanguage(next);
			}}>
			{Object.entries(languages).map(([id, name]) => <option key={id} value={id} lang={id} selected={id === language()}>{name}</option>)}
		</select>
	);
}

export function Card({ title, children, lead }: { title: string; lead?: ComponentChildren; children: ComponentChildren }) {
	return (
		<div class={css.card}>
			<h1 class={css.title}>{title}</h1>
			{lead && <p class={css.lead}>{lead}</p>}
			{children}
		</div>
	);
}

export function Frame({ children }: { children: ComponentChildren }) {
	return (
		<div class={css.page}>
			<header class={css.top}><a href="/" class={css.brand}><Logo size={32} /><span>Letterlock</span></a></header>
			<main class={css.middle}>{children}</main>
			<footer class={css.foot}><Languages /></footer>
		</div>
	);
}

export function Auth() {
	const signUp = route.value.view === "signup";
	return <Frame>{stage.value === "locked" ? <Unlock /> : signUp ? <SignUp /> : <SignIn />}</Frame>;
}
