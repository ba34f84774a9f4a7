// Puts something in the top layer beside what it belongs to, and keeps it on the screen.

const gap = 4;
const edge = 8;

/** Where the right button was pressed. */
export function placeAt(box: HTMLElement, x: number, y: number): void {
	const b = box.getBoundingClientRect();
	const high = Math.min(b.height, innerHeight - 2 * edge);

	box.style.left = `${Math.max(edge, Math.min(x, innerWidth - b.width - edge))}px`;
	box.style.top = `${Math.max(edge, Math.min(y, innerHeight - high - edge))}px`;
	box.style.maxHeight = `${innerHeight - 2 * edge}px`;
}

export function place(box: HTMLElement, anchor: HTMLElement, side: "start" | "end" = "start"): void {
	const a = anchor.getBoundingClientRect();
	const b = box.getBoundingClientRect();
	const rtl = getComputedStyle(anchor).direction === "rtl";
	const fromLeft = (side === "start") !== rtl;
	const left = fromLeft ? a.left : a.right - b.width;
	const below = a.bottom + gap;
	const fits = below + b.height <= innerHeight - edge;
	const top = fits || a.top < innerHeight / 2 ? below : a.top - gap - b.height;

	box.style.left = `${Math.max(edge, Math.min(left, innerWidth - b.width - edge))}px`;
	box.style.top = `${Math.max(edge, top)}px`;
	box.style.maxHeight = `${innerHeight - Math.max(edge, top) - edge}px`;
}
