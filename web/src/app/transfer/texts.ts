// Texts of bringing mail here and taking it along.
import { part, type Like, type MainKey } from "../../i18n/part.ts";

const en = {
	bringTitle: "Bring your mail",
	bringLead: "Mail from elsewhere comes into the same folders here. Nothing is taken away there, and what is here already is not doubled.",
	wizardTitle: "Bring your mail: {from}",
};

const de: Like<typeof en> = {
	bringTitle: "E-Mail mitbringen",
	bringLead: "E-Mail von anderswo kommt hier in dieselben Ordner. Dort wird nichts weggenommen, und was schon hier ist, wird nicht verdoppelt.",
	wizardTitle: "E-Mail mitbringen: {from}",
};

const fr: Like<typeof en> = {
	bringTitle: "Apporter vos messages",
	bringLead: "Les messages venus d’ailleurs arrivent ici dans les mêmes dossiers. Rien n’est enlevé là-bas, et ce qui est déjà ici n’est pas mis en double.",
	wizardTitle: "Apporter vos messages : {from}",
};

export type Key = keyof typeof en | MainKey;
export const catalogues = { en, de, fr };
export const t = part<typeof en>(catalogues);
