// The keys of correspondents: which one is used for whom, where it came from, and comparing its fingerprint.
import { useState } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import type { KeyInfo, Source } from "../../pgp/client";
import { Button, IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu } from "../../ui/menu.tsx";
import { attempt, Group, Item, useData } from "../settings/parts.tsx";
import { Fingerprint } from "./fingerprint.tsx";
import { now, persist, pgp } from "./worker.ts";
import css from "./pgp.module.css";

export interface Known { address: string; info: KeyInfo; source: Source; pinned: boolean; verified: boolean }

const sources: Record<Source, Key> = {
	manual: "sourceManual", directory: "sourceDirectory", wkd: "sourceWkd", dane: "sourceDane", autocrypt: "sourceAutocrypt", attached: "sourceAttached", keyserver: "sourceKeyserver",
};

async function load(): Promise<Known[]> {
	const p = await pgp();
	const out: Known[] = [];
	for (const address of await p.call("addresses"))
		for (const c of await p.call("contact", { address }))
			out.push({ address, ...c });
	return out;
}

function standing(k: Known): string {
	const state: Key = k.info.revoked ? "pgpIsRevoked" : !k.info.canEncrypt ? "pgpUnusable" : k.verified ? "pgpIsCompared" : k.pinned ? "pgpIsUsed" : "pgpIsFound";
	return `${t(state)} · ${t(sources[k.source])}`;
}

export function Correspondents() {
	const { data, again } = useData(load);
	const [filter, setFilter] = useState("");
	const act = (run: () => Promise<unknown>) => void attempt(async () => { await run(); persist(); }).then(again);
	const shown = (data ?? []).filter((k) => k.address.includes(filter.toLowerCase()));
	const entries = (k: Known) => [
		...(k.verified ? [] : [{ label: t("pgpCompared"), icon: "check" as const, run: () => act(async () => (await pgp()).call("pin", { address: k.address, fingerprint: k.info.fingerprint, verified: true, at: now() })) }]),
		...(k.pinned ? [{ label: t("pgpUnpin"), icon: "undo" as const, run: () => act(async () => (await pgp()).call("unpin", { address: k.address })) }] : []),
		{ label: t("pgpForget"), icon: "trash" as const, danger: true, run: () => act(async () => (await pgp()).call("forget", { address: k.address, fingerprint: k.info.fingerprint })) },
	];
	return (
		<Group title={t("pgpTheirs")} lead={t("pgpTheirsLead")} action={<Button icon="refresh" onClick={again}>{t("pgpReload")}</Button>}>
			{(data?.length ?? 0) > 8 && <div class={css.filter}><input type="search" aria-label={t("search")} placeholder={t("search")} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} /></div>}
			{shown.map((k) => (
				<Item key={`${k.address} ${k.info.fingerprint}`} icon={<Icon name={k.verified ? "check" : "user"} size={20} />} title={k.address}
					detail={<span class={css.keyDetail}><Fingerprint value={k.info.fingerprint} /><span>{standing(k)}</span></span>}>
					<Menu label={t("pgpKeyMenu")} side="end" entries={() => entries(k)} button={(p) => <IconButton icon="more" label={t("pgpKeyMenu")} {...p} />} />
				</Item>
			))}
			{data?.length === 0 && <Item title={t("pgpTheirsNone")} />}
		</Group>
	);
}
