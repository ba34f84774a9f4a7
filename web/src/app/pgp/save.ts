// A text that the browser saves as a file.

export function saveText(text: string, name: string): void {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob([text], { type: "application/pgp-keys" }));
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
