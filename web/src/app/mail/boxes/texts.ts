// Texts of making, naming and emptying folders, and of new labels.
import { part, type Like, type MainKey } from "../../../i18n/part.ts";

const en = {
	folderName: "Name of the folder",
	create: "Create",
	rename: "Rename",
	renameFolder: "Rename folder",
	newFolderIn: "New folder in {name}",
	folderExists: "There is a folder of this name already.",
	folderMade: "Folder {name} created",
	folderRenamed: "Folder renamed to {name}",
	deleteFolder: "Delete folder",
	deleteFolderAsk: "Delete the folder {name}?",
	deleteFolderEmpty: "There is nothing in it.",
	deleteFolderLead: { one: "The message in it goes to the trash.", other: "The {n} messages in it go to the trash." },
	deleteInner: "There are folders inside. Delete those first.",
	folderDeleted: "Folder {name} deleted",
	markAllRead: "Mark all as read",
	emptyTrash: "Empty the trash",
	emptySpam: "Delete all spam",
	emptyLead: { one: "{n} message is deleted for good. That cannot be undone.", other: "{n} messages are deleted for good. That cannot be undone." },
	emptied: "All deleted",
	labelName: "Name of the label",
};

const de: Like<typeof en> = {
	folderName: "Name des Ordners",
	create: "Anlegen",
	rename: "Umbenennen",
	renameFolder: "Ordner umbenennen",
	newFolderIn: "Neuer Ordner in {name}",
	folderExists: "Einen Ordner mit diesem Namen gibt es schon.",
	folderMade: "Ordner {name} angelegt",
	folderRenamed: "Ordner heißt jetzt {name}",
	deleteFolder: "Ordner löschen",
	deleteFolderAsk: "Ordner {name} löschen?",
	deleteFolderEmpty: "Es ist nichts darin.",
	deleteFolderLead: { one: "Die Nachricht darin kommt in den Papierkorb.", other: "Die {n} Nachrichten darin kommen in den Papierkorb." },
	deleteInner: "Darin sind noch Ordner. Löschen Sie diese zuerst.",
	folderDeleted: "Ordner {name} gelöscht",
	markAllRead: "Alle als gelesen markieren",
	emptyTrash: "Papierkorb leeren",
	emptySpam: "Allen Spam löschen",
	emptyLead: { one: "{n} Nachricht wird endgültig gelöscht. Das lässt sich nicht rückgängig machen.", other: "{n} Nachrichten werden endgültig gelöscht. Das lässt sich nicht rückgängig machen." },
	emptied: "Alles gelöscht",
	labelName: "Name des Etiketts",
};

const fr: Like<typeof en> = {
	folderName: "Nom du dossier",
	create: "Créer",
	rename: "Renommer",
	renameFolder: "Renommer le dossier",
	newFolderIn: "Nouveau dossier dans {name}",
	folderExists: "Il y a déjà un dossier de ce nom.",
	folderMade: "Dossier {name} créé",
	folderRenamed: "Dossier renommé en {name}",
	deleteFolder: "Supprimer le dossier",
	deleteFolderAsk: "Supprimer le dossier {name} ?",
	deleteFolderEmpty: "Il est vide.",
	deleteFolderLead: { one: "Le message qu’il contient va à la corbeille.", other: "Les {n} messages qu’il contient vont à la corbeille." },
	deleteInner: "Il contient des dossiers. Supprimez-les d’abord.",
	folderDeleted: "Dossier {name} supprimé",
	markAllRead: "Tout marquer comme lu",
	emptyTrash: "Vider la corbeille",
	emptySpam: "Supprimer tout le spam",
	emptyLead: { one: "{n} message est supprimé définitivement, sans retour possible.", other: "{n} messages sont supprimés définitivement, sans retour possible." },
	emptied: "Tout est supprimé",
	labelName: "Nom de l’étiquette",
};

export type Key = keyof typeof en | MainKey;
export const catalogues = { en, de, fr };
export const t = part<typeof en>(catalogues);
