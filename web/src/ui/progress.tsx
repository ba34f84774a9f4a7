// How far something has come; without a value, that it goes on.
import css from "./progress.module.css";

export function Progress({ value, label }: { value?: number; label: string }) {
	return <progress class={css.progress} aria-label={label} max={1} value={value} />;
}

export function Spinner({ label }: { label: string }) {
	return <span class={css.spinner} role="progressbar" aria-label={label} />;
}

/** Grey lines where text will be. */
export function Ghost({ lines = 3 }: { lines?: number }) {
	return <span class={css.ghost} aria-hidden="true">{Array.from({ length: lines }, (_, i) => <i key={i} />)}</span>;
}
