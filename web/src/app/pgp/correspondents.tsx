// The keys of correspondents: which one is used for whom, where it came from, and comparing its fingerprint.
import { useEffect, useState } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import type { KeyInfo, Source } from "../../pgp/client";
import { Button, IconButton } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu } from "../../ui/menu.tsx";
import { attempt, Group, Item, useData } from "../settings/parts.tsx";
import { Fingerprint } from "./fingerprint.tsx";
import { syncState, type SyncState, wentBack } from "./sync.ts";
import { now, persistNow, pgp } from "./worker.ts";
import css from "./pgp.module.css";

/** With more, one searches. */
const shownMost = 200;

export interface Known { address: string; info: KeyInfo; source: Source; pinned: boolean; verified: boolean }

const sources: Record<Source, Key> = {
	manual: "sourceManual", directory: "sourceDirectory", wkd: "sourceWkd", dane: "sourceDane", autocrypt: "sourceAutocrypt", attached: "sourceAttached", keyserver: "sourceKeyserver",
};

async function load(): Promise<Known[]> {
	const p = await pgp();
	const out: Known[] = [];
	const own = new Set((await p.call("ownKeys")).map((k) => k.fingerprint));
	for (const address of await p.call("addresses"))
		for (const c of await p.call("contact", { address }))
			if (!own.has(c.info.fingerprint))
				out.push({ address, ...c });
	return out;
}

function standing(k: Known, all: readonly Known[]): string {
	const other = !k.pinned && all.some((o) => o.address === k.address && o.pinned);
	const state: Key = k.info.revoked ? "pgpIsRevoked" : !k.info.canEncrypt ? "pgpUnusable" : k.verified ? "pgpIsCompared" : k.pinned ? "pgpIsUsed" : other ? "pgpOtherKey" : "pgpIsFound";
	return `${t(state)} · ${t(sources[k.source])}`;
}

type Question = "compare" | "take" | "forget";
const titles: Record<Question, Key> = { compare: "pgpCompareTitle", take: "pgpTakeTitle", forget: "pgpForgetTitle" };
const leads: Record<Question, Key> = { compare: "pgpCompareHow", take: "pgpTakeWarn", forget: "pgpForgetWarn" };
const answers: Record<Question, Key> = { compare: "pgpCompared", take: "pgpTakeKey", forget: "pgpForget" };

async function answer(k: Known, what: Question): Promise<unknown> {
	const [p, of] = [await pgp(), { address: k.address, fingerprint: k.info.fingerprint }];
	if (what === "forget")
		return p.call("forget", of);
	return what === "take" ? p.call("exchange", { ...of, at: now() }) : p.call("pin", { ...of, verified: true, at: now() });
}

function Ask({ of, what, act, close }: { of: Known; what: Question; act(run: () => Promise<unknown>): void; close(): void }) {
	const yes = () => { close(); act(() => answer(of, what)); };
	return (
		<Dialog title={t(titles[what], { who: of.address })} onClose={close} footer={<>
			<Button onClick={close}>{t("cancel")}</Button>
			<Button look={what === "compare" ? "primary" : "danger"} onClick={yes}>{t(answers[what])}</Button>
		</>}>
			<div class={css.details}><p>{t(leads[what], { who: of.address })}</p><p><Fingerprint value={of.info.fingerprint} /></p></div>
		</Dialog>
	);
}

function Row({ k, all, act }: { k: Known; all: readonly Known[]; act(run: () => Promise<unknown>): void }) {
	const [question, setQuestion] = useState<Question | null>(null);
	const usable = k.info.canEncrypt && !k.info.revoked;
	const entries = () => [
		...(usable && !k.verified ? [{ label: t("pgpCompared"), icon: "check" as const, run: () => setQuestion("compare") }] : []),
		...(usable && !k.pinned && all.some((o) => o.address === k.address && o.pinned) ? [{ label: t("pgpTakeKey"), icon: "warning" as const, run: () => setQuestion("take") }] : []),
		...(k.pinned ? [{ label: t("pgpUnpin"), icon: "undo" as const, run: () => act(async () => (await pgp()).call("unpin", { address: k.address })) }] : []),
		{ label: t("pgpForget"), icon: "trash" as const, danger: true, run: () => setQuestion("forget") },
	];
	return (
		<>
			<Item icon={<Icon name={k.verified ? "check" : "user"} size={20} />} title={<span data-key-of={k.address} data-verified={k.verified} data-used={k.pinned} data-fingerprint={k.info.fingerprint}>{k.address}</span>}
				detail={<span class={css.keyDetail}><Fingerprint value={k.info.fingerprint} /><span>{standing(k, all)}</span></span>}>
				<Menu label={t("pgpKeyMenu")} side="end" entries={entries} button={(p) => <IconButton icon="more" label={t("pgpKeyMenu")} {...p} />} />
			</Item>
			{question && <Ask of={k} what={question} act={act} close={() => setQuestion(null)} />}
		</>
	);
}

const told: Record<SyncState, Key> = { waiting: "syncWaiting", done: "syncDone", failed: "syncFailed" };

/** Whether the other browsers know it, too. */
function Others() {
	const icon = wentBack.value || syncState.value === "failed" ? "warning" : "shield";
	return (
		<Group title={t("syncTitle")} lead={t("syncLead")}>
			<Item icon={<Icon name={icon} size={20} />} title={<span data-sync={syncState.value}>{t(told[syncState.value])}</span>} />
			{wentBack.value && <Item icon={<Icon name="warning" size={20} />} title={<span data-went-back role="alert">{t("syncOld")}</span>} />}
		</Group>
	);
}

export function Correspondents() {
	const { data, again } = useData(load);
	const [filter, setFilter] = useState("");
	const act = (run: () => Promise<unknown>) => void attempt(async () => { await run(); await persistNow(); }).then(again);
	useEffect(() => syncState.subscribe((s) => { if (s === "done") again(); }), []);
	const all = data ?? [];
	const shown = all.filter((k) => k.address.includes(filter.toLowerCase())).slice(0, shownMost);
	return (
		<>
			<Group title={t("pgpTheirs")} lead={t("pgpTheirsLead")} action={<Button icon="refresh" onClick={again}>{t("pgpReload")}</Button>}>
				{all.length > 8 && <div class={css.filter}><input type="search" aria-label={t("search")} placeholder={t("search")} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} /></div>}
				{shown.map((k) => <Row key={`${k.address} ${k.info.fingerprint}`} k={k} all={all} act={act} />)}
				{data?.length === 0 && <Item title={t("pgpTheirsNone")} />}
			</Group>
			<Others />
		</>
	);
}
