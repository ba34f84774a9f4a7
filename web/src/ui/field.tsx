// Form fields: a label, the native control, a hint and an error that belong to it.
import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { IconButton } from "./button.tsx";
import css from "./field.module.css";

interface Around {
	label: string;
	hint?: ComponentChildren;
	error?: string | null | undefined;
}

function describedBy(id: string, { hint, error }: Omit<Around, "label">): string | undefined {
	return [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;
}

function Notes({ id, hint, error }: { id: string } & Omit<Around, "label">) {
	return (
		<>
			{hint && <div id={`${id}-hint`} class={css.hint}>{hint}</div>}
			{error && <div id={`${id}-error`} class={css.error} role="alert">{error}</div>}
		</>
	);
}

type Input = JSX.IntrinsicElements["input"];

/** A browser writes what stands in fields to its profile, to show it again after a crash; not in these. A field that says how it is
 * to be filled in is one of sign-in. */
export function TextField({ label, hint, error, ...rest }: Around & Input) {
	const id = useId();
	return (
		<div class={css.field}>
			<label class={css.label} for={id}>{label}</label>
			<input autocomplete="off" {...rest} id={id} class={css.input} aria-invalid={error ? true : undefined}
				aria-describedby={describedBy(id, { hint, error })} />
			<Notes id={id} hint={hint} error={error} />
		</div>
	);
}

export function PasswordField({ label, hint, error, ...rest }: Around & Input) {
	const id = useId();
	const [shown, setShown] = useState(false);
	return (
		<div class={css.field}>
			<label class={css.label} for={id}>{label}</label>
			<div class={css.with}>
				<input {...rest as object} type={(shown ? "text" : "password") as "password"} id={id} class={css.input} spellcheck={false} autocapitalize="off"
					aria-invalid={error ? true : undefined} aria-describedby={describedBy(id, { hint, error })} />
				<IconButton small icon={shown ? "eyeOff" : "eye"} label={t(shown ? "passwordHide" : "passwordShow")} onClick={() => setShown(!shown)} />
			</div>
			<Notes id={id} hint={hint} error={error} />
		</div>
	);
}

export function SelectField<V extends string>({ label, hint, options, value, onChange }: Around & {
	options: ReadonlyArray<readonly [V, string]>; value: V; onChange(value: V): void;
}) {
	const id = useId();
	return (
		<div class={css.field}>
			<label class={css.label} for={id}>{label}</label>
			<select id={id} class={css.input} value={value} onChange={(e) => onChange(e.currentTarget.value as V)}
				aria-describedby={describedBy(id, { hint })}>
				{options.map(([v, text]) => <option key={v} value={v} selected={v === value}>{text}</option>)}
			</select>
			<Notes id={id} hint={hint} />
		</div>
	);
}

export function TextArea({ label, hint, error, ...rest }: Around & JSX.IntrinsicElements["textarea"]) {
	const id = useId();
	return (
		<div class={css.field}>
			<label class={css.label} for={id}>{label}</label>
			<textarea autocomplete="off" {...rest} id={id} class={`${css.input} ${css.area}`} aria-describedby={describedBy(id, { hint, error })} />
			<Notes id={id} hint={hint} error={error} />
		</div>
	);
}

export function Switch({ label, hint, checked, onChange, disabled }: {
	label: string; hint?: ComponentChildren; checked: boolean; disabled?: boolean; onChange(on: boolean): void;
}) {
	const id = useId();
	return (
		<div class={css.switchRow}>
			<div>
				<label for={id} class={css.switchLabel}>{label}</label>
				{hint && <div id={`${id}-hint`} class={css.hint}>{hint}</div>}
			</div>
			<input id={id} type="checkbox" role="switch" class={css.switch} checked={checked} disabled={disabled}
				aria-describedby={hint ? `${id}-hint` : undefined} onChange={(e) => onChange(e.currentTarget.checked)} />
		</div>
	);
}
