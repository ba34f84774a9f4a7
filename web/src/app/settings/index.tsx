// Settings: a page for each subject, named by the address.
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { route } from "../router.ts";
import { Lazy } from "../lazy.tsx";
import { DevicePage } from "../offline/device_page.tsx";
import { AboutPage } from "./about_page.tsx";
import { AccountPage } from "./account.tsx";
import { AppearancePage } from "./appearance.tsx";
import { KeysPage } from "./keys_page.tsx";
import { MailPage } from "./mail_page.tsx";
import { PasswordQuestion, Waiting } from "./parts.tsx";
import { RulesPage } from "./rules_page.tsx";
import { SecurityPage } from "./security.tsx";
import css from "./settings.module.css";

const loadTransfer = () => import("../transfer/index.tsx").then((m) => m.Transfer);
const TransferPage = () => <Lazy name="transfer" load={loadTransfer} props={{}} waiting={<Waiting failed={false} again={() => undefined} />} />;

const loadLetters = () => import("../letters/list.tsx").then((m) => m.Letters);
const LettersPage = () => <Lazy name="letters" load={loadLetters} props={{}} waiting={<Waiting failed={false} again={() => undefined} />} />;

const pages: Record<string, { title: Key; icon: IconName; view: ComponentType }> = {
	account: { title: "settings_account", icon: "user", view: AccountPage },
	security: { title: "settings_security", icon: "shield", view: SecurityPage },
	keys: { title: "settings_keys", icon: "key", view: KeysPage },
	appearance: { title: "settings_appearance", icon: "palette", view: AppearancePage },
	mail: { title: "settings_mail", icon: "mail", view: MailPage },
	device: { title: "settings_device", icon: "desktop", view: DevicePage },
	rules: { title: "settings_rules", icon: "filter", view: RulesPage },
	letters: { title: "settings_letters", icon: "lock", view: LettersPage },
	transfer: { title: "settings_transfer", icon: "move", view: TransferPage },
	about: { title: "settings_about", icon: "info", view: AboutPage },
};

export function Settings() {
	const name = route.value.parts[0] ?? "account";
	const page = pages[name] ?? pages.account;
	const nav = useRef<HTMLElement>(null);
	// On a small screen the subjects are one line that is wider than it.
	useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [page]);
	if (!page)
		return null;
	return (
		<div class={css.page}>
			<nav ref={nav} class={css.nav} aria-label={t("settings")}>
				<a href="/mail/inbox" class={css.back}><Icon name="back" size={17} />{t("backToMail")}</a>
				{Object.entries(pages).map(([id, p]) => (
					<a key={id} href={`/settings/${id}`} aria-current={p === page ? "page" : undefined}><Icon name={p.icon} size={17} />{t(p.title)}</a>
				))}
			</nav>
			<main id="content" class={css.main} tabIndex={-1}><div class={css.inner}><h1>{t(page.title)}</h1><page.view /></div></main>
			<PasswordQuestion />
		</div>
	);
}
