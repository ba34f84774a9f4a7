// Large providers let other programs in only in ways of their own: which, before somebody has tried in vain.
import { Icon } from "../../../ui/icon.tsx";
import css from "./imap.module.css";
import { t, type Key } from "./texts.ts";

interface Provider { name: Key; domains: RegExp; hosts: RegExp; page: string }

const providers: readonly Provider[] = [
	{ name: "help_google", domains: /^(gmail|googlemail)\.com$/, hosts: /(^|\.)(gmail|google|googlemail)\.com$/, page: "https://myaccount.google.com/apppasswords" },
	{ name: "help_microsoft", domains: /^((outlook|hotmail|live)\.[a-z.]+|msn\.com|passport\.com)$/, hosts: /(^|\.)(office365|outlook|hotmail|live)\.com$/, page: "" },
	{ name: "help_yahoo", domains: /^((yahoo|ymail|rocketmail)\.[a-z.]+)$/, hosts: /(^|\.)yahoo\.[a-z.]+$/, page: "https://login.yahoo.com/account/security" },
	{ name: "help_aol", domains: /^(aol\.[a-z.]+|aim\.com)$/, hosts: /(^|\.)aol\.com$/, page: "https://login.aol.com/account/security" },
	{ name: "help_apple", domains: /^(icloud|me|mac)\.com$/, hosts: /(^|\.)(icloud|me)\.com$/, page: "https://account.apple.com/account/manage" },
	{ name: "help_gmx", domains: /^(gmx\.[a-z.]+|web\.de)$/, hosts: /(^|\.)(gmx\.[a-z]+|web\.de)$/, page: "" },
	{ name: "help_proton", domains: /^(proton\.me|protonmail\.(com|ch)|pm\.me)$/, hosts: /(^|\.)proton(mail)?\.(me|ch|com)$/, page: "https://proton.me/support/proton-mail-export-tool" },
];

/** By the address, or by the server where somebody's own domain lies. */
export function providerOf(user: string, host: string): Provider | undefined {
	const domain = user.slice(user.lastIndexOf("@") + 1).trim().toLowerCase();
	const server = host.trim().toLowerCase();
	return providers.find((p) => p.domains.test(domain) || (server !== "" && p.hosts.test(server)));
}

export function ProviderHelp({ user, host = "" }: { user: string; host?: string }) {
	const found = providerOf(user, host);
	return (
		<div role="status" class={css.helps}>
			{found && (
				<p class={css.help} data-provider={found.name}>
					<Icon name="key" size={16} />
					<span>{t(found.name)}{found.page && <> <a href={found.page} target="_blank" rel="noreferrer noopener">{new URL(found.page).host}</a></>}</span>
				</p>
			)}
		</div>
	);
}
