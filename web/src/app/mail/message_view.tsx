// One message of a conversation: who it is from, what to beware of, the text, what is attached.
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { dmarcResult } from "../../jmap/auth_results.ts";
import { rulesOf, type Address, type BodyPart, type FullEmail, type Id } from "../../jmap/types.ts";
import { Avatar, hueOf } from "../../ui/avatar.tsx";
import { LabelMark } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { Ghost } from "../../ui/progress.tsx";
import { useLazy } from "../lazy.tsx";
import { dark, prefs, setPrefs } from "../prefs.ts";
import { address, go } from "../router.ts";
import { fileSize, longDate, shortDate } from "../dates.ts";
import { setSeen, starMessage, toggleLabel } from "./actions.ts";
import { labelName, labelsOf } from "./label_names.ts";
import { compose } from "./compose_state.ts";
import { cleanHtml, HtmlFrame } from "./html_frame.tsx";
import { writtenTo } from "./people.ts";
import { nameOf } from "./row.tsx";
import type { Clean } from "./sanitize.ts";
import { showSource } from "./source.tsx";
import { mail } from "./state.ts";
import { isEncrypted, isProtected, Protection, useOpened } from "./protection.tsx";
import { TextBody } from "./text_body.tsx";
import { Unsubscribe, unsubscribeUrl } from "./unsubscribe.tsx";
import { isDangerous, unturned, warningsFor } from "./warnings.ts";
import css from "./message_view.module.css";

function People({ label, list }: { label: string; list: readonly Address[] | null }) {
	if (!list?.length)
		return null;
	return (
		<>
			<dt>{label}</dt>
			<dd>{list.map((a, i) => <span key={i} class={css.person}>{a.name && <b>{a.name}</b>} <span>{a.email}</span></span>)}</dd>
		</>
	);
}

function Details({ email }: { email: FullEmail }) {
	return (
		<dl class={css.details}>
			<People label={t("from")} list={email.from} />
			<People label={t("replyTo")} list={email.replyTo} />
			<People label={t("to")} list={email.to} />
			<People label={t("cc")} list={email.cc} />
			<People label={t("bcc")} list={email.bcc} />
			<dt>{t("date")}</dt><dd>{longDate(email.sentAt ?? email.receivedAt)}</dd>
			<dt>{t("size")}</dt><dd>{fileSize(email.size)}</dd>
		</dl>
	);
}

function menuEntries(email: FullEmail, view: View): MenuEntry[] {
	return [
		{ label: t("reply"), icon: "reply", run: () => compose({ mode: "reply", email }) },
		{ label: t("replyAll"), icon: "replyAll", run: () => compose({ mode: "replyAll", email }) },
		{ label: t("forward"), icon: "forward", run: () => compose({ mode: "forward", email }) },
		"line",
		{ label: t("markUnread"), icon: "mail", run: () => setSeen(false, [email.id]) },
		...(email.htmlBody[0]?.type === "text/html" ? [
			{ label: t(view.asText ? "showFormatted" : "showPlain"), icon: "file" as IconName, run: () => view.setAsText(!view.asText) },
			...(dark.value ? [{ label: t(view.lightOnly ? "showDark" : "showLight"), icon: "sun" as IconName, run: () => view.setLightOnly(!view.lightOnly) }] : []),
		] : []),
		...(rulesOf in mail().session.capabilities ? [{ label: t("ruleFromMessage"), icon: "filter" as IconName, run: () => void beginRule(email) }] : []),
		{ label: t("print"), icon: "print", run: () => void import("./paper.ts").then((m) => m.printOne(email.id)) },
		{ label: t("showOriginal"), icon: "code", run: () => showSource(email) },
		{ label: t("downloadMessage"), icon: "download", run: () => download(email.blobId, `${email.subject ?? "message"}.eml`, "message/rfc822") },
	];
}

async function beginRule(email: FullEmail): Promise<void> {
	const { begun, listIdOf, ruleFrom } = await import("./rules.ts");
	begun.value = ruleFrom(email, await listIdOf(email.id).catch(() => null));
	go(address("settings", "rules"));
}

function download(blobId: Id, name: string, type: string): void {
	const a = document.createElement("a");
	a.href = mail().client.downloadUrl(blobId, name, type);
	a.download = name;
	a.click();
}

interface View { asText: boolean; setAsText(on: boolean): void; lightOnly: boolean; setLightOnly(on: boolean): void }

/** Others than oneself were written to. */
const othersIn = (email: FullEmail) => new Set([...(email.to ?? []), ...(email.cc ?? [])].map((a) => a.email.toLowerCase())).size > 1;

function Header({ email, view, onFold }: { email: FullEmail; view: View; onFold(): void }) {
	const [open, setOpen] = useState(false);
	const from = email.from?.[0];
	const starred = Boolean(mail().emails.of(email.id).value?.keywords.$flagged);
	const to = [...(email.to ?? []), ...(email.cc ?? [])].map(nameOf).join(", ");
	return (
		<header class={css.head}>
			<Avatar name={nameOf(from)} address={from?.email ?? ""} size={38} />
			<div class={css.who} onClick={onFold}>
				<div class={css.from}><b>{nameOf(from) || t("unknownSender")}</b>{from?.name && <span class={css.address}>{from.email}</span>}</div>
				<button type="button" class={css.to} aria-expanded={open} onClick={(e) => { e.stopPropagation(); setOpen(!open); }}>
					<span>{to ? t("toPeople", { names: to }) : t("noRecipients")}</span><Icon name="down" size={13} />
				</button>
			</div>
			<time class={css.time} dateTime={email.receivedAt} data-tip={longDate(email.receivedAt)}>{shortDate(email.receivedAt)}</time>
			<div class={css.tools}>
				<IconButton icon="star" label={t(starred ? "unstar" : "star")} small on={starred} onClick={() => starMessage(email.id)} />
				<span class={css.roomy}>
					<IconButton icon="reply" label={t("reply")} small onClick={() => compose({ mode: "reply", email })} />
					{othersIn(email) && <IconButton icon="replyAll" label={t("replyAll")} small onClick={() => compose({ mode: "replyAll", email })} />}
				</span>
				<Menu label={t("moreActions")} side="end" entries={() => menuEntries(email, view)} button={(p) => <IconButton icon="more" label={t("moreActions")} small {...p} />} />
			</div>
			{open && <Details email={email} />}
		</header>
	);
}

const fileIcons: [RegExp, IconName][] = [[/^image\//, "image"], [/calendar/, "calendar"], [/^message\//, "mail"]];

function Attachment({ part }: { part: BodyPart }) {
	const bad = isDangerous(part);
	const icon: IconName = bad ? "warning" : fileIcons.find(([type]) => type.test(part.type))?.[1] ?? "file";
	const name = unturned(part.name ?? "") || t("unnamedFile");
	return (
		<a class={`${css.file} ${bad ? css.bad : ""}`} href={mail().client.downloadUrl(part.blobId ?? "", name, part.type)} download={name}
			data-tip={t("download")}>
			<Icon name={icon} size={19} />
			<span class={css.fileText}><span class={css.fileName}>{name}</span><span class={css.fileSize}>{fileSize(part.size)}</span></span>
			<Icon name="download" size={16} />
		</a>
	);
}

function Attachments({ email, inline }: { email: FullEmail; inline: readonly string[] }) {
	const shown = email.attachments.filter((a) => a.blobId && !(a.cid && inline.includes(a.cid.replace(/^<|>$/g, ""))));
	if (shown.length === 0)
		return null;
	return (
		<section class={css.files} aria-label={t("attachments", { n: shown.length })}>
			{shown.map((a) => <Attachment key={a.blobId} part={a} />)}
		</section>
	);
}

function Shield({ clean, onShow, from }: { clean: Clean; onShow(): void; from: string }) {
	const n = clean.remote.length + clean.blocked;
	return (
		<div class={css.shield}>
			<Icon name="shield" size={17} />
			<span>{[n > 0 ? t("blockedRemote", { n }) : "", clean.trackers > 0 ? t("trackersRemoved", { n: clean.trackers }) : ""].filter(Boolean).join(" ")}</span>
			{clean.remote.length > 0 && (
				<span class={css.shieldTools}>
					<button type="button" onClick={onShow}>{t("showImages")}</button>
					<button type="button" onClick={() => { setPrefs({ showFrom: [...new Set([...prefs.value.showFrom, from])] }); onShow(); }}>{t("alwaysShow")}</button>
				</span>
			)}
		</div>
	);
}

/** Somebody whose pictures shall always be shown, and not somebody who only says so. */
const trusts = (email: FullEmail, from: string) =>
	prefs.peek().showFrom.includes(from) && dmarcResult(email["header:Authentication-Results:asText:all"]) !== "fail";

function Body({ email, asText, lightOnly }: { email: FullEmail; asText: boolean; lightOnly: boolean }) {
	const html = email.htmlBody.some((p) => p.type === "text/html") && !asText;
	const from = email.from?.[0]?.email.toLowerCase() ?? "";
	const [clean, setClean] = useState<Clean | null>(null);
	const opening = useOpened(email);
	const [images, setImages] = useState(prefs.value.images === "always" || trusts(email, from));

	useEffect(() => {
		if (html)
			void cleanHtml(email).then(setClean);
	}, [email.id, html, email.pgp]);
	if (isProtected(email) && !email.pgp && opening === "waiting")
		return <Ghost lines={6} />;
	if (email.pgp?.encrypted ? email.pgp.failure !== "none" : !email.pgp && isEncrypted(email) && opening !== "none")
		return null;
	if (!html) {
		const text = email.textBody.filter((p) => p.type.startsWith("text/")).map((p) => email.bodyValues[p.partId ?? ""]?.value ?? "").join("\n");
		return <><TextBody text={text} /><Attachments email={email} inline={[]} /></>;
	}
	if (!clean)
		return <Ghost lines={6} />;
	return (
		<>
			{!images && !email.pgp?.encrypted && clean.remote.length + clean.blocked + clean.trackers > 0 && <Shield clean={clean} from={from} onShow={() => setImages(true)} />}
			<HtmlFrame email={email} clean={clean} images={images && !email.pgp?.encrypted} lightOnly={lightOnly} onMailto={(href) => compose({ mode: "mailto", href })} />
			<Attachments email={email} inline={clean.inline} />
		</>
	);
}

export function Folded({ id, onOpen }: { id: Id; onOpen(): void }) {
	const email = mail().emails.of(id).value;
	const from = email?.from?.[0];
	return (
		<button type="button" class={css.folded} aria-expanded={false} onClick={onOpen}>
			<Avatar name={nameOf(from)} address={from?.email ?? ""} size={28} />
			<b>{nameOf(from)}</b>
			<span class={css.preview}>{email?.preview}</span>
			{email?.keywords.$flagged && <span class={css.starMark}><Icon name="star" size={14} filled /></span>}
			{email?.hasAttachment && <Icon name="clip" size={14} />}
			<time class={css.time}>{email && shortDate(email.receivedAt)}</time>
		</button>
	);
}

export function MessageView({ id, onFold }: { id: Id; onFold(): void }) {
	const email = mail().full.of(id).value;
	const [asText, setAsText] = useState(false);
	const [lightOnly, setLightOnly] = useState(false);
	const Receipt = useLazy("receipt", Boolean(email?.["header:Disposition-Notification-To:asAddresses"]), () => import("./receipt/receipt.tsx").then((m) => m.Receipt));
	if (!email)
		return <article class={css.message}><Ghost lines={6} /></article>;
	const warnings = warningsFor(email, writtenTo());
	const labels = labelsOf(mail().emails.of(id).value?.keywords ?? {});
	return (
		<article class={css.message} aria-label={t("messageFrom", { who: nameOf(email.from?.[0]) })} data-message={id}>
			<Header email={email} view={{ asText, setAsText, lightOnly, setLightOnly }} onFold={onFold} />
			{(labels.length > 0 || unsubscribeUrl(email)) && (
				<div class={css.labels}>
					{labels.map((l) => <LabelMark key={l} name={labelName(l)} hue={hueOf(l)} removeLabel={t("removeLabel", { label: labelName(l) })} onRemove={() => toggleLabel(l, [id])} />)}
					<Unsubscribe email={email} />
				</div>
			)}
			<Protection email={email} />
			{Receipt && <Receipt email={email} />}
			{warnings.map((w) => <div key={w.key} class={css.warning} role="note"><Icon name="warning" size={18} /><span>{t(w.key, w.args)}</span></div>)}
			<div class={css.body}><Body email={email} asText={asText} lightOnly={lightOnly} /></div>
		</article>
	);
}

export function ReplyBar({ email }: { email: FullEmail }) {
	return (
		<div class={css.replyBar}>
			<Button icon="reply" onClick={() => compose({ mode: "reply", email })}>{t("reply")}</Button>
			{othersIn(email) && <Button icon="replyAll" onClick={() => compose({ mode: "replyAll", email })}>{t("replyAll")}</Button>}
			<Button icon="forward" onClick={() => compose({ mode: "forward", email })}>{t("forward")}</Button>
		</div>
	);
}
