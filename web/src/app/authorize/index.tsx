// The page to which a program sends its user to be let in (docs/api/oauth.md). Nothing goes to the program without a click.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { toast } from "../../ui/toast.tsx";
import { Card, Frame } from "../auth/index.tsx";
import { keys } from "../auth/keys.ts";
import { account } from "../session.ts";
import { Cancelled, withProof } from "../settings/api.ts";
import { PasswordQuestion } from "../settings/parts.tsx";
import { backTo, readRequest, reads, sends, type OAuthRequest } from "./request.ts";
import { t, type Key } from "./texts.ts";
import css from "./authorize.module.css";

const days = { forever: 0, month: 30, year: 365 } as const;
type Lasts = keyof typeof days;
/** A click that was meant for what stood here before is none. */
const SETTLE_MS = 700;

/** False for a moment after the page has come to the front. */
function useSettled(): boolean {
	const [settled, setSettled] = useState(false);
	useEffect(() => {
		let timer = 0;
		const wait = () => {
			clearTimeout(timer);
			setSettled(false);
			timer = setTimeout(() => setSettled(true), SETTLE_MS) as unknown as number;
		};
		wait();
		addEventListener("focus", wait);
		document.addEventListener("visibilitychange", wait);
		return () => {
			clearTimeout(timer);
			removeEventListener("focus", wait);
			document.removeEventListener("visibilitychange", wait);
		};
	}, []);
	return settled;
}

async function allow(q: OAuthRequest, lasts: Lasts): Promise<void> {
	const expires = days[lasts] ? Math.floor(Date.now() / 1000) + days[lasts] * 86_400 : 0;
	const { code } = await withProof(() => keys().call("oauthGrant", {
		name: q.name, scope: { areas: q.areas, protocols: q.protocols, expires }, clientId: q.clientId, redirectUri: q.redirectUri, challenge: q.challenge,
	}));
	leave(q, { code });
}

function leave(q: OAuthRequest, fields: Record<string, string>): void {
	location.assign(backTo(q, fields, location.origin));
}

const places: Record<OAuthRequest["kind"], Key> = { site: "authorizeSite", loopback: "authorizeLoopback", program: "authorizeProgram" };

function Facts({ q }: { q: OAuthRequest }) {
	return (
		<dl class={css.facts}>
			<div><dt>{t("authorizeAccount")}</dt><dd>{account.value?.address}</dd></div>
			<div>
				<dt>{t("authorizeMay")}</dt>
				<dd><ul>{reads(q) && <li>{t("authorizeRead")}</li>}{sends(q) && <li>{t("authorizeSend")}</li>}</ul></dd>
			</div>
			<div><dt>{t("authorizeTo")}</dt><dd>{t(places[q.kind], { target: q.target })}</dd></div>
		</dl>
	);
}

function Question({ q, answered }: { q: OAuthRequest; answered(allowed: boolean): void }) {
	const [lasts, setLasts] = useState<Lasts>("forever");
	const [busy, setBusy] = useState(false);
	const settled = useSettled();
	const yes = () => {
		setBusy(true);
		allow(q, lasts).then(() => answered(true), (e) => {
			if (!(e instanceof Cancelled))
				toast({ text: t("authorizeFailed"), bad: true });
		}).finally(() => setBusy(false));
	};
	const no = () => {
		leave(q, { error: "access_denied" });
		answered(false);
	};
	return (
		<Card title={t("authorizeTitle", { name: q.name })} lead={t("authorizeLead")}>
			<Facts q={q} />
			<SelectField<Lasts> label={t("authorizeLasts")} value={lasts} onChange={setLasts}
				options={[["forever", t("authorizeForever")], ["month", t("authorizeMonth")], ["year", t("authorizeYear")]]} />
			<p class={css.note}>{t("authorizeNot")}</p>
			<div class={css.buttons}>
				<Button disabled={busy} onClick={no}>{t("authorizeDeny")}</Button>
				<Button look="primary" busy={busy} disabled={!settled} onClick={yes}>{t("authorizeAllow")}</Button>
			</div>
		</Card>
	);
}

/** The program asks for what there is not: it may be told, if its user wants that. */
function Impossible({ q }: { q: OAuthRequest }) {
	return (
		<Card title={t("authorizeWrong")} lead={t("authorizeUnknown")}>
			<Button look="primary" onClick={() => leave(q, { error: q.error })}>{t("authorizeTellIt")}</Button>
		</Card>
	);
}

function Content({ q }: { q: OAuthRequest | null }) {
	const [answer, setAnswer] = useState<boolean | null>(null);
	if (!q)
		return <Card title={t("authorizeWrong")} lead={t("authorizeWrongLead")}>{null}</Card>;
	if (answer !== null)
		return <Card title={t(answer ? "authorizeAllowed" : "authorizeDenied", { name: q.name })} lead={t("authorizeBack")}>{null}</Card>;
	return q.error ? <Impossible q={q} /> : <Question q={q} answered={setAnswer} />;
}

export function Authorize() {
	const [request, setRequest] = useState<{ q: OAuthRequest | null } | "failed" | null>(null);
	const load = () => void readRequest(location.search).then((q) => setRequest({ q }), () => setRequest("failed"));
	useEffect(load, []);
	let content: ComponentChildren = <Spinner label={t("loading")} />;
	if (request === "failed")
		content = <Card title={t("unreachable")}><Button onClick={load}>{t("tryAgain")}</Button></Card>;
	else if (request)
		content = <Content q={request.q} />;
	return <><Frame>{content}</Frame><PasswordQuestion /></>;
}
