// The line above a message whose sender asks for a read receipt (RFC 8098): nothing is sent before its reader says so.
import { useState } from "preact/hooks";
import { mdn, type FullEmail, type Id, type Identity, type SetError } from "../../../jmap/types.ts";
import { Icon } from "../../../ui/icon.tsx";
import { toast } from "../../../ui/toast.tsx";
import css from "../message_view.module.css";
import { mail } from "../state.ts";
import { t } from "./texts.ts";

/** Those that were put off are not asked about again while this page is open. */
const putOff = new Set<Id>();

const lower = (list: readonly { email: string }[] | null) => (list ?? []).map((a) => a.email.toLowerCase());

/** Whom the message was written to, of one's own. */
function identityFor(email: FullEmail, identities: readonly Identity[]): Identity | undefined {
	const to = [...lower(email.to), ...lower(email.cc)];
	return identities.find((i) => to.includes(i.email.toLowerCase())) ?? identities[0];
}

/** Not of one's own letters, nor where mail lies that nobody should learn anything about. */
function isAsked(email: FullEmail): boolean {
	const store = mail();
	const now = store.emails.peek(email.id) ?? email;
	const roles = Object.keys(now.mailboxIds).map((id) => store.mailboxes.peek().get(id)?.role);
	const own = lower(store.identities.peek());
	return mdn in store.session.capabilities && !now.keywords.$mdnsent && !now.keywords.$draft && !putOff.has(email.id)
		&& !roles.some((r) => r === "junk" || r === "trash" || r === "sent" || r === "drafts")
		&& !lower(email.from).some((a) => own.includes(a)) && store.identities.peek().length > 0;
}

async function sendReceipt(email: FullEmail): Promise<boolean> {
	const subject = email.subject ?? "";
	const got = await mail().client.call<{ sent: Record<string, unknown> | null; notSent: Record<string, SetError> | null }>("MDN/send", {
		identityId: identityFor(email, mail().identities.peek())?.id,
		send: {
			r: {
				forEmailId: email.id, subject: t("receiptSubject", { subject }), textBody: t("receiptText", { subject }),
				disposition: { actionMode: "manual-action", sendingMode: "mdn-sent-manually", type: "displayed" },
			},
		},
	});
	return Boolean(got.sent?.r) || got.notSent?.r?.type === "mdnAlreadySent";
}

export function Receipt({ email }: { email: FullEmail }) {
	const [over, setOver] = useState(false);
	const [busy, setBusy] = useState(false);
	const to = lower(email["header:Disposition-Notification-To:asAddresses"] ?? null);
	if (over || to.length === 0 || !isAsked(email))
		return null;
	const elsewhere = to.some((a) => !lower(email.from).includes(a));
	const end = (asked: boolean) => {
		if (!asked)
			putOff.add(email.id);
		setOver(true);
	};
	const send = () => {
		setBusy(true);
		void sendReceipt(email).catch(() => false).then((ok) => {
			toast(ok ? { text: t("receiptSent") } : { text: t("receiptFailed"), bad: true });
			setBusy(false);
			if (ok)
				end(true);
		});
	};
	return (
		<div class={`${css.shield} ${css.receipt}`} role="note">
			<Icon name="info" size={17} />
			<span>{elsewhere ? t("receiptAskedElsewhere", { who: to.join(", ") }) : t("receiptAsked")}</span>
			<span class={css.shieldTools}>
				<button type="button" disabled={busy} onClick={send}>{t("receiptSend")}</button>
				<button type="button" onClick={() => end(false)}>{t("receiptNotNow")}</button>
			</span>
		</div>
	);
}
