// Texts of the first load. The English catalogue is the type of all others, which come when they are
// wanted. Parts that are loaded later bring their own (see part.ts). A text with a number has a form for
// each plural of its language.
import { signal } from "@preact/signals";
import { en } from "./en.ts";

export type Forms = { one?: string; few?: string; many?: string; other: string };
export type Text = string | Forms;
export type Key = keyof typeof en;
export type Catalogue = { readonly [K in Key]: (typeof en)[K] extends string ? string : Forms };
export type Args = Readonly<Record<string, string | number>>;

export const languages = { en: "English", de: "Deutsch", fr: "Français" } as const;
export type Language = keyof typeof languages;

interface Current { language: Language; catalogue: Catalogue; plural: Intl.PluralRules }

const loaders: Record<Language, () => Promise<Catalogue>> = {
	en: () => Promise.resolve(en),
	de: () => import("./de.ts").then((m) => m.de),
	fr: () => import("./fr.ts").then((m) => m.fr),
};

const current = signal<Current>({ language: "en", catalogue: en, plural: new Intl.PluralRules("en") });

export function format(text: Text, plural: Intl.PluralRules, args: Args, number: (n: number) => string): string {
	const form = typeof text === "string" ? text : text[plural.select(Number(args.n)) as keyof Forms] ?? text.other;
	return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
		const value = args[name];
		return value === undefined ? whole : typeof value === "number" ? number(value) : value;
	});
}

export function translate(text: Text, args: Args): string {
	const { plural, language } = current.value;
	return format(text, plural, args, (n) => new Intl.NumberFormat(language).format(n));
}

export const t = (key: Key, args: Args = {}): string => translate(current.value.catalogue[key], args);

export const language = (): Language => current.value.language;

export function preferredLanguage(stored: string | null, wanted: readonly string[]): Language {
	for (const tag of [stored, ...wanted]) {
		const base = tag?.toLowerCase().split("-")[0];
		if (base && base in languages)
			return base as Language;
	}
	return "en";
}

export async function useLanguage(next: Language): Promise<void> {
	current.value = { language: next, catalogue: await loaders[next](), plural: new Intl.PluralRules(next) };
	document.documentElement.lang = next;
}
