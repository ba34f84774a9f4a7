// A component that is loaded when it is shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

export function Lazy<P extends object>({ load, props, waiting }: { load: () => Promise<ComponentType<P>>; props: P; waiting?: preact.ComponentChildren }) {
	const [part, setPart] = useState<{ view: ComponentType<P> } | null>(null);
	useEffect(() => void load().then((view) => setPart({ view })), [load]);
	return part ? <part.view {...props} /> : <>{waiting}</>;
}
