// One line of recipients: each a chip, with completion from the people one knows.
import { useRef, useState } from "preact/hooks";
import { t } from "./texts.ts";
import type { Address } from "../../../jmap/types.ts";
import { Avatar } from "../../../ui/avatar.tsx";
import { Combobox, type Choice } from "../../../ui/combobox.tsx";
import { knownAddresses } from "../people.ts";
import { parseAddresses, validAddress } from "./letter.ts";
import css from "./recipients.module.css";

export function Recipients({ label, value, onChange, extra, focus }: {
	label: string; value: readonly Address[]; onChange(list: Address[]): void; extra?: preact.ComponentChildren; focus?: boolean;
}) {
	const [text, setText] = useState("");
	const input = useRef<HTMLInputElement | null>(null);
	const last = value.at(-1);
	const there = new Set(value.map((a) => a.email.toLowerCase()));

	const add = (list: readonly Address[]) => {
		const fresh = list.filter((a) => !there.has(a.email.toLowerCase()));
		if (fresh.length)
			onChange([...value, ...fresh]);
		setText("");
	};
	const take = () => {
		const list = parseAddresses(text);
		if (list.length)
			add(list);
		return list.length > 0;
	};
	/** Back into the field, where it can be mended. */
	const mend = (a: Address) => {
		onChange(value.filter((b) => b !== a));
		setText(a.name ? `${a.name} <${a.email}>` : a.email);
		input.current?.focus();
	};
	const key = (e: KeyboardEvent) => {
		if ((e.key === "," || e.key === ";") && validAddress(parseAddresses(text)[0]?.email ?? "")) {
			e.preventDefault();
			take();
		} else if (e.key === "Backspace" && !text && last) {
			e.preventDefault();
			if (validAddress(last.email))
				onChange(value.slice(0, -1));
			else
				mend(last);
		}
	};
	const choices: Choice[] = text.trim() ? knownAddresses(text.trim(), there).slice(0, 7).map((a) => ({
		id: a.email, text: a.email,
		body: <><Avatar name={a.name ?? ""} address={a.email} size={28} /><span class={css.known}><b>{a.name || a.email}</b>{a.name && <span>{a.email}</span>}</span></>,
	})) : [];
	return (
		<div class={css.line} onClick={() => input.current?.focus()}>
			<span class={css.label}>{label}</span>
			<div class={css.chips}>
				{value.map((a) => (
					<span key={a.email} class={css.chip} data-bad={!validAddress(a.email) || undefined} data-tip={validAddress(a.email) ? a.email : t("wrongAddress", { address: a.email })}>
						<span onClick={(e) => { if (e.detail > 1 || !validAddress(a.email)) mend(a); }}>{a.name || a.email}</span>
						{!validAddress(a.email) && <span class="visually-hidden">({t("incomplete")})</span>}
						<button type="button" aria-label={t("removeRecipient", { who: a.name || a.email })}
							onClick={(e) => { e.stopPropagation(); onChange(value.filter((b) => b !== a)); }}>×</button>
					</span>
				))}
				<Combobox label={label} value={text} choices={choices} eager autoFocus={focus ?? false} inputClass={css.input} inputRef={(el) => { input.current = el; }}
					onInput={setText} onKeyDown={key} onEnter={take} onBlur={() => { if (document.activeElement !== input.current) take(); }}
					onChoose={(c) => {
						const known = knownAddresses(text.trim(), there).find((a) => a.email === c.id);
						add([known ?? { name: null, email: c.id }]);
					}}
					onPaste={(e) => {
						const pasted = parseAddresses(e.clipboardData?.getData("text/plain") ?? "");
						if (pasted.length > 1) {
							e.preventDefault();
							add(pasted);
						}
					}} />
			</div>
			{extra}
		</div>
	);
}
