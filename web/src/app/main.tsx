// The page starts here: language and looks, then whoever is signed in.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import "../ui/base.css";
import { preferredLanguage, t, useLanguage } from "../i18n/index.ts";
import { Button } from "../ui/button.tsx";
import { Spinner } from "../ui/progress.tsx";
import { Toasts } from "../ui/toast.tsx";
import { startTooltips } from "../ui/tooltip.ts";
import tips from "../ui/tooltip.module.css";
import { Lazy, watchParts } from "./lazy.tsx";
import { Logo } from "./logo.tsx";
import { prefs, startTheme } from "./prefs.ts";
import { route, startLinks } from "./router.ts";
import { lookAround, stage } from "./session.ts";
import { Shell } from "./shell.tsx";
import css from "./main.module.css";

const loadAuth = () => import("./auth/index.tsx").then((m) => m.Auth);
const Auth = () => <Lazy name="auth" load={loadAuth} props={{}} waiting={<Waiting />} />;
const loadAuthorize = () => import("./authorize/index.tsx").then((m) => m.Authorize);
const Authorize = () => <Lazy name="authorize" load={loadAuthorize} props={{}} waiting={<Waiting />} />;

function Waiting() {
	return <div class={css.middle}><Spinner label={t("loading")} /></div>;
}

/** Seconds after which it is tried again without being asked to. */
const retry = 15;

function Unreachable() {
	useEffect(() => {
		const again = () => void lookAround();
		const timer = setInterval(again, retry * 1000);
		addEventListener("online", again);
		return () => { clearInterval(timer); removeEventListener("online", again); };
	}, []);
	return (
		<main class={css.middle}>
			<Logo size={44} />
			<div class={css.said} role="alert"><h1>{t("unreachable")}</h1><p>{t("unreachableLead")}</p></div>
			<Button onClick={() => void lookAround()}>{t("tryAgain")}</Button>
		</main>
	);
}

function Page() {
	const { view } = route.value;
	const open = stage.value === "open" && view !== "signup";
	return (
		<>
			{stage.value === "starting" ? <Waiting /> : stage.value === "unreachable" ? <Unreachable /> : open ? view === "authorize" ? <Authorize /> : <Shell /> : <Auth />}
			<Toasts />
		</>
	);
}

async function start(): Promise<void> {
	startTheme();
	startLinks();
	watchParts();
	startTooltips({ tip: tips.tip ?? "", key: tips.key ?? "" });
	await useLanguage(preferredLanguage(prefs.value.language, navigator.languages)).catch(() => undefined);
	render(<Page />, document.getElementById("app") as HTMLElement);
	await lookAround();
}

void start();
