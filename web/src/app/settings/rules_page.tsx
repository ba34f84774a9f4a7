// Rules: their list and order, making and editing them, applying one to mail that is here already.
import { useEffect, useRef, useState } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SelectField, Switch, TextField } from "../../ui/field.tsx";
import { Menu } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { boxName, labelName } from "../mail/actions.ts";
import { applyRule, begun, emptyRule, loadRules, setRules, type Actions, type Condition, type Match, type NewRule, type Rule } from "../mail/rules.ts";
import { sortMailboxes } from "../mail/sidebar.tsx";
import { mail } from "../mail/state.ts";
import { attempt, Group, Item, useData, Waiting } from "./parts.tsx";
import css from "./settings.module.css";

type Kind = "from" | "to" | "subject" | "listId" | "header" | "hasAttachment" | "larger" | "smaller";
const kinds: Record<Kind, Key> = {
	from: "from", to: "to", subject: "subject", listId: "fieldListId", header: "fieldHeader", hasAttachment: "fieldAttachment", larger: "fieldLarger", smaller: "fieldSmaller",
};
const matches: Record<Match, Key> = { contains: "matchContains", is: "matchIs", domain: "matchDomain" };
const megabyte = 1_000_000;

const kindOf = (c: Condition): Kind => (c.field === "size" ? (c.atLeast !== undefined ? "larger" : "smaller") : c.field);

function withKind(c: Condition, kind: Kind): Condition {
	if (kind === "hasAttachment")
		return { field: kind };
	if (kind === "larger" || kind === "smaller")
		return { field: "size", [kind === "larger" ? "atLeast" : "below"]: 5 * megabyte };
	const people = kind === "from" || kind === "to";
	return {
		field: kind, match: c.match === "domain" && !people ? "contains" : c.match ?? "contains", value: c.value ?? "",
		...(kind === "header" ? { name: c.name ?? "" } : {}),
	};
}

function ConditionRow({ c, set, remove }: { c: Condition; set(c: Condition): void; remove: (() => void) | null }) {
	const kind = kindOf(c);
	const people = kind === "from" || kind === "to";
	const offered = (Object.keys(matches) as Match[]).filter((m) => people || m !== "domain");
	return (
		<div class={css.condition}>
			<SelectField<Kind> label={t("ruleField")} value={kind} options={(Object.keys(kinds) as Kind[]).map((k) => [k, t(kinds[k])] as const)} onChange={(k: Kind) => set(withKind(c, k))} />
			{kind === "header" && <TextField label={t("ruleHeaderName")} required maxLength={100} value={c.name ?? ""} onInput={(e) => set({ ...c, name: e.currentTarget.value })} />}
			{c.match && <SelectField<Match> label={t("ruleMatch")} value={c.match} options={offered.map((m) => [m, t(matches[m])] as const)} onChange={(match: Match) => set({ ...c, match })} />}
			{c.match && <TextField label={t("ruleValue")} required maxLength={300} value={c.value ?? ""} onInput={(e) => set({ ...c, value: e.currentTarget.value })} />}
			{c.field === "size" && (
				<TextField label={t(kinds[kind])} type="number" required min="0.1" step="0.1" value={String((c.atLeast ?? c.below ?? 0) / megabyte)}
					onInput={(e) => set({ field: "size", [kind === "larger" ? "atLeast" : "below"]: Math.round(Number(e.currentTarget.value) * megabyte) })} />
			)}
			{remove && <IconButton icon="close" label={t("removeCondition")} small onClick={remove} />}
		</div>
	);
}

function ActionFields({ a, set }: { a: Actions; set(a: Partial<Actions>): void }) {
	const boxes = sortMailboxes([...mail().mailboxes.value.values()]).filter((m) => !["drafts", "sent", "scheduled", "snoozed", "trash"].includes(m.role ?? ""));
	return (
		<>
			<SelectField label={t("ruleMove")} value={a.moveTo ?? ""} options={[["", t("ruleNoMove")] as const, ...boxes.map((m) => [m.id, boxName(m)] as const)]} onChange={(id) => set({ moveTo: id || null })} />
			<TextField label={t("ruleLabel")} maxLength={60} value={(a.keywords[0] ?? "").replace(/_/g, " ")} onInput={(e) => set({ keywords: withLabel(a.keywords, e.currentTarget.value) })} />
			<Switch label={t("markRead")} checked={a.seen} onChange={(seen) => set({ seen })} />
			<Switch label={t("star")} checked={a.flagged} onChange={(flagged) => set({ flagged })} />
			<Switch label={t("ruleTrash")} checked={a.trash} onChange={(trash) => set({ trash })} />
			<Switch label={t("ruleStop")} checked={a.stop} onChange={(stop) => set({ stop })} />
		</>
	);
}

/** A label as a keyword of IMAP: Latin letters, no brackets or quotation marks, a line for a space. */
export function keywordOf(typed: string): string {
	return typed.trimStart().toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replace(/\s+/g, "_").replace(/[^a-z0-9_.-]/g, "");
}

/** The first one can be changed here; others, which another program set, stay. */
function withLabel(keywords: readonly string[], typed: string): string[] {
	const label = keywordOf(typed);
	return label ? [label, ...keywords.slice(1)] : keywords.slice(1);
}

const doesSomething = (a: Actions) => Boolean(a.moveTo) || a.keywords.length > 0 || a.seen || a.flagged || a.trash || a.stop;

function RuleDialog({ start, onSave, close }: { start: NewRule; onSave(rule: NewRule): Promise<boolean>; close(): void }) {
	const [rule, setRule] = useState(start);
	const [error, setError] = useState(false);
	const set = (part: Partial<NewRule>) => { setError(false); setRule({ ...rule, ...part }); };
	const save = () => {
		if (!doesSomething(rule.actions))
			return setError(true);
		void onSave({ ...rule, name: rule.name.trim() }).then((ok) => ok && close());
	};
	return (
		<Dialog keep shape="wide" title={t("id" in start ? "editRule" : "newRule")} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); save(); }}>
				<TextField label={t("ruleName")} required maxLength={60} value={rule.name} onInput={(e) => set({ name: e.currentTarget.value })} />
				<SelectField label={t("ruleWhen")} value={rule.matchAll ? "all" : "any"} options={[["all", t("ruleAll")], ["any", t("ruleAny")]]} onChange={(v) => set({ matchAll: v === "all" })} />
				{rule.conditions.map((c, i) => (
					<ConditionRow key={i} c={c} set={(n) => set({ conditions: rule.conditions.map((o, j) => (j === i ? n : o)) })}
						remove={rule.conditions.length > 1 ? () => set({ conditions: rule.conditions.filter((_, j) => j !== i) }) : null} />
				))}
				<div><Button icon="plus" disabled={rule.conditions.length >= 32} onClick={() => set({ conditions: [...rule.conditions, { field: "subject", match: "contains", value: "" }] })}>{t("addCondition")}</Button></div>
				<h3>{t("ruleThen")}</h3>
				<ActionFields a={rule.actions} set={(part) => set({ actions: { ...rule.actions, ...part } })} />
				{error && <p role="alert" class={css.wrong}>{t("ruleNeedsAction")}</p>}
				<div class={css.buttons}><Button onClick={close}>{t("cancel")}</Button><Button type="submit" look="primary">{t("save")}</Button></div>
			</form>
		</Dialog>
	);
}

function conditionText(c: Condition): string {
	const kind = kindOf(c);
	if (c.field === "hasAttachment")
		return t("fieldAttachment");
	if (c.field === "size")
		return `${t(kinds[kind])} ${(c.atLeast ?? c.below ?? 0) / megabyte}`;
	return `${c.field === "header" ? c.name : t(kinds[kind])} ${t(matches[c.match ?? "contains"])} “${c.value}”`;
}

function summary(rule: Rule): string {
	const a = rule.actions;
	const box = a.moveTo ? mail().mailboxes.value.get(a.moveTo) : undefined;
	const does = [
		box ? `${t("ruleMove")} ${boxName(box)}` : "", a.trash ? t("ruleTrash") : "", ...a.keywords.map(labelName),
		a.seen ? t("markRead") : "", a.flagged ? t("star") : "", a.stop ? t("ruleStop") : "",
	].filter(Boolean);
	return `${rule.conditions.map(conditionText).join(rule.matchAll ? " · " : " / ")} → ${does.join(", ")}`;
}

/** The id of a rule is the server's; all else may be set. */
const partsOf = ({ name, order, isEnabled, matchAll, conditions, actions }: NewRule): NewRule => ({ name, order, isEnabled, matchAll, conditions, actions });

function apply(rule: Rule): void {
	void attempt(async () => {
		const { n, undo } = await applyRule(rule);
		toast({ text: t("ruleApplied", { n }), undo: n > 0 ? undo : undefined });
	});
}

/** The rule that was moved last. */
let moved = "";

function RuleItem({ rule, i, all, again, edit }: { rule: Rule; i: number; all: readonly Rule[]; again(): void; edit(): void }) {
	const tools = useRef<HTMLSpanElement>(null);
	const change = (act: () => Promise<void>) => void attempt(act).then(again);
	// At the top and at the bottom the button that was used is switched off: who moves by keyboard goes on with its neighbour.
	useEffect(() => {
		const at = document.activeElement;
		if (moved === rule.id && (at === document.body || at?.matches(":disabled")))
			tools.current?.querySelector<HTMLElement>("button:enabled")?.focus();
	}, [i]);
	const moveTo = (to: number) => {
		const order = all.filter((r) => r !== rule);
		order.splice(to, 0, rule);
		moved = rule.id;
		change(() => setRules({ update: Object.fromEntries(order.map((r, n) => [r.id, { order: n + 1 }])) }));
	};
	const remove = () => change(async () => {
		await setRules({ destroy: [rule.id] });
		toast({ text: t("ruleDeleted"), undo: () => change(() => setRules({ create: { r: partsOf(rule) } })) });
	});
	return (
		<Item title={rule.name || t("rules")} detail={summary(rule)}>
			<span class={css.ruleTools} ref={tools}>
				<IconButton icon="up" label={t("ruleMoveUp", { name: rule.name })} small disabled={i === 0} onClick={() => moveTo(i - 1)} />
				<IconButton icon="down" label={t("ruleMoveDown", { name: rule.name })} small disabled={i === all.length - 1} onClick={() => moveTo(i + 1)} />
				<Menu label={t("moreActions")} side="end" button={(p) => <IconButton icon="more" label={t("moreActions")} small {...p} />} entries={() => [
					{ label: t("edit"), icon: "compose", run: edit },
					{ label: t("ruleOn"), checked: rule.isEnabled, run: () => change(() => setRules({ update: { [rule.id]: { isEnabled: !rule.isEnabled } } })) },
					{ label: t("ruleApply"), icon: "inbox", run: () => apply(rule) },
					"line",
					{ label: t("delete"), icon: "trash", danger: true, run: remove },
				]} />
			</span>
		</Item>
	);
}

export function RulesPage() {
	const { data, failed, again } = useData(loadRules);
	const [open, setOpen] = useState<NewRule | Rule | null>(null);
	useEffect(() => {
		if (begun.value)
			setOpen(begun.value);
		begun.value = null;
	}, []);
	const save = (rule: NewRule) => attempt(async () => {
		const last = Math.max(0, ...(data ?? []).map((r) => r.order));
		if ("id" in rule)
			await setRules({ update: { [(rule as Rule).id]: partsOf(rule) } });
		else
			await setRules({ create: { r: { ...rule, order: last + 1 } } });
		again();
		toast({ text: t("saved") });
	});
	return (
		<Group lead={t("rulesLead")} action={<Button icon="plus" look="primary" onClick={() => setOpen(emptyRule())}>{t("newRule")}</Button>}>
			{!data && <Waiting failed={failed} again={again} />}
			{data?.length === 0 && <Item title={t("noRules")} />}
			{data?.map((r, i) => <RuleItem key={r.id} rule={r} i={i} all={data} again={again} edit={() => setOpen(r)} />)}
			{open && <RuleDialog start={open} onSave={save} close={() => setOpen(null)} />}
		</Group>
	);
}
