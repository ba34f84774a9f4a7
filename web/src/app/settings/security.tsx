// Security: the password, second factors, app passwords, and where one is signed in.
import { language } from "../../i18n/index.ts";
import { t } from "./texts.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Switch } from "../../ui/field.tsx";
import { toast } from "../../ui/toast.tsx";
import { useState } from "preact/hooks";
import { neverGiven } from "../../keys/scope.ts";
import { keys } from "../auth/keys.ts";
import { passkeysWork } from "../auth/passkey.ts";
import { dayDate, endKey, longDate } from "../dates.ts";
import { command, withProof, type AccountInfo, type Factor, type Unlocker, type WebSessionInfo } from "./api.ts";
import { addPasskey, AppPasswordDialog, PasswordDialog, RecoveryDialog, TotpDialog } from "./security_dialogs.tsx";
import { attempt, Group, Item, useData, Waiting } from "./parts.tsx";
import css from "./settings.module.css";

type Open = "password" | "recovery" | "totp" | "app" | null;

const used = (at: number) => (at ? t("lastUsed", { date: dayDate(at * 1000) }) : t("neverUsed"));

function Secrets({ open }: { open(o: Open): void }) {
	return (
		<Group title={t("passwordAndRecovery")}>
			<Item icon={<Icon name="lock" size={20} />} title={t("password")} detail={t("passwordDetail")}><Button onClick={() => open("password")}>{t("change")}</Button></Item>
			<Item icon={<Icon name="key" size={20} />} title={t("recoveryCode")} detail={t("recoveryDetail")}><Button onClick={() => open("recovery")}>{t("makeNew")}</Button></Item>
		</Group>
	);
}

function Factors({ open, version, changed }: { open(o: Open): void; version: number; changed(): void }) {
	const { data, failed, again } = useData(() => command<{ factors: Factor[] }>("factors"));
	const remove = (f: Factor) => void attempt(async () => {
		await command("factor-remove", { id: f.id });
		if (f.unlocker)
			await withProof(() => keys().call("revoke", { id: f.unlocker as string, rotate: false }));
	}).then(() => { again(); changed(); });
	return (
		<Group key={version} title={t("secondFactors")} lead={t("secondFactorsLead")}>
			{data?.factors.length === 0 && <Item title={<span class={css.detail}>{t("noFactors")}</span>} />}
			{data ? data.factors.map((f) => (
				<Item key={f.id} icon={<Icon name={f.type === "totp" ? "phone" : "key"} size={20} />} title={f.name || t(f.type === "totp" ? "authenticatorApp" : "passkey")}
					detail={`${t("addedOn", { date: dayDate(f.created * 1000) })} · ${used(f.lastUsed)}`}>
					{f.unlocker && <Badge tone="accent">{t("opensKeys")}</Badge>}
					<IconButton icon="trash" label={t("remove")} onClick={() => remove(f)} />
				</Item>
			)) : <Waiting failed={failed} again={again} />}
			{!passkeysWork() && <Item title={<span class={css.detail}>{t("noPasskeys")}</span>} />}
			<div class={`${css.padded} ${css.buttons}`}>
				{data && !data.factors.some((f) => f.type === "totp") && <Button icon="phone" onClick={() => open("totp")}>{t("addTotp")}</Button>}
				{passkeysWork() && <Button icon="key" onClick={() => void attempt(addPasskey).then((ok) => ok && again())}>{t("addPasskey")}</Button>}
			</div>
		</Group>
	);
}

function AppPasswords({ open, version }: { open(o: Open): void; version: number }) {
	const { data, failed, again } = useData(() => command<{ unlockers: Unlocker[] }>("unlockers"));
	const revoke = (u: Unlocker) => void attempt(() => withProof(() => keys().call("revoke", { id: u.id, rotate: false }))).then((ok) => { if (ok) { again(); toast({ text: t("revoked", { name: u.name }) }); } });
	const list = data?.unlockers.filter((u) => u.type === "app-password" && !neverGiven(u)).sort((a, b) => b.created - a.created);
	return (
		<Group key={version} title={t("appPasswords")} lead={t("appPasswordsLead")} action={<Button icon="plus" onClick={() => open("app")}>{t("makeNew")}</Button>}>
			{list?.length === 0 && <Item title={<span class={css.detail}>{t("noAppPasswords")}</span>} />}
			{list ? list.map((u) => (
				<Item key={u.id} title={u.name} detail={`${t("addedOn", { date: dayDate(u.created * 1000) })} · ${used(u.lastUsed)}${u.expires ? ` · ${t(endKey(u.expires), { date: dayDate(u.expires * 1000) })}` : ""}`}>
					<IconButton icon="trash" label={t("revoke", { name: u.name })} onClick={() => revoke(u)} />
				</Item>
			)) : <Waiting failed={failed} again={again} />}
		</Group>
	);
}

const countryName = (code: string) => new Intl.DisplayNames([language()], { type: "region" }).of(code) ?? code;

function Sessions() {
	const { data, failed, again } = useData(() => command<{ sessions: WebSessionInfo[] }>("sessions"));
	const end = (s: WebSessionInfo) => void attempt(() => command("session-end", { id: s.id })).then(again);
	return (
		<Group title={t("sessions")} lead={t("sessionsLead")} action={data && data.sessions.length > 1 && <Button onClick={() => void attempt(() => command("sessions-end")).then(again)}>{t("endOthers")}</Button>}>
			{data ? data.sessions.toSorted((a, b) => Number(b.current) - Number(a.current) || b.lastSeen - a.lastSeen).map((s) => (
				<Item key={s.id} icon={<Icon name={/Android|iOS/.test(s.device) ? "phone" : "desktop"} size={20} />} title={s.device || s.agent}
					detail={`${s.ip}${s.country ? ` · ${countryName(s.country)}` : ""} · ${t("lastSeen", { date: longDate(s.lastSeen * 1000) })}`}>
					{s.current ? <Badge tone="ok">{t("thisDevice")}</Badge> : <Button aria-label={`${t("signOut")}: ${s.device || s.agent}, ${s.ip}`} onClick={() => end(s)}>{t("signOut")}</Button>}
				</Item>
			)) : <Waiting failed={failed} again={again} />}
		</Group>
	);
}

function Alerts() {
	const { data, again } = useData(() => command<AccountInfo>("account"));
	return data && (
		<Group title={t("alerts")}>
			<div class={css.padded}><Switch label={t("alertsOn")} hint={t("alertsHint")} checked={data.alerts} onChange={(on) => void attempt(() => command("alerts", { on })).then(again)} /></div>
		</Group>
	);
}

export function SecurityPage() {
	const [open, setOpen] = useState<Open>(null);
	const [version, setVersion] = useState(0);
	const close = () => { setOpen(null); setVersion(version + 1); };
	return (
		<>
			<Secrets open={setOpen} />
			<Factors key={`f${version}`} version={version} open={setOpen} changed={() => setVersion(version + 1)} />
			<AppPasswords key={`a${version}`} version={version} open={setOpen} />
			<Sessions />
			<Alerts />
			{open === "password" && <PasswordDialog close={close} />}
			{open === "recovery" && <RecoveryDialog close={close} />}
			{open === "totp" && <TotpDialog close={close} />}
			{open === "app" && <AppPasswordDialog close={close} />}
		</>
	);
}
