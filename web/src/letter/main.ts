// The page of a letter under a password: asks for it, opens the letter here, and sends answers. It stands
// alone, has an origin of its own, and keeps nothing.
import { type Letter, type LetterKeys, letterId, letterKeys, letterOpen } from "../keys/letter";
import icon from "../../static/icon.svg";
import { open, part, state, LetterProblem } from "./api.ts";
import { h } from "./dom.ts";
import { showLetter } from "./show.ts";
import { type Key, languageOf, t, useLanguage, usedLanguage, usedLocale } from "./texts.ts";

const place = document.getElementById("letter") as HTMLElement;
const fragment = location.hash.slice(1);

const over: Readonly<Record<string, Key>> = {
	"expired": "expired", "withdrawn": "withdrawn", "used": "used", "not-found": "notFound", "offline": "offline", "unavailable": "offline", "damaged": "damaged",
};

const longDate = (seconds: number) => new Intl.DateTimeFormat(usedLocale(), { dateStyle: "long", timeStyle: "short" }).format(seconds * 1000);

function show(...nodes: Node[]): void {
	place.replaceChildren(...nodes);
}

/** Why there is nothing to be read. */
function sayOver(key: Key): void {
	const retry = h("button", { type: "button", textContent: t("again") });
	retry.addEventListener("click", () => void start());
	show(h("section", { className: "card" }, h("h1", {}, t("title")), h("p", { role: "alert", "data-state": key }, t(key)), key === "offline" || key === "failed" ? retry : null));
}

function problemKey(e: unknown): Key {
	const code = e instanceof LetterProblem ? e.code : "damaged";
	return over[code] ?? "failed";
}

/** Argon2 takes this thread for a moment: what is said before must have been painted. */
const painted = () => new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done, 0)));

async function openLetter(password: string): Promise<{ keys: LetterKeys; letter: Letter; sizes: number[]; expires: number }> {
	const keys = await letterKeys(fragment, password);
	const { parts, expires } = await open(keys);
	const sizes = parts.map((p) => p.size);
	const letter = await letterOpen(keys, await part(keys, 0, sizes[0] ?? 0, () => undefined));
	return { keys, letter, sizes, expires };
}

/** Null: it is over, and that is said. */
function attemptText(e: unknown): string | null {
	if (!(e instanceof LetterProblem))
		return t("damaged");
	if (e.code === "refused")
		return t("wrong");
	if (e.code === "rate")
		return t("locked", { minutes: String(Math.max(1, Math.ceil(e.retryAfter / 60))) });
	if (e.code === "offline" || e.code === "unavailable")
		return t("offline");
	if (e.code in over) {
		sayOver(problemKey(e));
		return null;
	}
	return t("failed");
}

function passwordField(): { field: HTMLElement; input: HTMLInputElement } {
	const input = h("input", { id: "password", type: "password", autocomplete: "off", required: true, spellcheck: false, "aria-describedby": "note" });
	const eye = h("button", { type: "button", className: "quiet", "aria-pressed": "false", textContent: t("show") });
	eye.addEventListener("click", () => {
		const shown = input.type === "password";
		input.type = shown ? "text" : "password";
		eye.textContent = t(shown ? "hide" : "show");
		eye.setAttribute("aria-pressed", String(shown));
	});
	return { field: h("div", {}, h("label", { htmlFor: "password" }, t("password")), input, eye), input };
}

function askPassword(expires: number): void {
	const { field, input } = passwordField();
	const note = h("p", { id: "note", role: "status" });
	const button = h("button", { type: "submit", className: "primary", textContent: t("open") });
	const form = h("form", { className: "card" }, h("h1", {}, t("title")), h("p", {}, t("lead")), field, note, button,
		h("p", { className: "small" }, t("until", { date: longDate(expires) })));
	const say = (text: string, bad: boolean) => {
		note.textContent = text;
		note.dataset["bad"] = String(bad);
	};
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		if (button.disabled)
			return;
		button.disabled = true;
		say(t("opening"), false);
		void painted().then(() => openLetter(input.value)).then(
			async (opened) => show(...(await showLetter(opened, longDate))),
			(err: unknown) => {
				const text = attemptText(err);
				if (text === null)
					return;
				say(text, true);
				button.disabled = false;
				input.select();
			},
		).catch(() => sayOver("failed"));
	});
	show(form);
	input.focus();
}

async function start(): Promise<void> {
	useLanguage(languageOf(navigator.languages));
	document.documentElement.lang = usedLanguage();
	document.title = t("title");
	let id;
	try {
		id = letterId(fragment);
	} catch {
		return sayOver("badLink");
	}
	try {
		askPassword((await state(id)).expires);
	} catch (e) {
		sayOver(problemKey(e));
	}
}

// A page with an origin of its own is refused this server's files as its icon, so the drawing comes with the script.
document.head.append(h("link", { rel: "icon", type: "image/svg+xml", href: icon }));
addEventListener("hashchange", () => location.reload());
void start();
