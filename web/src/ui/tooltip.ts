// One tooltip for the page. An element asks for it with data-tip (and data-key for its shortcut). It says
// nothing that is not the element's name already, so it is hidden from assistive technology.

const delay = 350;

export function startTooltips(classes: { tip: string; key: string }): void {
	const box = document.createElement("div");
	let timer = 0;
	let owner: Element | null = null;

	box.className = classes.tip;
	box.popover = "manual";
	box.setAttribute("aria-hidden", "true");
	document.body.append(box);

	const hide = () => {
		clearTimeout(timer);
		owner = null;
		if (box.matches(":popover-open"))
			box.hidePopover();
	};
	const show = (at: HTMLElement) => {
		if (!at.isConnected)
			return;
		box.textContent = at.dataset.tip ?? "";
		if (at.dataset.key) {
			const key = document.createElement("kbd");
			key.className = classes.key;
			key.textContent = at.dataset.key;
			box.append(key);
		}
		box.showPopover();
		const a = at.getBoundingClientRect();
		const b = box.getBoundingClientRect();
		const under = a.bottom + 6 + b.height < innerHeight;
		box.style.left = `${Math.max(6, Math.min(a.left + a.width / 2 - b.width / 2, innerWidth - b.width - 6))}px`;
		box.style.top = `${under ? a.bottom + 6 : a.top - b.height - 6}px`;
	};
	const over = (e: Event) => {
		const at = (e.target as Element).closest?.("[data-tip]") ?? null;
		if (at === owner)
			return;
		hide();
		if (!(at instanceof HTMLElement) || (e.type === "focusin" && !at.matches(":focus-visible")))
			return;
		owner = at;
		timer = window.setTimeout(() => show(at), delay);
	};
	if (matchMedia("(hover: hover)").matches)
		document.addEventListener("pointerover", over);
	document.addEventListener("focusin", over);
	for (const end of ["pointerdown", "keydown", "scroll", "focusout"])
		document.addEventListener(end, hide, { capture: true, passive: true });
}
