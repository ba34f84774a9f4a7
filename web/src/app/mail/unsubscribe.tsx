// Leaving a mailing list: with one click where the list takes it (RFC 8058), else by its letter or its page.
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { FullEmail } from "../../jmap/types.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toast.tsx";
import { compose } from "./compose_state.ts";
import { authenticationFailed } from "./warnings.ts";
import css from "./message_view.module.css";

export function unsubscribeUrl(email: FullEmail): string | null {
	const urls = email["header:List-Unsubscribe:asURLs"] ?? [];
	return urls.find((u) => u.startsWith("https:")) ?? urls.find((u) => u.startsWith("mailto:")) ?? null;
}

/** A list that nobody vouches for gets no click: it would only learn that somebody reads. */
function oneClick(email: FullEmail): boolean {
	return /^\s*List-Unsubscribe=One-Click\s*$/i.test(email["header:List-Unsubscribe-Post:asText"] ?? "")
		&& !authenticationFailed(email["header:Authentication-Results:asText"]);
}

/** The server tells the list, so that the list does not learn who and where the reader is. */
async function leave(url: string): Promise<void> {
	const response = await fetch(`/api/v1/unsubscribe?url=${encodeURIComponent(url)}`, { method: "POST", headers: { "X-Letterlock": "1" } }).catch(() => null);
	if (response?.ok)
		toast({ text: t("unsubscribed") });
	else
		toast({ text: t("unsubscribeFailed"), bad: true, action: { label: t("openPage"), run: () => void open(url, "_blank", "noopener,noreferrer") } });
}

export function Unsubscribe({ email }: { email: FullEmail }) {
	const [asking, setAsking] = useState(false);
	const [busy, setBusy] = useState(false);
	const url = unsubscribeUrl(email);
	if (!url)
		return null;
	const go = () => {
		setBusy(true);
		void leave(url).finally(() => { setBusy(false); setAsking(false); });
	};
	const click = (e: MouseEvent) => {
		const mailto = url.startsWith("mailto:");
		if (!mailto && !oneClick(email))
			return;
		e.preventDefault();
		if (mailto)
			compose({ mode: "mailto", href: url });
		else
			setAsking(true);
	};
	return (
		<>
			<a class={css.unsubscribe} href={url} target="_blank" rel="noopener noreferrer" onClick={click}>{t("unsubscribe")}</a>
			{asking && (
				<Dialog title={t("unsubscribeAsk")} onClose={() => setAsking(false)} footer={
					<><Button onClick={() => setAsking(false)}>{t("cancel")}</Button><Button look="primary" busy={busy} onClick={go}>{t("unsubscribe")}</Button></>
				}>
					<p>{t("unsubscribeLead", { host: URL.canParse(url) ? new URL(url).hostname : url })}</p>
				</Dialog>
			)}
		</>
	);
}
