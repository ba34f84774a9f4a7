// French. Formal address; plain words.
import type { Catalogue } from "./index.ts";

export const fr: Catalogue = {
	close: "Fermer", cancel: "Annuler", undo: "Annuler", save: "Enregistrer", copy: "Copier", download: "Télécharger", loading: "Chargement", tryAgain: "Réessayer", search: "Rechercher",
	settings: "Réglages", account: "Compte", accountMenu: "Menu du compte de {who}", next: "Suivant", previous: "Précédent", date: "Date", size: "Taille", from: "De", to: "À", cc: "Cc", bcc: "Cci",
	replyTo: "Répondre à", subject: "Objet", me: "moi", unreachable: "Le serveur ne répond pas pour le moment.", unreachableLead: "Cet appareil est peut-être hors ligne. Un nouvel essai se fait tout seul.",
	partFailed: "Cette partie n’a pas pu être chargée. Vérifiez la connexion et réessayez.",
	partStuck: "Cette partie n’a pas pu être chargée. Recharger la page peut aider. Enregistrez ou copiez d’abord ce que vous avez écrit.", loadAnew: "Recharger la page",
	failedAction: "Cela n’a pas fonctionné. La modification a été annulée.",
	skipToContent: "Aller au contenu", passwordShow: "Montrer le mot de passe", passwordHide: "Cacher le mot de passe",

	mailboxes: "Dossiers", boxInbox: "Boîte de réception", boxDrafts: "Brouillons", boxSent: "Envoyés", boxArchive: "Archives", boxSpam: "Indésirables", boxTrash: "Corbeille", boxSnoozed: "En attente",
	boxScheduled: "Programmés", boxOutbox: "Boîte d’envoi", boxStarred: "Suivis", allMail: "Tous les messages", unreadMail: "Non lus", unread: "Non lu", starred: "Suivi", unreadCount: { one: "message non lu", other: "messages non lus" },
	resizeMailboxes: "Largeur des dossiers", resizeList: "Largeur de la liste",

	conversations: { one: "{n} conversation", other: "{n} conversations" }, messages: { one: "{n} message", other: "{n} messages" }, conversation: "Conversation", message: "Message", noSubject: "(sans objet)",
	noRecipients: "aucun destinataire", toPeople: "à {names}", hasAttachment: "a une pièce jointe", encrypted: "Chiffré de bout en bout", offline: "Hors ligne", inboxEmpty: "Rien ne vous attend.", bringMail: "Importer vos messages", boxEmpty: "Rien ici.", boxActions: "Actions pour {name}", boxGone: "Introuvable",
	boxGoneLead: "Ce dossier n’existe pas. Il a peut-être été renommé ou supprimé.", newFolder: "Nouveau dossier", newLabel: "Nouvelle étiquette", someLabels: "travail famille factures voyages",
	nothingFound: "Rien n’a été trouvé.", searchHint: "Essayez moins de mots, d’autres mots ou le nom de l’expéditeur.",
	listFailed: "Les messages n’ont pas pu être chargés.", counting: "Comptage…", searching: "Recherche en cours…", searchFor: "Recherche : {what}", searchPlaceholder: "Rechercher dans les messages", clearSearch: "Effacer la recherche",
	selectedActions: "Actions sur la sélection", selectedCount: { one: "{n} sélectionné", other: "{n} sélectionnés" }, selectLoaded: "Sélectionner tout ce qui est chargé", select: "Sélectionner", selectAll: "Tout sélectionner", selectNone: "Tout désélectionner",
	dragging: { one: "Déplacer {n} conversation", other: "Déplacer {n} conversations" }, opFrom: "envoyé par", opTo: "envoyé à", opSubject: "mots de l’objet", opAttachment: "avec pièces jointes", opUnread: "pas encore lu",
	opStarred: "suivi", opIn: "dans un dossier", opAfter: "depuis un jour, comme 2026-03-01", opBefore: "avant un jour, comme 2026-03-01", opLarger: "plus grand que, comme 5M",

	messageActions: "Actions sur cette conversation", moreActions: "Autres actions", archive: "Archiver", delete: "Supprimer", spam: "Signaler comme indésirable", notSpam: "N’est pas indésirable", star: "Suivre", unstar: "Ne plus suivre",
	markRead: "Marquer comme lu", markUnread: "Marquer comme non lu", moveTo: "Déplacer vers", moveToInbox: "Remettre dans la boîte de réception", otherActions: "Autres actions", labels: "Étiquettes", removeLabel: "Retirer l’étiquette {label}",
	backToList: "Retour à la liste", openConversation: "Ouvrir la conversation", reply: "Répondre", replyAll: "Répondre à tous", forward: "Transférer", print: "Imprimer", showOriginal: "Montrer l’original",
	originalMessage: "Message original", headers: "En-têtes", source: "Source", downloadMessage: "Télécharger le message", showFormatted: "Montrer la mise en forme", showPlain: "Montrer en texte brut", showDark: "Montrer en sombre",
	showLight: "Montrer dans ses couleurs", didArchive: { one: "Archivé", other: "{n} conversations archivées" }, didMove: { one: "Déplacé vers {box}", other: "{n} conversations déplacées vers {box}" },
	didDelete: { one: "Mis à la corbeille", other: "{n} conversations mises à la corbeille" }, didDestroy: { one: "Supprimé définitivement", other: "{n} conversations supprimées définitivement" },
	didSpam: { one: "Signalé comme indésirable", other: "{n} conversations signalées comme indésirables" }, didNotSpam: { one: "Remis dans la boîte de réception", other: "{n} conversations remises dans la boîte de réception" },
	didRead: { one: "Marqué comme lu", other: "{n} conversations marquées comme lues" }, didUnread: { one: "Marqué comme non lu", other: "{n} conversations marquées comme non lues" },
	didLabel: { one: "Étiquette {label} ajoutée", other: "Étiquette {label} ajoutée à {n} conversations" }, didUnlabel: { one: "Étiquette {label} retirée", other: "Étiquette {label} retirée de {n} conversations" },

	nothingOpen: "Aucune conversation n’est ouverte.", hintMove: "parcourir la liste", hintKeys: "toutes les touches", openFailed: "Le message n’a pas pu être chargé.", unknownSender: "Expéditeur inconnu", messageFrom: "Message de {who}",
	quotedText: "Texte cité", olderMessages: { one: "{n} message plus ancien", other: "{n} messages plus anciens" }, attachments: { one: "{n} pièce jointe", other: "{n} pièces jointes" }, unnamedFile: "Fichier sans nom",
	blockedRemote: { one: "{n} élément distant n’a pas été chargé. Le charger dirait à l’expéditeur que vous lisez ceci.", other: "{n} éléments distants n’ont pas été chargés. Les charger dirait à l’expéditeur que vous lisez ceci." },
	showImages: "Montrer les images", alwaysShow: "Toujours pour cet expéditeur", unsubscribe: "Se désabonner", linkLies: "Ce lien mène ailleurs", linkSays: "Le texte dit « {text} ».", linkGoes: "Le lien mène à", openAnyway: "Ouvrir quand même",
	warnAuthentication: "Ce message ne vient peut-être pas de {domain}. Ce domaine signe son courrier, et ce message n’a pas passé le contrôle.",
	warnImitation: "{address} ressemble à {known}, à qui vous avez écrit, mais c’est quelqu’un d’autre.", warnNameIsAddress: "L’expéditeur montre une adresse en guise de nom. La vraie adresse est {address}.",
	warnAttachment: "{name} est un programme. Ne l’ouvrez que si vous l’attendiez.",
	warnPage: "{name} est une page web. Elle peut montrer une fausse connexion. Ne l’ouvrez que si vous l’attendiez.",
	warnTurned: "Un nom contient ici des signes qui retournent les lettres. Il n’est pas ce qu’il paraît.",

	keyboardShortcuts: "Raccourcis clavier", commandPalette: "Commandes", palettePlaceholder: "Que voulez-vous faire ?", groupWrite: "Écrire", groupMove: "Se déplacer", groupAct: "Agir sur les messages", groupSelect: "Sélectionner",
	groupGo: "Aller à", groupOther: "Autres", switchTheme: "Passer du clair au sombre", useLight: "Apparence claire", useDark: "Apparence sombre", signOut: "Se déconnecter",

	compose: "Nouveau message",
	code: "Code",
	send: "Envoyer", sent: "Message envoyé", laterToday: "Plus tard aujourd’hui",
	tomorrowMorning: "Demain matin",

	keepWriting: "Continuer à écrire",
	trackersRemoved: { one: "{n} pixel espion a été retiré.", other: "{n} pixels espions ont été retirés." }, picturesMissing: { one: "{n} image est introuvable.", other: "{n} images sont introuvables." },
	chooseTime: "Choisir le moment", dateAndTime: "Date et heure", timeIsPast: "Choisissez un moment à venir.", timeTooFar: "C’est trop éloigné.", scheduledLetters: "Messages programmés",
	nothingScheduled: "Aucun message n’attend d’être envoyé.", cancelAndEdit: "Annuler et modifier", snooze: "Mettre en attente", snoozeNow: "Remettre dans la boîte de réception", thisWeekend: "Ce week-end",
	nextWeek: "La semaine prochaine", didSnooze: "En attente, retour : {when}", snoozedUntil: "En attente, retour : {when}", settings_rules: "Règles", settings_device: "Cet appareil", settings_transfer: "Import et export", rules: "Règles",

	ruleFromMessage: "Règle à partir de ce message",
	ruleApplied: { one: "La règle a été appliquée à {n} message.", other: "La règle a été appliquée à {n} messages." },

	unsubscribeAsk: "Quitter cette liste ?",
	unsubscribeLead: "Le serveur dit à {host} que vous partez. Rien d’autre n’est dit de vous.", unsubscribed: "Vous avez quitté la liste. Les derniers messages sont peut-être en route.",
	unsubscribeFailed: "La liste ne l’a pas accepté. Essayez sa page web.", openPage: "Ouvrir la page",
	settings_account: "Compte", settings_security: "Sécurité", settings_appearance: "Apparence", settings_mail: "Messages",

	language: "Langue", continue: "Continuer", password: "Mot de passe", domain: "Domaine",
	unlock: "Déverrouiller",

	sixDigits: "Code à six chiffres", recoveryCode: "Code de secours",

	recoveryTitle: "Votre code de secours",

	errRefused: "Ce n’est pas juste. Vérifiez votre saisie et réessayez.",

	settings_keys: "Clés", saved: "Enregistré", change: "Changer", remove: "Retirer", done: "Terminé", off: "Désactivé", export: "Exporter",

	theme: "Couleurs",

	imagesAllowed: { one: "Les images de {n} expéditeur sont montrées", other: "Les images de {n} expéditeurs sont montrées" },
	seconds: { one: "{n} seconde", other: "{n} secondes" },

	passkey: "Clé d’accès",

	addedOn: "depuis le {date}",
	endsOn: "prend fin le {date}",
	endedOn: "a pris fin le {date}",

	revoke: "Révoquer {name}",

	encryptedLetter: "Message chiffré",

	searchLocked: "La recherche n’a pas porté sur les messages chiffrés.",

};
