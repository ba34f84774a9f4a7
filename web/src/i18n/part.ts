// Texts of a part that is loaded when it is wanted. They travel with the part, in every language, so
// that the first load carries only what the first inbox says.
//
//	const en = { title: "Rules", …}; const de: Like<typeof en> = {…}; const fr: Like<typeof en> = {…};
//	export type Key = keyof typeof en | MainKey;
//	export const catalogues = { en, de, fr };
//	export const t = part<typeof en>(catalogues);
//
// Such a file is called texts.ts and stands in the list of test/app/i18n.test.ts.
import { language, t as main, translate, type Args, type Forms, type Key as MainKey, type Language, type Text } from "./index.ts";

export type { MainKey };
export type Like<C> = { readonly [K in keyof C]: C[K] extends string ? string : Forms };

// The texts of the part first, then those of the first load.
export function part<C extends Readonly<Record<string, Text>>>(catalogues: Readonly<Record<Language, Like<C>>>): (key: MainKey | (keyof C & string), args?: Args) => string {
	return (key, args = {}) => {
		const own: Readonly<Record<string, Text>> = catalogues[language()];
		const text = Object.hasOwn(own, key) ? own[key] : undefined;
		return text === undefined ? main(key as MainKey, args) : translate(text, args);
	};
}
