// Parts of the page that are fetched when they are first shown.
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/button.tsx";
import { toast } from "../ui/toast.tsx";
import { fetchPart, isStuck, loadAnew, pause, Stuck } from "./fetch_part.ts";
import { strip } from "./offline/hooks.ts";
import css from "./lazy.module.css";

const anew = () => void loadAnew();

const say = (stuck: boolean) => toast(stuck
	? { text: t("partStuck"), bad: true, action: { label: t("loadAnew"), run: anew } }
	: { text: t("partFailed"), bad: true });

/** name: no other part has it. */
interface Wanted<P> { name: string; load(): Promise<ComponentType<P>> }

const none = { times: 0, stuck: false };

/** By name: what has come once is shown at once the next time. */
const views = new Map<string, unknown>();

async function fetchView<P>({ name, load }: Wanted<P>, byHand: boolean): Promise<ComponentType<P>> {
	const view = await fetchPart(name, load, byHand);
	views.set(name, view);
	return view;
}

/** There before it is wanted; that it does not come is nothing to speak of yet. */
export const fetchAhead = <P,>(name: string, load: () => Promise<ComponentType<P>>): Promise<unknown> => load().then(() => fetchView({ name, load }, false));

/** Asked for again after pauses that grow, and at once when the connection is back. */
function usePart<P>({ name, load }: Wanted<P>, wanted: boolean) {
	const [, setPart] = useState<ComponentType<P> | null>(null);
	const [failed, setFailed] = useState(none);
	const away = strip.value !== null;
	const part = views.get(name) as ComponentType<P> | undefined;
	const get = (byHand: boolean) => void fetchView({ name, load }, byHand).then((view) => setPart(() => view), (e) => {
		setFailed(({ times }) => ({ times: times + 1, stuck: e instanceof Stuck }));
	});
	useEffect(() => {
		setFailed(none);
		if (wanted && !part)
			get(false);
	}, [wanted, name]);
	useEffect(() => {
		const timer = wanted && !part && failed.times && !away && setTimeout(get, pause(failed.times), false);
		return () => clearTimeout(timer || undefined);
	}, [failed, away]);
	return { view: part, failed: failed.times > 0, stuck: failed.stuck, again: () => get(true) };
}

/** A view over others; when it does not come, that is said beside them. */
export function useLazy<P = object>(name: string, wanted: boolean, load: () => Promise<ComponentType<P>>): ComponentType<P> | null {
	const { view, failed, stuck } = usePart({ name, load }, wanted);
	useEffect(() => {
		if (wanted && failed)
			say(stuck);
	}, [failed, stuck]);
	return (wanted && view) || null;
}

/** A view of its own; when it does not come, that is said in its place. */
export function Lazy<P extends object>({ name, load, props, waiting = null }: Wanted<P> & { props: P; waiting?: ComponentChildren }) {
	const { view: View, failed, stuck, again } = usePart({ name, load }, true);
	if (View)
		return <View {...props} />;
	if (!failed)
		return <>{waiting}</>;
	return (
		<div class={css.failed} role="alert">
			<p>{t(stuck ? "partStuck" : "partFailed")}</p>
			{stuck ? <Button onClick={anew}>{t("loadAnew")}</Button> : <Button onClick={again}>{t("tryAgain")}</Button>}
		</div>
	);
}

/** What a click wanted to fetch, and nobody else tells of. */
export function watchParts(): void {
	addEventListener("unhandledrejection", (e) => {
		const what = String(e.reason);
		if (!/import(ed|ing)\b.*\bmodule/i.test(what))
			return;
		e.preventDefault();
		void isStuck(what).then(say);
	});
}
