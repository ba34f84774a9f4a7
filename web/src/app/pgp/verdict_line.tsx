// One line under a letter's head: whether it was encrypted, and what its signature is worth. Details on a click.
import { useEffect, useState } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import type { FullEmail, PgpState } from "../../jmap/types.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { toast } from "../../ui/toast.tsx";
import { longDate } from "../dates.ts";
import { saveMessages } from "../mail/actions.ts";
import { mail } from "../mail/state.ts";
import { isEncrypted, type Opening } from "../mail/protection.tsx";
import { Fingerprint } from "./fingerprint.tsx";
import { open } from "./opening.ts";
import { askForKeys, now, persistNow, pgp } from "./worker.ts";
import css from "./pgp.module.css";

type Look = "good" | "plain" | "warn" | "bad";

const verdicts: Record<PgpState["verdict"], { look: Look; text: Key; more: Key }> = {
	none: { look: "plain", text: "pgpNotSigned", more: "pgpNotSignedMore" },
	verified: { look: "good", text: "pgpVerified", more: "pgpVerifiedMore" },
	unverified: { look: "plain", text: "pgpUnverified", more: "pgpUnverifiedMore" },
	unknownKey: { look: "plain", text: "pgpUnknownKey", more: "pgpUnknownKeyMore" },
	weak: { look: "warn", text: "pgpWeak", more: "pgpWeakMore" },
	changed: { look: "warn", text: "pgpChanged", more: "pgpChangedMore" },
	otherSender: { look: "warn", text: "pgpOtherSender", more: "pgpOtherSenderMore" },
	expired: { look: "warn", text: "pgpExpired", more: "pgpExpiredMore" },
	revoked: { look: "bad", text: "pgpRevoked", more: "pgpRevokedMore" },
	invalid: { look: "bad", text: "pgpInvalid", more: "pgpInvalidMore" },
};

const failures: Record<Exclude<PgpState["failure"], "none">, Key> = { noKey: "pgpNoKey", password: "pgpPassword", method: "pgpMethod", unprotected: "pgpUnprotected", damaged: "pgpDamaged", tooLarge: "pgpTooLarge" };
/** What another program may be able to open. */
const elsewhere: PgpState["failure"][] = ["password", "method", "tooLarge"];

function Notice({ look, icon, text, children }: { look: Look; icon: IconName; text: string; children?: preact.ComponentChildren }) {
	return <div class={css.notice} data-look={look} role="note"><Icon name={icon} size={17} /><span class={css.noticeText}>{text}</span>{children}</div>;
}

function Locked({ email }: { email: FullEmail }) {
	const go = () => void askForKeys().then((yes) => yes && open(email)).catch(() => undefined);
	return <Notice look="plain" icon="lock" text={t(isEncrypted(email) ? "pgpLocked" : "pgpLockedSigned")}><Button onClick={go}>{t("unlock")}</Button></Notice>;
}

function sentence(s: PgpState): string {
	const verdict = t(verdicts[s.verdict].text, { who: s.sender });
	return s.encrypted ? `${t("encrypted")} · ${verdict}` : verdict;
}

/** Reads the letter again: what is known of its sender's key has changed. */
async function again(email: FullEmail): Promise<void> {
	mail().full.drop([email.id]);
	await mail().read([email.id]);
}

async function take(email: FullEmail, state: PgpState, verified: boolean): Promise<void> {
	const p = await pgp();
	const of = { address: state.sender, fingerprint: state.fingerprint, at: now() };
	await (verified ? p.call("pin", { ...of, verified }) : p.call("exchange", of));
	await persistNow();
	await again(email);
	toast({ text: t(verified ? "pgpMarkedVerified" : "pgpKeyTaken", { who: state.sender }) });
}

function useOwn(sender: string): boolean {
	const [own, setOwn] = useState(false);
	useEffect(() => void pgp().then((p) => p.call("ownKeys")).then((list) => setOwn(list.some((k) => k.addresses.includes(sender)))).catch(() => undefined), [sender]);
	return own;
}

function Details({ email, state, close }: { email: FullEmail; state: PgpState; close(): void }) {
	const own = useOwn(state.sender);
	const mayCompare = !own && state.fingerprint !== "" && ["unverified", "verified", "changed"].includes(state.verdict);
	const done = (verified: boolean) => { close(); void take(email, state, verified).catch(() => toast({ text: t("failedAction"), bad: true })); };
	return (
		<Dialog title={t("pgpDetails")} onClose={close} footer={mayCompare ? (
			<>
				{state.verdict === "changed" && <Button onClick={() => done(false)}>{t("pgpTakeKey")}</Button>}
				<Button look="primary" icon="check" onClick={() => done(true)}>{t("pgpCompared")}</Button>
			</>
		) : undefined}>
			<div class={css.details}>
				<p>{t(state.encrypted ? "pgpEncryptedMore" : "pgpNotEncryptedMore")}</p>
				<p>{t(verdicts[state.verdict].more, { who: state.sender })}</p>
				{state.fromDiffers && <p>{t("pgpFromDiffers")}</p>}
				<dl>
					{state.fingerprint && <><dt>{t("fingerprint")}</dt><dd><Fingerprint value={state.fingerprint} /></dd></>}
					{!state.fingerprint && state.keyId && <><dt>{t("keyId")}</dt><dd><code>{state.keyId.toUpperCase()}</code></dd></>}
					{state.signedAt > 0 && <><dt>{t("signedOn")}</dt><dd>{longDate(state.signedAt * 1000)}</dd></>}
				</dl>
				{mayCompare && <p class={css.hint}>{t("pgpCompareHow", { who: state.sender })}</p>}
			</div>
		</Dialog>
	);
}

export function VerdictLine({ email, opening }: { email: FullEmail; opening: Opening }) {
	const [details, setDetails] = useState(false);
	const state = email.pgp;
	if (!state && opening === "locked")
		return <Locked email={email} />;
	if (!state && opening === "failed")
		return <Notice look="warn" icon="warning" text={t("pgpFailed")} />;
	if (!state || state.form === "plain" || state.form === "partial")
		return null;
	if (state.failure !== "none")
		return (
			<Notice look="warn" icon="lock" text={t(failures[state.failure])}>
				{elsewhere.includes(state.failure) && <Button onClick={() => saveMessages([email.id])}>{t("downloadMessage")}</Button>}
			</Notice>
		);
	const { look } = verdicts[state.verdict];
	const icon: IconName = look === "bad" || look === "warn" ? "warning" : state.encrypted ? "lock" : "shield";
	return (
		<>
			<button type="button" class={css.line} data-look={look} data-verdict={state.verdict} data-encrypted={state.encrypted} onClick={() => setDetails(true)}>
				<Icon name={icon} size={15} /><span>{sentence(state)}</span>
			</button>
			{details && <Details email={email} state={state} close={() => setDetails(false)} />}
		</>
	);
}
