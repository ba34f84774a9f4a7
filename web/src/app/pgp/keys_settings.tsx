// Settings of OpenPGP: one's own keys with all that can be done to them, and those of correspondents.
import { useEffect, useState } from "preact/hooks";
import { t } from "./texts.ts";
import type { KeyInfo, Pgp } from "../../pgp/client";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu, type MenuEntry } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { dayDate, endKey } from "../dates.ts";
import { attempt, Group, Item, useData, Waiting } from "../settings/parts.tsx";
import { account } from "../session.ts";
import { change } from "./change.ts";
import { Correspondents } from "./correspondents.tsx";
import { Fingerprint } from "./fingerprint.tsx";
import { DaneDialog, DeleteDialog, ExpiryDialog, ImportDialog, RevokeDialog, SecretDialog } from "./key_dialogs.tsx";
import { inUse, makeKey, publish, published, withdraw } from "./own.ts";
import { saveText } from "./save.ts";
import { askForKeys, pgp } from "./worker.ts";
import css from "./pgp.module.css";

const address = () => account.peek()?.address ?? "";
const day = (seconds: number) => dayDate(seconds * 1000);
const algorithm = (name: string) => name.replace(/^rsa\w*/i, "RSA").replace(/^ed25519(Legacy)?$/i, "Ed25519");
const mine = (k: KeyInfo) => k.addresses.includes(address().toLowerCase());

interface Own { list: KeyInfo[]; published: string | null }

async function exportPublic(key: KeyInfo): Promise<void> {
	const { armored } = await (await pgp()).call("exportPublic", { fingerprint: key.fingerprint });
	saveText(armored, `openpgp-${address()}-public.asc`);
}

async function exportRevocation(key: KeyInfo): Promise<void> {
	saveText(await (await pgp()).call("revocationCertificate", { fingerprint: key.fingerprint }), `openpgp-${address()}-revocation.asc`);
}

type DialogName = "secret" | "expiry" | "revoke" | "delete" | "dane";

function entries(key: KeyInfo, own: Own, show: (d: DialogName) => void, again: () => void): MenuEntry[] {
	const first = own.list[0]?.fingerprint === key.fingerprint;
	const run = (act: (p: Pgp) => Promise<unknown>, done: string) => void change(act).then((ok) => { if (ok) toast({ text: done }); again(); });
	const isPublished = own.published === key.fingerprint;
	return [
		...(mine(key) && !isPublished ? [{ label: t("pgpPublish"), icon: "globe" as const, run: () => run((p) => publish(p, key.fingerprint), t("pgpPublished")) }] : []),
		...(isPublished ? [{ label: t("pgpWithdraw"), icon: "eyeOff" as const, run: () => run(() => withdraw(), t("pgpWithdrawn")) }] : []),
		...(!first && key.canEncrypt ? [{ label: t("pgpUse"), icon: "check" as const, run: () => run((p) => p.call("use", { fingerprint: key.fingerprint }), t("pgpUsed")) }] : []),
		"line",
		{ label: t("pgpExportPublic"), icon: "download", run: () => void attempt(() => exportPublic(key)) },
		{ label: t("pgpExportSecret"), icon: "key", run: () => show("secret") },
		{ label: t("pgpExportRevocation"), icon: "file", run: () => void attempt(() => exportRevocation(key)) },
		...(mine(key) ? [{ label: t("pgpDane"), icon: "code" as const, run: () => show("dane") }] : []),
		"line",
		...(key.revoked ? [] : [
			{ label: t("pgpSetExpiry"), icon: "calendar" as const, run: () => show("expiry") },
			{ label: t("pgpRevoke"), icon: "warning" as const, danger: true, run: () => show("revoke") },
		]),
		{ label: t("pgpDelete"), icon: "trash", danger: true, run: () => show("delete") },
	];
}

function marks(key: KeyInfo, own: Own): string {
	const expired = key.expires > 0 && key.expires * 1000 < Date.now();
	return [
		key.revoked ? t("pgpIsRevoked") : expired ? t("pgpIsExpired") : inUse(own.list)?.fingerprint === key.fingerprint ? t("pgpInUse") : t("pgpOlder"),
		...(own.published === key.fingerprint ? [t("pgpIsPublished")] : []),
	].join(" · ");
}

function OwnKey({ data, own, again }: { data: KeyInfo; own: Own; again(): void }) {
	const [dialog, setDialog] = useState<DialogName | null>(null);
	const close = () => { setDialog(null); again(); };
	const views = { secret: SecretDialog, expiry: ExpiryDialog, revoke: RevokeDialog, delete: DeleteDialog, dane: DaneDialog };
	const View = dialog && views[dialog];
	return (
		<>
			<Item icon={<Icon name={data.revoked ? "warning" : "key"} size={20} />} title={<span data-own-key={data.fingerprint} data-revoked={data.revoked}>{data.userIds.map((u) => u.replace(/^<(.*)>$/, "$1")).join(", ")}</span>}
				detail={<span class={css.keyDetail}><Fingerprint value={data.fingerprint} /><span>{marks(data, own)} · {algorithm(data.algorithm)} · {t("addedOn", { date: day(data.created) })}{data.expires ? ` · ${t(endKey(data.expires), { date: day(data.expires) })}` : ""}</span></span>}>
				<Menu label={t("pgpKeyMenu")} side="end" entries={() => entries(data, own, setDialog, again)} button={(p) => <IconButton icon="more" label={t("pgpKeyMenu")} {...p} />} />
			</Item>
			{View && <View info={data} published={own.published === data.fingerprint} close={close} />}
		</>
	);
}

async function load(): Promise<Own> {
	return { list: await (await pgp()).call("ownKeys"), published: published() };
}

function OwnKeys() {
	const { data, failed, again } = useData(load);
	const [importing, setImporting] = useState(false);
	const fresh = () => change(async (p) => {
		const made = await makeKey(p);
		await publish(p, made.fingerprint);
	}).then((ok) => { if (ok) toast({ text: t("pgpMade") }); again(); });
	return (
		<Group title={t("pgpOwnKeys")} lead={t("pgpOwnLead")}
			action={<div class={css.headButtons}><Button icon="plus" onClick={() => void fresh()}>{t("pgpNew")}</Button><Button onClick={() => setImporting(true)}>{t("pgpImport")}</Button></div>}>
			{data ? data.list.map((k) => <OwnKey key={k.fingerprint} data={k} own={data} again={again} />) : <Waiting failed={failed} again={again} />}
			{data?.list.length === 0 && <Item title={t("pgpNone")} />}
			{importing && <ImportDialog close={() => { setImporting(false); again(); }} />}
		</Group>
	);
}

export function OpenpgpKeys() {
	const [open, setOpen] = useState<boolean | null>(null);
	useEffect(() => void pgp().then(() => setOpen(true), () => setOpen(false)), []);
	if (open === false)
		return <Group title={t("pgpOwnKeys")} lead={t("pgpOwnLead")}><Item icon={<Icon name="lock" size={20} />} title={<span class={css.plain}>{t("pgpUnlockLead")}</span>}><Button onClick={() => void askForKeys().then((yes) => setOpen(yes))}>{t("unlock")}</Button></Item></Group>;
	return open ? <><OwnKeys /><Correspondents /></> : null;
}
