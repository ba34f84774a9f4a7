// The frame of the signed-in page: the bar at its top, and the view that the address names.
import { t } from "../i18n/index.ts";
import { Avatar } from "../ui/avatar.tsx";
import { IconButton } from "../ui/button.tsx";
import { Menu, type MenuEntry } from "../ui/menu.tsx";
import { Spinner } from "../ui/progress.tsx";
import { Lazy } from "./lazy.tsx";
import { overlay } from "./mail/commands.ts";
import { Mail } from "./mail/index.tsx";
import { SearchBox } from "./mail/search_box.tsx";
import { drawer } from "./mail/state.ts";
import { strip } from "./offline/hooks.ts";
import { dark, setPrefs } from "./prefs.ts";
import { address, go, route } from "./router.ts";
import { account, signOut } from "./session.ts";
import { Logo } from "./logo.tsx";
import css from "./shell.module.css";

function accountEntries(): MenuEntry[] {
	return [
		{ title: account.value?.address ?? "" },
		{ label: t("settings"), icon: "settings", hint: "g ,", run: () => go(address("settings")) },
		{ label: t(dark.value ? "useLight" : "useDark"), icon: dark.value ? "sun" : "moon", run: () => setPrefs({ theme: dark.value ? "light" : "dark" }) },
		{ label: t("keyboardShortcuts"), icon: "keyboard", hint: "?", run: () => { overlay.value = "keys"; } },
		"line",
		{ label: t("signOut"), icon: "signOut", run: () => void signOut() },
	];
}

function TopBar() {
	const who = account.value?.address ?? "";
	return (
		<header class={css.top} inert={drawer.value}>
			<a href="/mail/inbox" class={css.brand} aria-label="Letterlock"><Logo size={26} /><span>Letterlock</span></a>
			<div class={css.middle}><SearchBox /></div>
			<div class={css.end}>
				<span class={css.wide}><IconButton icon="settings" label={t("settings")} onClick={() => go(address("settings"))} /></span>
				<Menu label={t("account")} side="end" entries={accountEntries} button={(p) => (
					<button type="button" class={css.me} aria-label={t("accountMenu", { who })} {...p}><Avatar name="" address={who} size={32} /></button>
				)} />
			</div>
		</header>
	);
}

const loadSettings = () => import("./settings/index.tsx").then((m) => m.Settings);

export function Shell() {
	const settings = route.value.view === "settings";
	return (
		<div class={css.shell}>
			<a href="#content" class={css.skip} onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>("#content [role=listbox], #content")?.focus(); }}>{t("skipToContent")}</a>
			<TopBar />
			{strip.value && <strip.value />}
			<div class={css.view}>
				{settings ? <Lazy name="settings" load={loadSettings} props={{}} waiting={<div class={css.wait}><Spinner label={t("loading")} /></div>} /> : <Mail />}
			</div>
		</div>
	);
}
