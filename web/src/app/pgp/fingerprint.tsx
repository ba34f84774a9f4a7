// A fingerprint in groups of four, as it is read aloud.
import css from "./pgp.module.css";

export function Fingerprint({ value }: { value: string }) {
	const groups = value.toUpperCase().match(/.{1,4}/g) ?? [];
	return <code class={css.fingerprint} data-fingerprint={value}>{groups.map((g, i) => <span key={i}>{g}</span>)}</code>;
}
