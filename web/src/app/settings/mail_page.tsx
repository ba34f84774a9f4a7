// Mail: reading, writing, identities, the vacation notice.
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import type { GetResult, Identity, SetResult, VacationResponse } from "../../jmap/types.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SelectField, Switch, TextArea, TextField } from "../../ui/field.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { toast } from "../../ui/toast.tsx";
import { mail } from "../mail/state.ts";
import { useLazy } from "../lazy.tsx";
import { prefs, setPrefs } from "../prefs.ts";
import { textToHtml } from "../mail/composer/letter.ts";
import { attempt, Group, Item, useData, Waiting } from "./parts.tsx";
import css from "./settings.module.css";

async function setOne(type: string, args: Record<string, unknown>): Promise<SetResult> {
	const result = await mail().client.call<SetResult>(`${type}/set`, args);
	const refused = Object.values({ ...result.notCreated, ...result.notUpdated, ...result.notDestroyed })[0];
	if (refused)
		throw new Error(refused.type);
	return result;
}

function IdentityDialog({ identity, close }: { identity: Identity; close(): void }) {
	const [name, setName] = useState(identity.name);
	const [text, setText] = useState(identity.textSignature);
	const save = () => void attempt(async () => {
		await setOne("Identity", { update: { [identity.id]: { name, textSignature: text, htmlSignature: text ? textToHtml(text) : "" } } });
		await mail().loadIdentities();
	}).then((ok) => ok && close());
	return (
		<Dialog title={identity.email} onClose={close} footer={<><Button onClick={close}>{t("cancel")}</Button><Button look="primary" onClick={save}>{t("save")}</Button></>}>
			<TextField label={t("displayName")} value={name} onInput={(e) => setName(e.currentTarget.value)} />
			<TextArea label={t("signature")} rows={4} value={text} onInput={(e) => setText(e.currentTarget.value)} />
		</Dialog>
	);
}

function Identities() {
	const [open, setOpen] = useState<Identity | null>(null);
	return (
		<Group title={t("identities")} lead={t("identitiesLead")}>
			{mail().identities.value.map((i) => (
				<Item key={i.id} title={i.name || i.email} detail={i.name ? i.email : undefined}><Button onClick={() => setOpen(i)}>{t("edit")}</Button></Item>
			))}
			{open && <IdentityDialog identity={open} close={() => setOpen(null)} />}
		</Group>
	);
}

const toDay = (utc: string | null) => {
	if (!utc)
		return "";
	const d = new Date(utc);
	return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
};
const toUtc = (day: string, end: boolean) => (day ? `${new Date(`${day}T${end ? "23:59:59" : "00:00:00"}`).toISOString().slice(0, 19)}Z` : null);

/** What was changed again since it was sent. */
function without(now: Partial<VacationResponse>, sent: Partial<VacationResponse>): Partial<VacationResponse> {
	return Object.fromEntries(Object.entries(now).filter(([name, value]) => sent[name as keyof VacationResponse] !== value));
}

/** What stands in the editor at first; a notice that another program made may have no HTML, or only that. */
const htmlOf = (v: VacationResponse) => v.htmlBody ?? textToHtml(v.textBody ?? "");

function Vacation() {
	const Rich = useLazy("richField", true, () => import("../mail/composer/rich_field.tsx").then((m) => m.RichField));
	const { data, failed, again } = useData(() => mail().client.call<GetResult<VacationResponse>>("VacationResponse/get", { ids: ["singleton"] }).then((r) => r.list[0] as VacationResponse));
	const [saved, setSaved] = useState<Partial<VacationResponse>>({});
	const [change, setChange] = useState<Partial<VacationResponse>>({});
	if (!data)
		return <Group title={t("vacation")} lead={t("vacationLead")}><Waiting failed={failed} again={again} /></Group>;
	const v = { ...data, ...saved, ...change };
	const set = (part: Partial<VacationResponse>) => setChange((now) => ({ ...now, ...part }));
	const save = (part: Partial<VacationResponse> = {}) => {
		const sent = { ...change, ...part };
		void attempt(() => setOne("VacationResponse", { update: { singleton: sent } })).then((ok) => {
			if (!ok)
				return;
			setSaved((now) => ({ ...now, ...sent }));
			setChange((now) => without(now, sent));
			toast({ text: t("saved") });
		});
	};
	const write = (html: string, text: string) => set({ htmlBody: text ? html : null, textBody: text || null });
	return (
		<Group title={t("vacation")} lead={t("vacationLead")}>
			<div class={css.padded}><Switch label={t("vacationOn")} checked={v.isEnabled} onChange={(isEnabled) => { set({ isEnabled }); save({ isEnabled }); }} /></div>
			<details class={`${css.padded} ${css.fold}`} open={v.isEnabled}>
				<summary>{t("vacationWhat")}</summary>
				<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
					<TextField label={t("vacationFrom")} type="date" value={toDay(v.fromDate)} onChange={(e) => set({ fromDate: toUtc(e.currentTarget.value, false) })} />
					<TextField label={t("vacationTo")} type="date" min={toDay(v.fromDate)} value={toDay(v.toDate)} onChange={(e) => set({ toDate: toUtc(e.currentTarget.value, true) })} />
					<TextField label={t("subject")} value={v.subject ?? ""} onInput={(e) => set({ subject: e.currentTarget.value || null })} />
					{Rich ? <Rich label={t("vacationText")} html={htmlOf(data)} onChange={write} /> : <Spinner label={t("loading")} />}
					<div class={css.buttons}><Button type="submit" look="primary" disabled={Object.keys(change).length === 0}>{t("save")}</Button></div>
				</form>
			</details>
		</Group>
	);
}

export function MailPage() {
	const p = prefs.value;
	return (
		<>
			<Group title={t("reading")}>
				<div class={css.padded}><Switch label={t("conversationView")} hint={t("conversationViewHint")} checked={p.conversations} onChange={(conversations) => setPrefs({ conversations })} /></div>
				<div class={css.padded}><Switch label={t("imagesAlways")} hint={t("imagesAlwaysHint")} checked={p.images === "always"} onChange={(on) => setPrefs({ images: on ? "always" : "ask" })} /></div>
				{p.showFrom.length > 0 && <Item title={t("imagesAllowed", { n: p.showFrom.length })} detail={p.showFrom.join(", ")}><Button onClick={() => setPrefs({ showFrom: [] })}>{t("forgetAll")}</Button></Item>}
			</Group>
			<Group title={t("writing")}>
				<div class={css.padded}>
					<SelectField label={t("undoSend")} value={String(p.undoSeconds)} options={["0", "5", "10", "20", "30"].map((s) => [s, s === "0" ? t("off") : t("seconds", { n: Number(s) })] as const)}
						onChange={(s) => setPrefs({ undoSeconds: Number(s) })} />
				</div>
				<div class={css.padded}><Switch label={t("writePlain")} hint={t("writePlainHint")} checked={p.plainText} onChange={(plainText) => setPrefs({ plainText })} /></div>
			</Group>
			<Identities />
			<Vacation />
		</>
	);
}
