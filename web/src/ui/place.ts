// Puts something in the top layer beside what it belongs to, and keeps it on the screen.

const gap = 4;
const edge = 8;

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
