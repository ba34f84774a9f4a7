// Settings: what this device keeps, notices, and Letterlock as a program.
import { useEffect, useState } from "preact/hooks";
import { days, most } from "../../offline/keeper.ts";
import { Button } from "../../ui/button.tsx";
import { SelectField, Switch } from "../../ui/field.tsx";
import { toast } from "../../ui/toast.tsx";
import { fileSize } from "../dates.ts";
import { mail } from "../mail/state.ts";
import { prefs, setPrefs, type Prefs } from "../prefs.ts";
import { Group, Item } from "../settings/parts.tsx";
import css from "../settings/settings.module.css";
import { choose } from "./news.ts";
import { installing } from "./register.ts";
import { keepAgain } from "./start.ts";
import { t } from "./texts.ts";
import { lasting, vault } from "./vaults.ts";

interface Amount { n: number; bytes: number }

async function amount(): Promise<Amount> {
	const n = (await vault().names("mail")).length;
	const { usage = 0 } = await navigator.storage?.estimate?.() ?? {};
	return { n, bytes: usage };
}

function Kept() {
	const [now, setNow] = useState<Amount | null>(null);
	const on = prefs.value.keepMail;
	useEffect(() => {
		const look = () => void amount().then(setNow).catch(() => undefined);
		look();
		const timer = setInterval(look, 3000);
		return () => clearInterval(timer);
	}, [on]);
	if (!lasting())
		return <Group title={t("keptTitle")} lead={t("keptLead")}><Item title={t("notTrusted")} /></Group>;
	return (
		<Group title={t("keptTitle")} lead={t("keptLead")}>
			<div class={css.padded}>
				<Switch label={t("keepMail")} hint={t("keepMailHint", { n: days, most })} checked={on} onChange={(keepMail) => { setPrefs({ keepMail }); void keepAgain(); }} />
			</div>
			{on && now && <div class={css.padded}><span class={css.detail}>{t("keptNow", { n: now.n, size: fileSize(now.bytes) })}</span></div>}
		</Group>
	);
}

function News() {
	const [denied, setDenied] = useState("Notification" in globalThis && Notification.permission === "denied");
	if (!("Notification" in globalThis))
		return null;
	const set = (news: Prefs["news"]) => void choose(mail(), news).then((ok) => setDenied(!ok));
	return (
		<Group title={t("newsTitle")} lead={t("newsLead")}>
			<div class={css.padded}>
				<SelectField<Prefs["news"]> label={t("newsHow")} value={denied ? "off" : prefs.value.news} onChange={set}
					options={[["off", t("newsOff")], ["quiet", t("newsQuiet")], ["names", t("newsNames")]]} />
			</div>
			{denied && <div class={css.padded} role="alert">{t("newsDenied")}</div>}
			{!denied && prefs.value.news !== "off" && <div class={css.padded}><span class={css.detail}>{t(lasting() ? "newsClosed" : "newsPageOnly")}</span></div>}
		</Group>
	);
}

function Program() {
	const prompt = installing.value;
	const links = () => {
		navigator.registerProtocolHandler?.("mailto", `${location.origin}/mail/inbox#compose=%s`);
		toast({ text: t("mailtoDone") });
	};
	if (!prompt && !("registerProtocolHandler" in navigator))
		return null;
	return (
		<Group title={t("appTitle")}>
			{prompt && <Item title={t("install")} detail={t("installHint")}><Button icon="download" onClick={() => void prompt.prompt()}>{t("installDo")}</Button></Item>}
			{"registerProtocolHandler" in navigator && <Item title={t("mailto")} detail={t("mailtoHint")}><Button icon="mail" onClick={links}>{t("mailtoDo")}</Button></Item>}
		</Group>
	);
}

export function DevicePage() {
	return <><Kept /><News /><Program /></>;
}
