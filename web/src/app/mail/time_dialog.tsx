// Asks for a time to come: when to send, until when to put off.
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";

const two = (n: number) => String(n).padStart(2, "0");

/** As the field wants it: the reader's own clock, without a zone. */
const toField = (d: Date) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;

function tomorrow(): Date {
	const now = new Date();
	return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8);
}

export function TimeDialog({ title, action, farthest, onChoose, close }: {
	title: string; action: string; farthest?: number; onChoose(at: Date): void; close(): void;
}) {
	const [value, setValue] = useState(() => toField(tomorrow()));
	const [error, setError] = useState<string | null>(null);
	const choose = () => {
		const at = new Date(value);
		const wait = (at.getTime() - Date.now()) / 1000;
		if (!(wait > 0))
			return setError(t("timeIsPast"));
		if (farthest !== undefined && wait > farthest)
			return setError(t("timeTooFar"));
		close();
		onChoose(at);
	};
	return (
		<Dialog title={title} onClose={close} footer={<><Button onClick={close}>{t("cancel")}</Button><Button look="primary" onClick={choose}>{action}</Button></>}>
			<TextField label={t("dateAndTime")} type="datetime-local" value={value} min={toField(new Date())} required error={error}
				onInput={(e) => { setError(null); setValue(e.currentTarget.value); }} />
		</Dialog>
	);
}
