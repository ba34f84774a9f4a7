// Asks for a name, or for a yes, and stays open until what was asked for is done. It stands beside the page's own tree.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { SelectField, TextField } from "./field.tsx";
import css from "./ask.module.css";

export interface Question {
	title: string;
	lead?: string | undefined;
	/** With a field for a text, of this name and with this in it. */
	label?: string;
	value?: string;
	/** With a choice of this name among these, each value and what is shown. */
	choice?: string;
	choices?: readonly (readonly [string, string])[];
	action: string;
	danger?: boolean;
	/** Does it; gives what is wrong, or nothing when it is done. */
	run(text: string): Promise<string | undefined>;
}

const asked = signal<Question | null>(null);
let mounted = false;

function Asked({ question: q }: { question: Question }) {
	const [text, setText] = useState(q.value ?? "");
	const [error, setError] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	const close = () => { asked.value = null; };
	const send = () => {
		if (busy || (q.label && !text.trim()))
			return;
		setBusy(true);
		q.run(text.trim()).catch(() => t("failedAction")).then((wrong) => {
			setBusy(false);
			if (wrong)
				setError(wrong);
			else
				close();
		});
	};
	return (
		<Dialog title={q.title} onClose={close}>
			<form class={css.form} onSubmit={(e) => { e.preventDefault(); send(); }}>
				{q.lead && <p>{q.lead}</p>}
				{q.label && <TextField label={q.label} value={text} maxLength={100} autocomplete="off" required error={error} onInput={(e) => { setError(null); setText(e.currentTarget.value); }} />}
				{q.choices && <SelectField label={q.choice ?? ""} value={text} options={q.choices} onChange={(v) => { setError(null); setText(v); }} />}
				{!q.label && error && <p role="alert">{error}</p>}
				<div class={css.buttons}>
					<Button onClick={close}>{t("cancel")}</Button>
					<Button type="submit" look={q.danger ? "danger" : "primary"} busy={busy}>{q.action}</Button>
				</div>
			</form>
		</Dialog>
	);
}

function Root() {
	return asked.value && <Asked key={asked.value.title} question={asked.value} />;
}

export function ask(question: Question): void {
	if (!mounted) {
		mounted = true;
		render(<Root />, document.body.appendChild(document.createElement("div")));
	}
	asked.value = question;
}
