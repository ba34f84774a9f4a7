// The question before a mailing list is left with one click.
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toast.tsx";

/** The server tells the list, so that the list does not learn who and where the reader is. */
async function leave(url: string): Promise<void> {
	const response = await fetch(`/api/v1/unsubscribe?url=${encodeURIComponent(url)}`, { method: "POST", headers: { "X-Letterlock": "1" } }).catch(() => null);
	if (response?.ok)
		toast({ text: t("unsubscribed") });
	else
		toast({ text: t("unsubscribeFailed"), bad: true, action: { label: t("openPage"), run: () => void open(url, "_blank", "noopener,noreferrer") } });
}

export function LeaveDialog({ url, close }: { url: string; close(): void }) {
	const [busy, setBusy] = useState(false);
	const go = () => {
		setBusy(true);
		void leave(url).finally(close);
	};
	return (
		<Dialog title={t("unsubscribeAsk")} onClose={close} footer={
			<><Button onClick={close}>{t("cancel")}</Button><Button look="primary" busy={busy} onClick={go}>{t("unsubscribe")}</Button></>
		}>
			<p>{t("unsubscribeLead", { host: URL.canParse(url) ? new URL(url).hostname : url })}</p>
		</Dialog>
	);
}
