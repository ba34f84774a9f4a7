// What Takeout's labels mean here. Gmail writes its own labels in the language of the account.
import { isKeyword } from "./message.ts";

type Meaning = "inbox" | "sent" | "drafts" | "junk" | "trash" | "archive" | "$flagged" | "$important" | "unread" | "seen" | "nothing";

const meanings: Record<Meaning, readonly string[]> = {
	inbox: ["inbox", "posteingang", "boîte de réception", "recibidos", "posta in arrivo", "postvak in", "caixa de entrada", "odebrane"],
	sent: ["sent", "sent mail", "gesendet", "messages envoyés", "envoyés", "enviados", "posta inviata", "verzonden", "wysłane"],
	drafts: ["draft", "drafts", "entwürfe", "entwurf", "brouillons", "brouillon", "borradores", "bozze", "concepten", "rascunhos", "wersje robocze"],
	junk: ["spam", "junk", "courrier indésirable"],
	trash: ["trash", "bin", "papierkorb", "corbeille", "papelera", "cestino", "prullenbak", "lixeira", "kosz"],
	archive: ["archived", "archiviert", "archivés", "archivé", "messages archivés", "archivado", "archivados", "archiviati", "gearchiveerd"],
	$flagged: ["starred", "markiert", "suivis", "messages suivis", "destacados", "speciali", "met ster", "com estrela"],
	$important: ["important", "wichtig", "importants", "importantes", "importanti", "belangrijk"],
	unread: ["unread", "ungelesen", "non lus", "non lu", "no leídos", "no leído", "da leggere", "ongelezen", "não lidas"],
	seen: ["opened", "read", "geöffnet", "ouvert", "ouverts", "abierto", "abiertos", "letti", "aperto", "geopend", "abertas"],
	nothing: ["all mail", "chat", "chats"],
};
const byLabel = new Map(Object.entries(meanings).flatMap(([m, names]) => names.map((n) => [n, m as Meaning] as const)));
const category = /^(category|kategorie|catégorie|categoría|categoria)\b|^\^/i;

interface LabelPlace { roles: string[]; folders: string[][]; keywords: string[] }

/** Mailboxes and keywords of a message with these labels. */
export function labelPlace(labels: readonly string[]): LabelPlace {
	const out: LabelPlace = { roles: [], folders: [], keywords: [] };
	let seen = true;
	for (const label of labels) {
		const meaning = byLabel.get(label.toLowerCase());
		if (meaning === "unread")
			seen = false;
		else if (meaning?.startsWith("$"))
			out.keywords.push(meaning);
		else if (meaning && meaning !== "seen" && meaning !== "nothing")
			out.roles.push(meaning);
		else if (!meaning && !category.test(label))
			out.folders.push(label.split("/").map((l) => l.trim()).filter(Boolean));
	}
	if (out.roles.includes("trash") || out.roles.includes("junk"))
		return { roles: out.roles.filter((r) => r === "trash" || r === "junk").slice(0, 1), folders: [], keywords: keep(out.keywords, seen) };
	if (out.roles.includes("drafts"))
		out.keywords.push("$draft");
	const somewhere = out.roles.length + out.folders.length > 0;
	return { roles: somewhere ? tidy(out.roles) : ["archive"], folders: out.folders.filter((f) => f.length > 0), keywords: keep(out.keywords, seen) };
}

const keep = (keywords: readonly string[], seen: boolean): string[] => [...new Set([...keywords, ...(seen ? ["$seen"] : [])])].filter(isKeyword);

/** What lies in the inbox is not archived. */
function tidy(roles: readonly string[]): string[] {
	const all = [...new Set(roles)];
	return all.length > 1 ? all.filter((r) => r !== "archive") : all;
}
