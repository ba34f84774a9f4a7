// Parts of the page that are fetched when they are first shown.
import { useEffect, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import { t } from "../i18n/index.ts";
import { toast } from "../ui/toast.tsx";

export function useLazy<P = object>(wanted: boolean, load: () => Promise<ComponentType<P>>): ComponentType<P> | null {
	const [part, setPart] = useState<{ view: ComponentType<P> } | null>(null);
	useEffect(() => {
		if (wanted && !part)
			load().then((view) => setPart({ view }), () => toast({ text: t("partFailed"), bad: true }));
	}, [wanted]);
	return wanted && part ? part.view : null;
}
