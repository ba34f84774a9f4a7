// Leaving a mailing list: with one click where the list takes it (RFC 8058), else by its letter or its page.
import { t } from "../../i18n/index.ts";
import { dmarcResult } from "../../jmap/auth_results.ts";
import type { FullEmail } from "../../jmap/types.ts";
import { overlay } from "./commands.ts";
import { compose } from "./compose_state.ts";
import css from "./message_view.module.css";

export function unsubscribeUrl(email: FullEmail): string | null {
	const urls = email["header:List-Unsubscribe:asURLs"] ?? [];
	return urls.find((u) => u.startsWith("https:")) ?? urls.find((u) => u.startsWith("mailto:")) ?? null;
}

/** A list that nobody vouches for gets no click: it would only learn that somebody reads. */
function oneClick(email: FullEmail): boolean {
	return /^\s*List-Unsubscribe=One-Click\s*$/i.test(email["header:List-Unsubscribe-Post:asText"] ?? "")
		&& dmarcResult(email["header:Authentication-Results:asText:all"]) !== "fail";
}

export function Unsubscribe({ email }: { email: FullEmail }) {
	const url = unsubscribeUrl(email);
	if (!url)
		return null;
	const click = (e: MouseEvent) => {
		const mailto = url.startsWith("mailto:");
		if (!mailto && !oneClick(email))
			return;
		e.preventDefault();
		if (mailto)
			compose({ mode: "mailto", href: url });
		else
			overlay.value = { leave: url };
	};
	return <a class={css.unsubscribe} href={url} target="_blank" rel="noopener noreferrer" onClick={click}>{t("unsubscribe")}</a>;
}
