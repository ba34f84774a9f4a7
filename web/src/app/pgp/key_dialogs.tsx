// The dialogues of one's own OpenPGP keys: export, import, expiry, revocation, deletion, the record for the DNS.
import { useEffect, useState } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import type { KeyInfo, Pgp, Reason } from "../../pgp/client";
import { RpcError } from "../../keys/client";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PasswordField, SelectField, TextArea, TextField } from "../../ui/field.tsx";
import { toast } from "../../ui/toast.tsx";
import { attempt } from "../settings/parts.tsx";
import { withProof } from "../settings/api.ts";
import { account } from "../session.ts";
import { change } from "./change.ts";
import { inUse, publish, withdraw } from "./own.ts";
import { saveText } from "./save.ts";
import { pgp } from "./worker.ts";
import css from "./pgp.module.css";

interface Props { info: KeyInfo; published: boolean; close(): void }

const address = () => account.peek()?.address ?? "";

export function SecretDialog({ info, close }: Props) {
	const [passphrase, setPassphrase] = useState("");
	const save = () => void attempt(async () => {
		const armored = await (await pgp()).call("exportSecret", { fingerprint: info.fingerprint, passphrase });
		saveText(armored, `openpgp-${address()}-secret.asc`);
	}).then((ok) => ok && close());
	return (
		<Dialog keep title={t("pgpExportSecret")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
				<p>{t("pgpSecretLead")}</p>
				<PasswordField label={t("passphrase")} autocomplete="new-password" required minLength={8} autofocus value={passphrase} onInput={(e) => setPassphrase(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary" icon="download">{t("export")}</Button></div>
			</form>
		</Dialog>
	);
}

const importErrors: Record<string, Key> = { notKey: "pgpErrNotKey", passphrase: "pgpErrPassphrase", damaged: "pgpErrDamaged", onCard: "pgpErrCard", tooLarge: "pgpErrLarge" };

export function ImportDialog({ close }: { close(): void }) {
	const [text, setText] = useState("");
	const [file, setFile] = useState<Uint8Array<ArrayBuffer> | null>(null);
	const [passphrase, setPassphrase] = useState("");
	const [error, setError] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	const send = async () => {
		setBusy(true);
		setError(null);
		try {
			const data = file ?? new TextEncoder().encode(text);
			const p = await pgp();
			const info = await withProof(() => p.call("importKey", { data, passphrase }));
			if (info.canEncrypt && info.addresses.includes(address().toLowerCase()))
				await withProof(() => publish(p, info.fingerprint));
			toast({ text: t(info.canEncrypt ? "pgpImported" : "pgpImportedOnly") });
			close();
		} catch (e) {
			setError(t(importErrors[e instanceof RpcError ? e.code : ""] ?? "failedAction"));
		} finally {
			setBusy(false);
		}
	};
	return (
		<Dialog keep title={t("pgpImport")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<p>{t("pgpImportLead")}</p>
				<input type="file" accept=".asc,.pgp,.gpg,.key,application/pgp-keys" aria-label={t("pgpKeyFile")}
					onChange={(e) => void e.currentTarget.files?.[0]?.arrayBuffer().then((b) => setFile(new Uint8Array(b)))} />
				{!file && <TextArea label={t("pgpKeyText")} rows={4} spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} />}
				<PasswordField label={t("passphrase")} hint={t("pgpPassphraseHint")} autocomplete="off" value={passphrase} error={error} onInput={(e) => setPassphrase(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary" busy={busy} disabled={!file && !text.trim()}>{t("pgpImportDo")}</Button></div>
			</form>
		</Dialog>
	);
}

/** What others have of the key is changed too, where it is published. */
function alter(props: Props, act: () => Promise<unknown>, done: string): void {
	void change(async (p) => {
		await act();
		if (props.published)
			await publish(p, props.info.fingerprint);
	}).then((ok) => {
		if (ok) {
			toast({ text: done });
			props.close();
		}
	});
}

export function ExpiryDialog(props: Props) {
	const { info, close } = props;
	const [date, setDate] = useState(info.expires ? new Date(info.expires * 1000).toISOString().slice(0, 10) : "");
	const set = (expires: number) => alter(props, async () => (await pgp()).call("setExpiry", { fingerprint: info.fingerprint, expires }), t("pgpExpirySet"));
	return (
		<Dialog keep title={t("pgpSetExpiry")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); set(Math.floor(Date.parse(`${date}T23:59:59Z`) / 1000)); }}>
				<p>{t("pgpExpiryLead")}</p>
				<TextField label={t("pgpExpiryDate")} type="date" required min={new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)} value={date} onInput={(e) => setDate(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={() => set(0)}>{t("pgpNoExpiry")}</Button><Button type="submit" look="primary">{t("save")}</Button></div>
			</form>
		</Dialog>
	);
}

export function RevokeDialog(props: Props) {
	const { info, close } = props;
	const [reason, setReason] = useState<Reason>("superseded");
	const run = () => alter(props, async () => (await pgp()).call("revoke", { fingerprint: info.fingerprint, reason }), t("pgpRevokedDone"));
	return (
		<Dialog keep title={t("pgpRevoke")} onClose={close} footer={<><Button onClick={close}>{t("cancel")}</Button><Button look="danger" onClick={run}>{t("pgpRevoke")}</Button></>}>
			<div class={css.form}>
				<p>{t("pgpRevokeLead")}</p>
				<SelectField<Reason> label={t("pgpReason")} value={reason} onChange={setReason} options={[
					["superseded", t("pgpReasonSuperseded")], ["compromised", t("pgpReasonCompromised")], ["retired", t("pgpReasonRetired")], ["none", t("pgpReasonNone")],
				]} />
			</div>
		</Dialog>
	);
}

/** Nobody is to encrypt to a key that is gone: the one in use then takes its place, if there is one. */
async function removeKey(p: Pgp, info: KeyInfo, published: boolean): Promise<void> {
	await p.call("remove", { fingerprint: info.fingerprint });
	if (!published)
		return;
	const next = inUse(await p.call("ownKeys"));
	await (next?.addresses.includes(address().toLowerCase()) ? publish(p, next.fingerprint) : withdraw());
}

export function DeleteDialog({ info, published, close }: Props) {
	const run = () => void change((p) => removeKey(p, info, published)).then((ok) => {
		if (ok) {
			toast({ text: t("pgpDeleted") });
			close();
		}
	});
	return (
		<Dialog keep title={t("pgpDelete")} onClose={close} footer={<><Button onClick={close}>{t("cancel")}</Button><Button look="danger" onClick={run}>{t("pgpDelete")}</Button></>}>
			<div class={css.form}><p>{t("pgpDeleteLead")}</p></div>
		</Dialog>
	);
}

export function DaneDialog({ info, close }: Props) {
	const [record, setRecord] = useState("");
	useEffect(() => void attempt(async () => setRecord(await (await pgp()).call("daneRecord", { fingerprint: info.fingerprint, address: address() }))), []);
	return (
		<Dialog title={t("pgpDane")} shape="wide" onClose={close} footer={<Button icon="copy" onClick={() => void navigator.clipboard.writeText(record).then(() => toast({ text: t("copied") }))}>{t("copy")}</Button>}>
			<div class={css.form}><p>{t("pgpDaneLead")}</p><pre class={css.mono} tabIndex={0}>{record}</pre></div>
		</Dialog>
	);
}
