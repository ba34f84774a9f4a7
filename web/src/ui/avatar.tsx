// A person as a coloured circle with initials. The colour comes from the address, so it stays the same.
import css from "./avatar.module.css";

const hues = [8, 28, 88, 148, 172, 196, 218, 246, 274, 320];

export function hueOf(address: string): number {
	let sum = 0;
	for (const c of address.toLowerCase())
		sum = (sum * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
	return hues[sum % hues.length] ?? 218;
}

function initials(name: string): string {
	const words = name.replace(/[^\p{L}\p{N}\s@.]/gu, " ").trim().split(/[\s@.]+/).filter(Boolean);
	const first = [...(words[0] ?? "?")][0] ?? "?";
	const wide = /[\u3000-\u9fff\uac00-\ud7af]/.test(first);
	const last = words.length > 1 && !wide && !name.includes("@") ? [...(words.at(-1) ?? "")][0] ?? "" : "";
	return (first + last).toLocaleUpperCase();
}

export function Avatar({ name, address, size = 36 }: { name: string; address: string; size?: number }) {
	return (
		<span class={css.avatar} aria-hidden="true"
			style={{ "--hue": String(hueOf(address)), inlineSize: `${size}px`, blockSize: `${size}px`, fontSize: `${size * 0.38}px` }}>
			{initials(name || address)}
		</span>
	);
}
