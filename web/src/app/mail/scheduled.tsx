// The letters that wait on the server for their time, and taking one back.
import { useEffect } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { longDate } from "../dates.ts";
import { cancelWaiting } from "./composer/send.ts";
import { pending, type Pending } from "./compose_state.ts";
import { loadPending } from "./pending.ts";
import { isHiddenSubject } from "./protection.tsx";
import { mail } from "./state.ts";
import css from "./scheduled.module.css";

function Letter({ item, close }: { item: Pending; close(): void }) {
	const email = mail().full.of(item.emailId).value;
	const subject = mail().emails.of(item.emailId).value?.subject;
	useEffect(() => {
		if (isHiddenSubject(subject))
			void import("../pgp/reveal_rows.ts").then((m) => m.revealRows([item.emailId])).catch(() => undefined);
	}, [item.emailId, subject]);
	const to = (email?.to ?? []).map((a) => a.name || a.email).join(", ");
	const back = () => {
		close();
		void cancelWaiting(item, email?.bcc ?? []).then(loadPending);
	};
	return (
		<li class={css.letter}>
			<div class={css.text}>
				<b>{isHiddenSubject(subject) ? t("encryptedLetter") : subject || t("noSubject")}</b>
				<span>{to ? t("toPeople", { names: to }) : t("noRecipients")}</span>
				<time dateTime={item.sendAt}>{longDate(item.sendAt)}</time>
			</div>
			<Button onClick={back}>{t("cancelAndEdit")}</Button>
		</li>
	);
}

export function ScheduledDialog({ close }: { close(): void }) {
	useEffect(() => void loadPending().catch(() => { pending.value = []; }), []);
	const list = pending.value;
	return (
		<Dialog title={t("scheduledLetters")} onClose={close}>
			{!list && <Spinner label={t("loading")} />}
			{list?.length === 0 && <p>{t("nothingScheduled")}</p>}
			{list && list.length > 0 && <ul class={css.list}>{list.map((s) => <Letter key={s.emailId} item={s} close={close} />)}</ul>}
		</Dialog>
	);
}
