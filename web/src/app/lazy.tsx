// Parts of the page that are fetched when they are first shown.
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/button.tsx";
import { toast } from "../ui/toast.tsx";
import { strip } from "./offline/hooks.ts";
import css from "./lazy.module.css";

const sayFailed = () => toast({ text: t("partFailed"), bad: true });

export function useLazy<P = object>(wanted: boolean, load: () => Promise<ComponentType<P>>): ComponentType<P> | null {
	const [part, setPart] = useState<{ view: ComponentType<P> } | null>(null);
	useEffect(() => {
		if (wanted && !part)
			load().then((view) => setPart({ view }), sayFailed);
	}, [wanted]);
	return wanted && part ? part.view : null;
}

/** A view of its own; when it does not come, that is said, and it is asked for again when the server is there again. */
export function Lazy<P extends object>({ load, props, waiting = null }: { load: () => Promise<ComponentType<P>>; props: P; waiting?: ComponentChildren }) {
	const [part, setPart] = useState<{ view: ComponentType<P> } | null>(null);
	const [failed, setFailed] = useState(0);
	const away = strip.value !== null;
	const get = () => void load().then((view) => setPart({ view }), () => setFailed((n) => n + 1));
	useEffect(get, [load]);
	// What failed while the connection came back is asked for once more, after a pause that grows.
	useEffect(() => {
		const timer = failed && !away && setTimeout(get, Math.min(30_000, 250 * 2 ** failed));
		return () => clearTimeout(timer || undefined);
	}, [failed, away]);
	if (part)
		return <part.view {...props} />;
	return failed ? <div class={css.failed} role="alert"><p>{t("partFailed")}</p><Button onClick={get}>{t("tryAgain")}</Button></div> : <>{waiting}</>;
}

/** What a click wanted to fetch, and nobody else tells of. */
export function watchParts(): void {
	addEventListener("unhandledrejection", (e) => {
		if (!/import(ed|ing)\b.*\bmodule/i.test(String(e.reason)))
			return;
		e.preventDefault();
		sayFailed();
	});
}
