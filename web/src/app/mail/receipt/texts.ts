// Texts of read receipts.
import { part, type Like, type MainKey } from "../../../i18n/part.ts";

const en = {
	receiptAsked: "The sender asks to be told that you read this.",
	receiptAskedElsewhere: "This message asks that {who} be told that you read it. That is not its sender.",
	receiptSend: "Send",
	receiptNotNow: "Not now",
	receiptSent: "The receipt was sent.",
	receiptFailed: "The receipt could not be sent.",
	receiptSubject: "Read: {subject}",
	receiptText: "Your message “{subject}” was shown to its recipient. That does not say that it was read or understood.",
};

const de: Like<typeof en> = {
	receiptAsked: "Der Absender bittet um Nachricht, dass Sie dies gelesen haben.",
	receiptAskedElsewhere: "Diese Nachricht bittet darum, {who} mitzuteilen, dass Sie sie gelesen haben. Das ist nicht ihr Absender.",
	receiptSend: "Senden",
	receiptNotNow: "Nicht jetzt",
	receiptSent: "Die Bestätigung wurde gesendet.",
	receiptFailed: "Die Bestätigung konnte nicht gesendet werden.",
	receiptSubject: "Gelesen: {subject}",
	receiptText: "Ihre Nachricht „{subject}“ wurde dem Empfänger angezeigt. Das heißt nicht, dass sie gelesen oder verstanden wurde.",
};

const fr: Like<typeof en> = {
	receiptAsked: "L’expéditeur demande à savoir que vous avez lu ce message.",
	receiptAskedElsewhere: "Ce message demande que {who} sache que vous l’avez lu. Ce n’est pas son expéditeur.",
	receiptSend: "Envoyer",
	receiptNotNow: "Pas maintenant",
	receiptSent: "L’accusé de lecture a été envoyé.",
	receiptFailed: "L’accusé de lecture n’a pas pu être envoyé.",
	receiptSubject: "Lu : {subject}",
	receiptText: "Votre message « {subject} » a été affiché chez son destinataire. Cela ne dit pas qu’il a été lu ou compris.",
};

export type Key = keyof typeof en | MainKey;
export const catalogues = { en, de, fr };
export const t = part<typeof en>(catalogues);
