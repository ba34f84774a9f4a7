// The outbox: letters that are on this device and not yet with the server.
import { t as main } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { longDate } from "../dates.ts";
import { compose } from "../mail/compose_state.ts";
import { signOut } from "../session.ts";
import { changeLetter, dropLetter, flush, outbox, type Waiting } from "./outbox.ts";
import { t } from "./texts.ts";
import css from "./outbox_dialog.module.css";

function stateOf(w: Waiting): string {
	if (w.problem)
		return w.problem === "asks" ? t("problemAsks") : t("problemRefused", { why: w.why });
	if (w.kind === "draft")
		return t("onlyDraft");
	if (w.ready)
		return t("mayBeSent");
	return w.sendAt > Date.now() ? t("waitsUntil", { when: longDate(w.sendAt) }) : t("waitsForServer");
}

function Item({ w, close }: { w: Waiting; close(): void }) {
	const to = [...w.letter.to, ...w.letter.cc, ...w.letter.bcc].map((a) => a.name || a.email).join(", ");
	// What may have gone already is neither changed nor deleted before that is known.
	const open = w.ready === null || w.problem !== "";
	const edit = () => {
		close();
		void changeLetter(w, { kind: "draft", problem: "", ready: null }).then(() => compose({ mode: "here", key: w.key }));
	};
	const again = () => void changeLetter(w, { problem: "" }).then(flush);
	return (
		<li class={css.letter}>
			<div class={css.text}>
				<b>{w.letter.subject || main("noSubject")}</b>
				<span>{to ? main("toPeople", { names: to }) : main("noRecipients")}</span>
				<small data-bad={w.problem !== "" || undefined}>{stateOf(w)}</small>
			</div>
			<div class={css.buttons}>
				{w.problem === "refused" && <Button onClick={again}>{t("tryToSend")}</Button>}
				{open && <Button onClick={edit}>{t("edit")}</Button>}
				{open && <Button icon="trash" onClick={() => void dropLetter(w.key)}>{main("delete")}</Button>}
			</div>
		</li>
	);
}

export function OutboxDialog({ close, leaving }: { close(): void; leaving?: boolean }) {
	const list = outbox.value;
	const leave = () => {
		close();
		void signOut(true);
	};
	return (
		<Dialog title={leaving ? t("leavingTitle") : main("boxOutbox")} onClose={close} footer={leaving ? (
			<><Button onClick={close}>{main("cancel")}</Button><Button look="danger" onClick={leave}>{t("leaveAll")}</Button></>
		) : undefined}>
			<p>{t(leaving ? "leavingLead" : list.length ? "outboxLead" : "outboxEmpty")}</p>
			<ul class={css.list}>{list.map((w) => <Item key={w.key} w={w} close={close} />)}</ul>
		</Dialog>
	);
}
