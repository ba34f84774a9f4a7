// The dialogues of the security page: new password, recovery code, authenticator, passkey, app password.
import qrcode from "qrcode-generator";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Area } from "../../keys/record";
import { Protocol, scopeArea } from "../../keys/scope";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PasswordField, SelectField, Switch, TextField } from "../../ui/field.tsx";
import { toast } from "../../ui/toast.tsx";
import { keys } from "../auth/keys.ts";
import { fromBase64Url, prfInput, toBase64Url } from "../auth/passkey.ts";
import { StrengthMeter, useStrength } from "../auth/strength_meter.tsx";
import { account } from "../session.ts";
import { command, withProof } from "./api.ts";
import { attempt } from "./parts.tsx";
import css from "./settings.module.css";

interface Close { close(): void }

export function PasswordDialog({ close }: Close) {
	const [password, setPassword] = useState("");
	const [rotate, setRotate] = useState(false);
	const [busy, setBusy] = useState(false);
	const strength = useStrength(password, [account.value?.address ?? ""]);
	const save = () => {
		setBusy(true);
		void attempt(() => withProof(() => keys().call("changePassword", { password, rotate }))).then((ok) => {
			setBusy(false);
			if (ok) {
				toast({ text: t("passwordChanged") });
				close();
			}
		});
	};
	return (
		<Dialog keep title={t("changePassword")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
				<PasswordField label={t("newPassword")} autocomplete="new-password" required value={password} hint={<StrengthMeter value={strength} />} onInput={(e) => setPassword(e.currentTarget.value)} />
				<Switch label={t("rotateToo")} hint={t("rotateTooHint")} checked={rotate} onChange={setRotate} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary" busy={busy} disabled={!strength?.enough}>{t("changePassword")}</Button></div>
			</form>
		</Dialog>
	);
}

export function RecoveryDialog({ close }: Close) {
	const [code, setCode] = useState<string | null>(null);
	const [typed, setTyped] = useState("");
	useEffect(() => void attempt(async () => setCode(await withProof(() => keys().call("recoveryBegin")))), []);
	const save = () => void attempt(() => withProof(() => keys().call("recoveryFinish", { code: typed }))).then((ok) => {
		if (ok) {
			toast({ text: t("recoveryChanged") });
			close();
		}
	});
	return (
		<Dialog keep title={t("recoveryTitle")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
				<p>{t("recoveryNewLead")}</p>
				<div class={css.secret}>{code}</div>
				<TextField label={t("typeItBack")} value={typed} required autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary">{t("useThisCode")}</Button></div>
			</form>
		</Dialog>
	);
}

function QrCode({ text }: { text: string }) {
	const place = useRef<HTMLCanvasElement>(null);
	useEffect(() => {
		const qr = qrcode(0, "M");
		qr.addData(text);
		qr.make();
		const n = qr.getModuleCount();
		const canvas = place.current as HTMLCanvasElement;
		const context = canvas.getContext("2d") as CanvasRenderingContext2D;
		canvas.width = canvas.height = n * 5;
		for (let y = 0; y < n; y++)
			for (let x = 0; x < n; x++) {
				context.fillStyle = qr.isDark(y, x) ? "#000" : "#fff";
				context.fillRect(x * 5, y * 5, 5, 5);
			}
	}, [text]);
	return <canvas ref={place} class={css.qr} role="img" aria-label={t("qrCode")} />;
}

export function TotpDialog({ close }: Close) {
	const [begun, setBegun] = useState<{ handle: string; secret: string; uri: string } | null>(null);
	const [code, setCode] = useState("");
	useEffect(() => {
		void attempt(async () => setBegun(await command("totp-begin"))).then((ok) => ok || close());
	}, []);
	if (!begun)
		return null;
	const save = () => void attempt(() => command("totp-confirm", { handle: begun.handle, code, name: t("authenticatorApp") })).then((ok) => ok && close());
	return (
		<Dialog keep title={t("addTotp")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
				<p>{t("totpScan")}</p>
				<QrCode text={begun.uri} />
				<div class={css.secret}>{begun.secret.replace(/(.{4})/g, "$1 ").trim()}</div>
				<TextField label={t("sixDigits")} value={code} required inputmode="numeric" autocomplete="one-time-code" maxLength={7} onInput={(e) => setCode(e.currentTarget.value)} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary">{t("turnOn")}</Button></div>
			</form>
		</Dialog>
	);
}

interface PasskeyBegun { handle: string; rpId: string; challenge: string; account: string; credentials: string[] }

/** A passkey; where the browser can, one that opens the keys too. */
export async function addPasskey(): Promise<void> {
	const begun = await command<PasskeyBegun>("passkey-begin");
	const who = account.peek()?.address ?? "";
	const first = await prfInput();
	const credential = await navigator.credentials.create({
		publicKey: {
			rp: { id: begun.rpId, name: "Letterlock" }, user: { id: fromBase64Url(begun.account), name: who, displayName: who },
			challenge: fromBase64Url(begun.challenge), pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key" as const, alg })),
			authenticatorSelection: { residentKey: "preferred", userVerification: "required" }, attestation: "none",
			excludeCredentials: begun.credentials.map((id) => ({ type: "public-key" as const, id: fromBase64Url(id) })),
			extensions: { prf: { eval: { first } } },
		},
	}) as PublicKeyCredential;
	const answer = credential.response as AuthenticatorAttestationResponse;
	const name = t("passkey");
	const added = await command<{ id: string }>("passkey-add", {
		handle: begun.handle, name, clientData: toBase64Url(answer.clientDataJSON), attestationObject: toBase64Url(answer.attestationObject),
	});
	const results = credential.getClientExtensionResults() as { prf?: { results?: { first?: ArrayBuffer } } };
	const prf = results.prf?.results?.first;
	if (prf) {
		const unlocker = await withProof(() => keys().call("addPasskeyUnlocker", { prf: toBase64Url(prf), name }));
		await command("factor-edit", { id: added.id, name, unlocker });
	}
	toast({ text: t(prf ? "passkeyAddedKeys" : "passkeyAdded") });
}

const uses = { mail: Protocol.imap | Protocol.smtp | Protocol.pop, jmap: Protocol.jmap, all: Protocol.imap | Protocol.smtp | Protocol.pop | Protocol.jmap } as const;
const days = { never: 0, month: 30, year: 365 } as const;

export function AppPasswordDialog({ close }: Close) {
	const [name, setName] = useState("");
	const [use, setUse] = useState<keyof typeof uses>("mail");
	const [ends, setEnds] = useState<keyof typeof days>("never");
	const [made, setMade] = useState<string | null>(null);
	const make = () => void attempt(async () => {
		const expires = days[ends] ? Math.floor(Date.now() / 1000) + days[ends] * 86_400 : 0;
		const { password } = await withProof(() => keys().call("addAppPassword", { name: name.trim(), scope: { areas: scopeArea(Area.mail), protocols: uses[use], expires } }));
		setMade(password);
	});
	if (made)
		return (
			<Dialog keep title={t("appPassword")} onClose={close} footer={<><Button icon="copy" onClick={() => void navigator.clipboard.writeText(made)}>{t("copy")}</Button><Button look="primary" onClick={close}>{t("done")}</Button></>}>
				<p>{t("appPasswordMade", { name })}</p>
				<div class={css.secret}>{made}</div>
			</Dialog>
		);
	return (
		<Dialog title={t("appPassword")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); make(); }}>
				<TextField label={t("programName")} required maxLength={60} placeholder="Thunderbird" value={name} onInput={(e) => setName(e.currentTarget.value)} />
				<SelectField<keyof typeof uses> label={t("usedFor")} value={use} options={[["mail", t("useMail")], ["jmap", t("useJmap")], ["all", t("useAll")]]} onChange={(v: keyof typeof uses) => setUse(v)} />
				<SelectField<keyof typeof days> label={t("validFor")} value={ends} options={[["never", t("untilRevoked")], ["month", t("oneMonth")], ["year", t("oneYear")]]} onChange={(v: keyof typeof days) => setEnds(v)} />
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary">{t("make")}</Button></div>
			</form>
		</Dialog>
	);
}
