// Buttons. One that shows only an icon must have a label; the label is its tooltip too.
import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icon.tsx";
import css from "./button.module.css";

type Native = Omit<JSX.IntrinsicElements["button"], "icon" | "size" | "label">;

interface ButtonProps extends Native {
	look?: "primary" | "plain" | "quiet" | "danger" | undefined;
	icon?: IconName | undefined;
	busy?: boolean | undefined;
	wide?: boolean | undefined;
	children?: ComponentChildren;
}

export function Button({ look = "plain", icon, busy = false, wide = false, children, ...rest }: ButtonProps) {
	return (
		<button type="button" {...rest} aria-busy={busy || undefined} disabled={Boolean(rest.disabled) || busy}
			class={`${css.button} ${css[look]} ${wide ? css.wide : ""}`}>
			{busy ? <span class={css.spinner} aria-hidden="true" /> : icon && <Icon name={icon} size={17} />}
			<span class={css.text}>{children}</span>
		</button>
	);
}

interface IconButtonProps extends Native {
	icon: IconName;
	label: string;
	/** The key that does the same, shown in the tooltip. */
	shortcut?: string | undefined;
	on?: boolean | undefined;
	size?: number;
	small?: boolean;
}

export function IconButton({ icon, label, shortcut, on, size = 18, small = false, ...rest }: IconButtonProps) {
	return (
		<button type="button" {...rest} aria-label={label} aria-pressed={on} data-tip={label} data-key={shortcut}
			class={`${css.icon} ${small ? css.small : ""} ${on ? (icon === "star" ? css.star : css.on) : ""}`}>
			<Icon name={icon} size={size} filled={Boolean(on) && icon === "star"} />
		</button>
	);
}
