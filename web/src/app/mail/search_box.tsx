// The search field: instant matches of people and subjects that are known already, operators to choose from,
// and the whole search by the server on Enter.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { t, type Key } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { Combobox, type Choice } from "../../ui/combobox.tsx";
import { Icon } from "../../ui/icon.tsx";
import { IconButton } from "../../ui/button.tsx";
import { shortDate } from "../dates.ts";
import { address, go } from "../router.ts";
import { knownAddresses } from "./people.ts";
import { mail, place } from "./state.ts";
import css from "./search_box.module.css";

const operators: readonly (readonly [string, Key])[] = [
	["from:", "opFrom"], ["to:", "opTo"], ["subject:", "opSubject"], ["has:attachment", "opAttachment"], ["is:unread", "opUnread"],
	["is:starred", "opStarred"], ["in:", "opIn"], ["after:", "opAfter"], ["before:", "opBefore"], ["larger:", "opLarger"],
];
const recent = signal<readonly string[]>([]);

function operatorChoices(last: string, before: string): Choice[] {
	return operators.filter(([op]) => !last || (op.startsWith(last.toLowerCase()) && op !== last)).slice(0, last ? 4 : 6).map(([op, key]) => ({
		id: `op-${op}`, text: `${before}${op}`, body: <><span class={css.icon}><Icon name="filter" size={16} /></span><code class={css.op}>{op}</code><span class={css.dim}>{t(key)}</span></>,
	}));
}

function peopleChoices(last: string, before: string): Choice[] {
	const [, op = "from:", typed = ""] = /^(from:|to:|cc:)?(.*)$/i.exec(last) ?? [];
	if (typed.length < 2)
		return [];
	return knownAddresses(typed).slice(0, 3).map((a) => ({
		id: `p-${a.email}`, text: `${before}${op}${a.email} `,
		body: <><Avatar name={a.name ?? ""} address={a.email} size={24} /><span class={css.subject}>{a.name || a.email}</span><span class={css.dim}>{op}{a.email}</span></>,
	}));
}

function subjectChoices(text: string): Choice[] {
	if (text.length < 2 || text.includes(":"))
		return [];
	const want = text.toLocaleLowerCase();
	const seen = new Set<Id>();
	const out: Choice[] = [];
	for (const id of mail().emails.ids()) {
		const e = mail().emails.peek(id);
		if (!e || seen.has(e.threadId) || !e.subject?.toLocaleLowerCase().includes(want))
			continue;
		seen.add(e.threadId);
		out.push({ id: `m-${id}`, text, body: <><span class={css.icon}><Icon name="mail" size={16} /></span><span class={css.subject}>{e.subject}</span><span class={css.dim}>{shortDate(e.receivedAt)}</span></> });
		if (out.length === 4)
			break;
	}
	return out;
}

function recentChoices(text: string): Choice[] {
	return text ? [] : recent.value.map((r) => ({ id: `r-${r}`, text: r, body: <><span class={css.icon}><Icon name="clock" size={16} /></span><span>{r}</span></> }));
}

function search(text: string): void {
	const what = text.trim();
	if (!what)
		return go(address("mail", "inbox"));
	recent.value = [what, ...recent.value.filter((r) => r !== what)].slice(0, 5);
	go(address("search", what));
	(document.activeElement as HTMLElement | null)?.blur();
}

export function SearchBox() {
	const p = place.value;
	const [text, setText] = useState(p.search);

	useEffect(() => setText(p.kind === "search" ? p.search : ""), [p.key]);
	const before = text.slice(0, text.lastIndexOf(" ") + 1);
	const last = text.slice(before.length);
	const choices = [...recentChoices(text), ...subjectChoices(text.trim()), ...peopleChoices(last, before), ...operatorChoices(last, before)];
	const choose = (c: Choice) => {
		if (c.id.startsWith("m-"))
			return go(address("mail", "all", c.id.slice(2)));
		setText(c.text);
		if (c.id.startsWith("op-") && /:$/.test(c.text))
			return;
		search(c.text);
	};
	return (
		<search class={css.box} data-kept>
			<Icon name="search" size={17} />
			<Combobox label={t("search")} value={text} placeholder={t("searchPlaceholder")} choices={choices} inputClass={css.input}
				inputRef={(el) => { if (el) el.id = "search"; }} onInput={setText} onChoose={choose} onEnter={() => search(text)}
				onKeyDown={(e) => {
					if (e.key === "Escape" && !text)
						(e.target as HTMLElement).blur();
				}} />
			{text && <IconButton icon="close" label={t("clearSearch")} small size={15} onClick={() => { setText(""); if (p.kind === "search") search(""); }} />}
		</search>
	);
}
