// The account: what it is, how full it is, leaving it.
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { Progress } from "../../ui/progress.tsx";
import { dayDate, fileSize } from "../dates.ts";
import { signOut } from "../session.ts";
import { command, type AccountInfo } from "./api.ts";
import { attempt, Group, Item, useData, Waiting } from "./parts.tsx";
import css from "./settings.module.css";

function DeleteDialog({ address, close }: { address: string; close(): void }) {
	const [typed, setTyped] = useState("");
	const remove = () => void attempt(() => command("account-delete")).then((ok) => (ok ? signOut() : undefined));
	return (
		<Dialog title={t("deleteAccount")} onClose={close} footer={
			<><Button onClick={close}>{t("cancel")}</Button><Button look="danger" disabled={typed.trim().toLowerCase() !== address.toLowerCase()} onClick={remove}>{t("deleteForGood")}</Button></>
		}>
			<p>{t("deleteAccountLead")}</p>
			<TextField label={t("typeAddress", { address })} value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
		</Dialog>
	);
}

export function AccountPage() {
	const { data, failed, again } = useData(() => command<AccountInfo>("account"));
	const [deleting, setDeleting] = useState(false);
	if (!data)
		return <Group><Waiting failed={failed} again={again} /></Group>;
	return (
		<>
			<Group>
				<Item title={data.address} detail={t("createdOn", { date: dayDate(data.created * 1000) })}><Button icon="signOut" onClick={() => void signOut()}>{t("signOut")}</Button></Item>
				<div class={`${css.padded} ${css.usage}`}>
					<span>{data.quota ? t("usedOf", { used: fileSize(data.used), all: fileSize(data.quota) }) : t("usedSpace", { used: fileSize(data.used) })}</span>
					{data.quota > 0 && <Progress label={t("storage")} value={Math.min(1, data.used / data.quota)} />}
				</div>
			</Group>
			<Group title={t("leaving")} lead={t("leavingLead")}>
				<Item title={t("deleteAccount")} detail={t("deleteAccountLead")}><Button look="danger" onClick={() => setDeleting(true)}>{t("delete")}</Button></Item>
			</Group>
			{deleting && <DeleteDialog address={data.address} close={() => setDeleting(false)} />}
		</>
	);
}
