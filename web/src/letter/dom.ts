// Making elements, for a page that is too small for a framework.

type Child = Node | string | null;

type Attributes = { readonly [name: `aria-${string}` | `data-${string}`]: string; readonly role?: string };
type Props<K extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[K], "style" | "role" | `aria${string}`>> & Attributes;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props<K>, ...children: Child[]): HTMLElementTagNameMap[K] {
	const el = document.createElement(tag);
	for (const [name, value] of Object.entries(props))
		if (name.startsWith("aria-") || name.startsWith("data-") || name === "role")
			el.setAttribute(name, String(value));
		else
			Reflect.set(el, name, value);
	el.append(...children.filter((c) => c !== null));
	return el;
}

const addresses = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g;

/** Text with its addresses as links. */
export function linked(text: string): Node[] {
	const out: Node[] = [];
	let at = 0;
	for (const m of text.matchAll(addresses)) {
		out.push(document.createTextNode(text.slice(at, m.index)));
		out.push(h("a", { href: m[0], target: "_blank", rel: "noopener noreferrer" }, m[0]));
		at = m.index + m[0].length;
	}
	out.push(document.createTextNode(text.slice(at)));
	return out;
}
