// Where the focus goes when what had it goes away: a page that loses it begins anew for whoever uses keys or a screen reader.

/** Back to where it was; where that is gone, to what the page is about. */
export function focusBack(before: Element | null): void {
	if (before instanceof HTMLElement && before.isConnected && before !== document.body)
		before.focus();
	if (document.activeElement && document.activeElement !== document.body)
		return;
	for (const el of document.querySelectorAll<HTMLElement>("#content [role=listbox], #content section > [tabindex], #content")) {
		el.focus({ preventScroll: true });
		if (document.activeElement === el)
			return;
	}
}
