// German. Formal address; plain words.
import type { Catalogue } from "./index.ts";

export const de: Catalogue = {
	close: "Schließen", cancel: "Abbrechen", undo: "Rückgängig", save: "Speichern", copy: "Kopieren", download: "Herunterladen", loading: "Wird geladen",
	tryAgain: "Noch einmal", search: "Suchen", settings: "Einstellungen", account: "Konto", accountMenu: "Kontomenü von {who}", next: "Weiter", previous: "Zurück",
	date: "Datum", size: "Größe", from: "Von", to: "An", cc: "Kopie", bcc: "Blindkopie", replyTo: "Antwort an", subject: "Betreff", me: "ich",
	unreachable: "Der Server antwortet gerade nicht.", unreachableLead: "Vielleicht ist dieses Gerät offline. Es wird von selbst noch einmal versucht.",
	partFailed: "Dieser Teil konnte nicht geladen werden. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
	partStuck: "Dieser Teil konnte nicht geladen werden. Vielleicht hilft es, die Seite neu zu laden. Speichern oder kopieren Sie vorher, was Sie geschrieben haben.",
	loadAnew: "Seite neu laden",
	failedAction: "Das hat nicht geklappt. Die Änderung wurde zurückgenommen.",
	skipToContent: "Zum Inhalt", passwordShow: "Passwort zeigen", passwordHide: "Passwort verbergen",

	mailboxes: "Ordner", boxInbox: "Posteingang", boxDrafts: "Entwürfe", boxSent: "Gesendet", boxArchive: "Archiv", boxSpam: "Spam", boxTrash: "Papierkorb",
	boxSnoozed: "Zurückgestellt", boxScheduled: "Geplant", boxOutbox: "Postausgang", boxStarred: "Markiert", allMail: "Alle Nachrichten", unreadMail: "Ungelesen", unread: "Ungelesen", starred: "Markiert",
	unreadCount: { one: "ungelesene Nachricht", other: "ungelesene Nachrichten" },
	resizeMailboxes: "Breite der Ordnerliste", resizeList: "Breite der Liste",

	conversations: { one: "{n} Unterhaltung", other: "{n} Unterhaltungen" }, messages: { one: "{n} Nachricht", other: "{n} Nachrichten" },
	conversation: "Unterhaltung", message: "Nachricht", noSubject: "(kein Betreff)", noRecipients: "keine Empfänger", toPeople: "an {names}", hasAttachment: "hat einen Anhang",
	encrypted: "Ende-zu-Ende-verschlüsselt", offline: "Offline", inboxEmpty: "Nichts wartet auf Sie.", bringMail: "E-Mails mitbringen", boxEmpty: "Hier ist nichts.", boxActions: "Aktionen für {name}", boxGone: "Nicht gefunden",
	boxGoneLead: "Diesen Ordner gibt es nicht. Vielleicht wurde er umbenannt oder gelöscht.", newFolder: "Neuer Ordner", newLabel: "Neues Etikett", someLabels: "arbeit familie belege reisen", nothingFound: "Es wurde nichts gefunden.",
	searchHint: "Versuchen Sie es mit weniger oder anderen Wörtern oder dem Namen des Absenders.",
	listFailed: "Die Nachrichten konnten nicht geladen werden.", counting: "Wird gezählt …", searching: "Suche läuft …", searchFor: "Suche: {what}", searchPlaceholder: "Nachrichten durchsuchen", clearSearch: "Suche leeren",
	selectedActions: "Aktionen für ausgewählte Nachrichten", selectedCount: { one: "{n} ausgewählt", other: "{n} ausgewählt" }, selectLoaded: "Alle geladenen auswählen",
	select: "Auswählen", selectAll: "Alle auswählen", selectNone: "Keine auswählen", dragging: { one: "{n} Unterhaltung verschieben", other: "{n} Unterhaltungen verschieben" },
	opFrom: "gesendet von", opTo: "gesendet an", opSubject: "Wörter des Betreffs", opAttachment: "mit Anhängen", opUnread: "noch nicht gelesen", opStarred: "markiert", opIn: "in einem Ordner",
	opAfter: "seit einem Tag, etwa 2026-03-01", opBefore: "vor einem Tag, etwa 2026-03-01", opLarger: "größer als, etwa 5M",

	messageActions: "Aktionen für diese Unterhaltung", moreActions: "Weitere Aktionen", archive: "Archivieren", delete: "Löschen", spam: "Als Spam melden", notSpam: "Kein Spam",
	star: "Markieren", unstar: "Markierung entfernen", markRead: "Als gelesen markieren", markUnread: "Als ungelesen markieren", moveTo: "Verschieben nach", moveToInbox: "In den Posteingang",
	labels: "Etiketten", removeLabel: "Etikett {label} entfernen", backToList: "Zurück zur Liste", otherActions: "Andere Aktionen", openConversation: "Unterhaltung öffnen", reply: "Antworten", replyAll: "Allen antworten",
	forward: "Weiterleiten", print: "Drucken", showOriginal: "Original zeigen", originalMessage: "Originalnachricht", headers: "Kopfzeilen", source: "Quelltext", downloadMessage: "Nachricht herunterladen",
	showFormatted: "Mit Gestaltung zeigen", showPlain: "Als reinen Text zeigen", showDark: "Dunkel zeigen", showLight: "In eigenen Farben zeigen",
	didArchive: { one: "Archiviert", other: "{n} Unterhaltungen archiviert" }, didMove: { one: "Nach {box} verschoben", other: "{n} Unterhaltungen nach {box} verschoben" },
	didDelete: { one: "In den Papierkorb gelegt", other: "{n} Unterhaltungen in den Papierkorb gelegt" }, didDestroy: { one: "Endgültig gelöscht", other: "{n} Unterhaltungen endgültig gelöscht" },
	didSpam: { one: "Als Spam gemeldet", other: "{n} Unterhaltungen als Spam gemeldet" }, didNotSpam: { one: "In den Posteingang gelegt", other: "{n} Unterhaltungen in den Posteingang gelegt" },
	didRead: { one: "Als gelesen markiert", other: "{n} Unterhaltungen als gelesen markiert" }, didUnread: { one: "Als ungelesen markiert", other: "{n} Unterhaltungen als ungelesen markiert" },
	didLabel: { one: "Etikett {label} vergeben", other: "Etikett {label} an {n} Unterhaltungen vergeben" }, didUnlabel: { one: "Etikett {label} entfernt", other: "Etikett {label} von {n} Unterhaltungen entfernt" },

	nothingOpen: "Es ist keine Unterhaltung geöffnet.", hintMove: "durch die Liste gehen", hintKeys: "alle Tasten", openFailed: "Die Nachricht konnte nicht geladen werden.",
	unknownSender: "Unbekannter Absender", messageFrom: "Nachricht von {who}", quotedText: "Zitierter Text", olderMessages: { one: "{n} ältere Nachricht", other: "{n} ältere Nachrichten" },
	attachments: { one: "{n} Anhang", other: "{n} Anhänge" }, unnamedFile: "Datei ohne Namen",
	blockedRemote: { one: "{n} fremder Inhalt wurde nicht geladen. Sonst erführe der Absender, dass Sie dies lesen.", other: "{n} fremde Inhalte wurden nicht geladen. Sonst erführe der Absender, dass Sie dies lesen." },
	showImages: "Bilder zeigen", alwaysShow: "Immer bei diesem Absender", unsubscribe: "Abbestellen", linkLies: "Dieser Link führt woandershin", linkSays: "Der Text lautet „{text}“.",
	linkGoes: "Der Link führt zu", openAnyway: "Trotzdem öffnen",
	warnAuthentication: "Diese Nachricht kommt vielleicht nicht von {domain}. Diese Domain unterschreibt ihre Post, und diese Nachricht hat die Prüfung nicht bestanden.",
	warnImitation: "{address} sieht aus wie {known}, an die Sie geschrieben haben, ist aber jemand anderes.",
	warnNameIsAddress: "Der Absender zeigt als Namen eine Adresse. Die wirkliche Adresse ist {address}.", warnAttachment: "{name} ist ein Programm. Öffnen Sie es nur, wenn Sie es erwartet haben.",
	warnPage: "{name} ist eine Webseite. Sie kann eine falsche Anmeldung zeigen. Öffnen Sie sie nur, wenn Sie sie erwartet haben.", warnTurned: "Ein Name hier enthält Zeichen, die Buchstaben umdrehen. Er ist nicht, wonach er aussieht.",

	keyboardShortcuts: "Tastenkürzel", commandPalette: "Befehle", palettePlaceholder: "Was möchten Sie tun?", groupWrite: "Schreiben", groupMove: "Bewegen", groupAct: "Nachrichten bearbeiten",
	groupSelect: "Auswählen", groupGo: "Gehe zu", groupOther: "Sonstiges", switchTheme: "Zwischen hell und dunkel wechseln", useLight: "Helle Darstellung", useDark: "Dunkle Darstellung", signOut: "Abmelden",

	compose: "Neue Nachricht",

	code: "Code", send: "Senden", sent: "Nachricht gesendet",
	laterToday: "Heute später", tomorrowMorning: "Morgen früh",

	keepWriting: "Weiterschreiben",
	trackersRemoved: { one: "{n} Zählpixel wurde entfernt.", other: "{n} Zählpixel wurden entfernt." }, picturesMissing: { one: "{n} Bild lässt sich nicht laden.", other: "{n} Bilder lassen sich nicht laden." },
	chooseTime: "Zeit wählen", dateAndTime: "Datum und Uhrzeit", timeIsPast: "Wählen Sie eine Zeit, die noch kommt.", timeTooFar: "Das ist zu weit entfernt.", scheduledLetters: "Geplante Nachrichten",
	nothingScheduled: "Keine Nachricht wartet darauf, gesendet zu werden.", cancelAndEdit: "Zurückholen und bearbeiten", snooze: "Zurückstellen", snoozeNow: "Jetzt in den Posteingang", thisWeekend: "Am Wochenende",
	nextWeek: "Nächste Woche", didSnooze: "Zurückgestellt bis {when}", snoozedUntil: "Zurückgestellt bis {when}", settings_rules: "Regeln", settings_device: "Dieses Gerät", settings_transfer: "Import und Export", rules: "Regeln",
	ruleFromMessage: "Regel aus dieser Nachricht",
	ruleApplied: { one: "Die Regel wurde auf {n} Nachricht angewandt.", other: "Die Regel wurde auf {n} Nachrichten angewandt." },

	unsubscribeAsk: "Diese Liste abbestellen?", unsubscribeLead: "Der Server teilt {host} mit, dass Sie abbestellen. Sonst wird nichts über Sie mitgeteilt.",
	unsubscribed: "Sie haben abbestellt. Letzte Nachrichten können noch unterwegs sein.", unsubscribeFailed: "Die Liste hat es nicht angenommen. Versuchen Sie es auf ihrer Webseite.", openPage: "Seite öffnen",
	settings_account: "Konto", settings_security: "Sicherheit", settings_appearance: "Darstellung", settings_mail: "Nachrichten",

	language: "Sprache", continue: "Weiter", password: "Passwort", domain: "Domain",
	unlock: "Entsperren",

	sixDigits: "Code aus sechs Ziffern",
	recoveryCode: "Wiederherstellungscode",

	recoveryTitle: "Ihr Wiederherstellungscode",

	errRefused: "Das stimmt nicht. Prüfen Sie Ihre Eingabe und versuchen Sie es noch einmal.",

	settings_keys: "Schlüssel", saved: "Gespeichert", change: "Ändern", remove: "Entfernen", done: "Fertig", off: "Aus", export: "Exportieren",

	theme: "Farben",

	imagesAllowed: { one: "Bilder von {n} Absender werden gezeigt", other: "Bilder von {n} Absendern werden gezeigt" },
	seconds: { one: "{n} Sekunde", other: "{n} Sekunden" },

	passkey: "Passkey",

	addedOn: "hinzugefügt am {date}", endsOn: "gültig bis {date}", endedOn: "abgelaufen am {date}",

	revoke: "{name} widerrufen",

	encryptedLetter: "Verschlüsselte Nachricht",

	searchLocked: "Verschlüsselte Nachrichten wurden nicht durchsucht.",

};
