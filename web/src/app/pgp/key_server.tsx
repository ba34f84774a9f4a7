// For whom no key was found: a key server can be asked, which then learns the address. So a person decides.
import { useState } from "preact/hooks";
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { askKeyServer, keyServerFor } from "./lookup.ts";
import type { Guard } from "./guard.ts";
import css from "./pgp.module.css";

export function KeyServer({ address, guard }: { address: string; guard: Guard }) {
	const [state, setState] = useState<"idle" | "asking" | "none" | "failed">("idle");
	const server = keyServerFor(address);
	if (!server)
		return null;
	const ask = async () => {
		setState("asking");
		try {
			if (await askKeyServer(address))
				return guard.choose("encrypt", false); // that is what it was asked for
			setState("none");
		} catch {
			setState("failed");
		}
	};
	if (state === "none")
		return <span class={css.server} role="status">{t("serverHasNone", { server })}</span>;
	return (
		<span class={css.server}>
			<Button busy={state === "asking"} onClick={() => void ask()}>{t("serverAsk", { server })}</Button>
			<small role={state === "failed" ? "alert" : undefined}>{t(state === "failed" ? "unreachable" : "serverLearns", { server })}</small>
		</span>
	);
}
