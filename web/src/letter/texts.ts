// What the page of a letter says. It stands alone: the client's texts are not loaded here.

const en = {
	title: "Protected letter",
	lead: "Somebody has written you a letter that only you can read. Type the password that the sender has told you.",
	until: "It can be read until {date}.",
	password: "Password",
	show: "Show the password",
	hide: "Hide the password",
	open: "Open the letter",
	opening: "Opening… this takes a moment.",
	wrong: "That is not the right password. Check capital letters and spaces, and try again.",
	locked: "There were too many wrong passwords. Try again in {minutes} min.",
	expired: "This letter has expired. It has been deleted; ask the sender to write again.",
	withdrawn: "The sender has withdrawn this letter. It has been deleted.",
	used: "This letter has been opened as often as its sender allowed.",
	notFound: "There is no such letter. It may have expired long ago, or the link is not complete.",
	badLink: "This link is not complete. Open it again from the mail, or copy all of it.",
	damaged: "This letter is damaged and cannot be shown.",
	offline: "The server cannot be reached. Try again in a moment.",
	again: "Try again",
	from: "From",
	noSubject: "(no subject)",
	attachments: "Attachments",
	save: "Save {name}",
	loading: "Loading {name}: {percent}",
	unnamed: "file",
	message: "Letter",
	quoted: "Show quoted text",
	reply: "Answer",
	replyLead: "Your answer is encrypted here, on your device, for {who} alone.",
	replyText: "Your answer",
	attach: "Attach files",
	remove: "Remove {name}",
	send: "Send the answer",
	cancel: "Cancel",
	encrypting: "Encrypting…",
	sending: "Sending: {percent}",
	sent: "Your answer is on its way to {who}.",
	another: "Write another one",
	tooLarge: "Attachments may have {size} together.",
	tooMany: "There have been too many answers to this letter.",
	empty: "Write something first.",
	failed: "That did not work. Try again.",
	linkLies: "This link goes somewhere else",
	linkSays: "It says: {text}",
	linkGoes: "It goes to:",
	openLink: "Open it anyway",
	about: "Encrypted on the sender’s device with Letterlock. Keep the password away from the link: both together open the letter.",
} as const;

type Texts = { readonly [K in keyof typeof en]: string };
export type Key = keyof typeof en;

const de: Texts = {
	title: "Geschützter Brief",
	lead: "Jemand hat Ihnen einen Brief geschrieben, den nur Sie lesen können. Geben Sie das Passwort ein, das der Absender Ihnen gesagt hat.",
	until: "Er kann bis {date} gelesen werden.",
	password: "Passwort",
	show: "Passwort zeigen",
	hide: "Passwort verbergen",
	open: "Brief öffnen",
	opening: "Wird geöffnet … das dauert einen Augenblick.",
	wrong: "Das ist nicht das richtige Passwort. Achten Sie auf Großbuchstaben und Leerzeichen und versuchen Sie es noch einmal.",
	locked: "Es gab zu viele falsche Passwörter. Versuchen Sie es in {minutes} Min. noch einmal.",
	expired: "Dieser Brief ist abgelaufen und gelöscht. Bitten Sie den Absender, noch einmal zu schreiben.",
	withdrawn: "Der Absender hat diesen Brief zurückgezogen. Er ist gelöscht.",
	used: "Dieser Brief wurde so oft geöffnet, wie sein Absender es erlaubt hat.",
	notFound: "Diesen Brief gibt es nicht. Vielleicht ist er schon lange abgelaufen, oder der Link ist nicht vollständig.",
	badLink: "Dieser Link ist nicht vollständig. Öffnen Sie ihn noch einmal aus der Mail oder kopieren Sie ihn ganz.",
	damaged: "Dieser Brief ist beschädigt und kann nicht gezeigt werden.",
	offline: "Der Server ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
	again: "Noch einmal versuchen",
	from: "Von",
	noSubject: "(kein Betreff)",
	attachments: "Anhänge",
	save: "{name} speichern",
	loading: "{name} wird geladen: {percent}",
	unnamed: "Datei",
	message: "Brief",
	quoted: "Zitierten Text zeigen",
	reply: "Antworten",
	replyLead: "Ihre Antwort wird hier, auf Ihrem Gerät, nur für {who} verschlüsselt.",
	replyText: "Ihre Antwort",
	attach: "Dateien anhängen",
	remove: "{name} entfernen",
	send: "Antwort senden",
	cancel: "Abbrechen",
	encrypting: "Wird verschlüsselt …",
	sending: "Wird gesendet: {percent}",
	sent: "Ihre Antwort ist unterwegs zu {who}.",
	another: "Noch eine schreiben",
	tooLarge: "Anhänge dürfen zusammen {size} haben.",
	tooMany: "Auf diesen Brief kamen schon zu viele Antworten.",
	empty: "Schreiben Sie zuerst etwas.",
	failed: "Das hat nicht geklappt. Versuchen Sie es noch einmal.",
	linkLies: "Dieser Link führt woandershin",
	linkSays: "Da steht: {text}",
	linkGoes: "Er führt zu:",
	openLink: "Trotzdem öffnen",
	about: "Auf dem Gerät des Absenders mit Letterlock verschlüsselt. Bewahren Sie Passwort und Link getrennt auf: Beide zusammen öffnen den Brief.",
};

const fr: Texts = {
	title: "Lettre protégée",
	lead: "Quelqu’un vous a écrit une lettre que vous seul pouvez lire. Saisissez le mot de passe que l’expéditeur vous a donné.",
	until: "Elle peut être lue jusqu’au {date}.",
	password: "Mot de passe",
	show: "Afficher le mot de passe",
	hide: "Masquer le mot de passe",
	open: "Ouvrir la lettre",
	opening: "Ouverture… cela prend un instant.",
	wrong: "Ce n’est pas le bon mot de passe. Vérifiez les majuscules et les espaces, puis réessayez.",
	locked: "Il y a eu trop de mots de passe erronés. Réessayez dans {minutes} min.",
	expired: "Cette lettre a expiré et a été supprimée. Demandez à l’expéditeur de vous écrire à nouveau.",
	withdrawn: "L’expéditeur a retiré cette lettre. Elle a été supprimée.",
	used: "Cette lettre a été ouverte autant de fois que l’expéditeur l’a permis.",
	notFound: "Cette lettre n’existe pas. Elle a peut-être expiré depuis longtemps, ou le lien est incomplet.",
	badLink: "Ce lien est incomplet. Ouvrez-le à nouveau depuis le courriel, ou copiez-le en entier.",
	damaged: "Cette lettre est endommagée et ne peut pas être affichée.",
	offline: "Le serveur est injoignable. Réessayez dans un instant.",
	again: "Réessayer",
	from: "De",
	noSubject: "(sans objet)",
	attachments: "Pièces jointes",
	save: "Enregistrer {name}",
	loading: "Chargement de {name} : {percent}",
	unnamed: "fichier",
	message: "Lettre",
	quoted: "Afficher le texte cité",
	reply: "Répondre",
	replyLead: "Votre réponse est chiffrée ici, sur votre appareil, pour {who} seulement.",
	replyText: "Votre réponse",
	attach: "Joindre des fichiers",
	remove: "Retirer {name}",
	send: "Envoyer la réponse",
	cancel: "Annuler",
	encrypting: "Chiffrement…",
	sending: "Envoi : {percent}",
	sent: "Votre réponse est en route vers {who}.",
	another: "En écrire une autre",
	tooLarge: "Les pièces jointes peuvent faire {size} au total.",
	tooMany: "Il y a déjà eu trop de réponses à cette lettre.",
	empty: "Écrivez d’abord quelque chose.",
	failed: "Cela n’a pas fonctionné. Réessayez.",
	linkLies: "Ce lien mène ailleurs",
	linkSays: "Il affiche : {text}",
	linkGoes: "Il mène à :",
	openLink: "Ouvrir quand même",
	about: "Chiffrée sur l’appareil de l’expéditeur avec Letterlock. Gardez le mot de passe loin du lien : les deux ensemble ouvrent la lettre.",
};

export const catalogues = { en, de, fr };
export type Language = keyof typeof catalogues;

export function languageOf(wanted: readonly string[]): Language {
	for (const w of wanted) {
		const two = w.slice(0, 2).toLowerCase();
		if (two === "en" || two === "de" || two === "fr")
			return two;
	}
	return "en";
}

let language: Language = "en";

export function useLanguage(to: Language): void {
	language = to;
}

export const usedLanguage = (): Language => language;

/** The language as the reader's country writes dates in it. */
export const usedLocale = (): string => navigator.languages.find((l) => l.toLowerCase().startsWith(language)) ?? language;

export function t(key: Key, args: Readonly<Record<string, string>> = {}): string {
	return catalogues[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => args[name] ?? whole);
}
