// Above the text of a letter: from whom, to whom, about what.
import { useState } from "preact/hooks";
import { mail } from "../state.ts";
import type { Desk } from "./desk.ts";
import { Recipients } from "./recipients.tsx";
import { t } from "./texts.ts";
import css from "./composer.module.css";

export function Heads({ desk }: { desk: Desk }) {
	const l = desk.letter.value;
	const [more, setMore] = useState(l.cc.length > 0 || l.bcc.length > 0);
	const identities = mail().identities.value;
	return (
		<div>
			{identities.length > 1 && (
				<label class={css.fromLine}><span>{t("from")}</span>
					<select value={l.from} onChange={(e) => desk.change({ from: e.currentTarget.value })}>
						{identities.map((i) => <option key={i.id} value={i.email} selected={i.email === l.from}>{i.name ? `${i.name} <${i.email}>` : i.email}</option>)}
					</select>
				</label>
			)}
			<Recipients label={t("to")} value={l.to} focus={l.to.length === 0} onChange={(to) => desk.change({ to })}
				extra={!more && <button type="button" class={css.more} onClick={() => setMore(true)}>{t("ccBcc")}</button>} />
			{more && <Recipients label={t("cc")} value={l.cc} onChange={(cc) => desk.change({ cc })} />}
			{more && <Recipients label={t("bcc")} value={l.bcc} onChange={(bcc) => desk.change({ bcc })} />}
			<input class={css.subject} dir="auto" autocomplete="off" aria-label={t("subject")} placeholder={t("subject")} value={l.subject} onInput={(e) => desk.change({ subject: e.currentTarget.value })} />
		</div>
	);
}
