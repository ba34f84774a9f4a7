// The line below the bar that says that the server cannot be reached, and what can be done meanwhile.
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../ui/icon.tsx";
import { toast } from "../../ui/toast.tsx";
import { mail } from "../mail/state.ts";
import { t } from "./texts.ts";
import css from "./strip.module.css";

/** look: whether it is there again. */
export const stripFor = (text: string, look: () => Promise<void>) => () => <Strip text={text} look={look} />;

function Strip({ text, look }: { text: string; look(): Promise<void> }) {
	const [busy, setBusy] = useState(false);
	useEffect(() => {
		const hear = (e: MouseEvent) => void giveFile(e);
		document.addEventListener("click", hear, true);
		return () => document.removeEventListener("click", hear, true);
	}, []);
	const now = () => {
		setBusy(true);
		void look().finally(() => setBusy(false));
	};
	return (
		<div class={css.strip} role="status">
			<Icon name="warning" size={15} />
			<span><b>{t("stripTitle")}</b> {text}</span>
			<button type="button" disabled={busy} onClick={now}>{t("tryNow")}</button>
		</div>
	);
}

/** A file that is not kept cannot be fetched now; one that is, is given from here. */
async function giveFile(e: MouseEvent): Promise<void> {
	const link = (e.target as Element).closest?.<HTMLAnchorElement>("a[download][href*='/jmap/download/']");
	if (!link)
		return;
	e.preventDefault();
	const blobId = decodeURIComponent(new URL(link.href).pathname.split("/")[4] ?? "");
	const body = await mail().client.fallback?.blob(blobId).catch(() => undefined);
	if (!body)
		return void toast({ text: t("notHere"), bad: true });
	const url = URL.createObjectURL(new Blob([body], { type: "application/octet-stream" }));
	Object.assign(document.createElement("a"), { href: url, download: link.download }).click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
