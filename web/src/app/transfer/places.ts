// Which mailbox a file belongs to, by its path: the folders that mail programs make around their files mean
// nothing here, and names that everybody uses for the inbox, the sent mail and so on become those.

/** A role, or the levels of a mailbox's name. */
export interface Place { role: string | null; folder: readonly string[] }

const names: Record<string, readonly string[]> = {
	inbox: ["inbox", "posteingang", "boîte de réception", "courrier entrant"],
	sent: ["sent", "sent mail", "sent items", "sent messages", "gesendet", "gesendete elemente", "gesendete objekte", "envoyés", "messages envoyés", "éléments envoyés"],
	drafts: ["draft", "drafts", "entwürfe", "brouillons"],
	trash: ["trash", "bin", "deleted items", "deleted messages", "papierkorb", "gelöschte elemente", "corbeille", "éléments supprimés"],
	junk: ["junk", "spam", "junk mail", "junk email", "junk e-mail", "junk-e-mail", "bulk mail", "unerwünscht", "indésirables", "courrier indésirable"],
	archive: ["archive", "archives", "archiv"],
};
const byName = new Map(Object.entries(names).flatMap(([role, all]) => all.map((n) => [n, role] as const)));
export const roles: readonly string[] = Object.keys(names);

/** "Unsent Messages" of Thunderbird's is an outbox; nobody wants that sent again, or kept under this name. */
const dead = new Set(["unsent messages", "templates"]);

export function placeOf(folder: readonly string[]): Place {
	const levels = folder.map((f) => f.trim()).filter(Boolean);
	if (levels.length > 1 && levels[0]?.toLowerCase() === "inbox")
		levels.shift();
	if (levels.length > 1 && /^\[(gmail|google mail)\]$/i.test(levels[0] ?? ""))
		levels.shift();
	if (levels.length === 0)
		return { role: "inbox", folder: [] };
	const name = (levels[0] ?? "").toLowerCase();
	if (levels.length === 1 && dead.has(name))
		return { role: null, folder: levels };
	return levels.length === 1 && byName.has(name) ? { role: byName.get(name) ?? null, folder: levels } : { role: null, folder: levels };
}

/** Levels of a mailbox for a file of messages: "Takeout/Mail/Work.mbox" is Work. */
export function mboxFolder(path: string): string[] {
	const parts = path.split("/").filter(Boolean);
	const file = (parts.pop() ?? "").replace(/\.(mbox|mbx)(\.txt)?$/i, "");
	// Apple Mail: "Work.mbox/mbox". Thunderbird: folders inside "Work" lie in "Work.sbd".
	const levels = file.toLowerCase() === "mbox" && parts.length > 0 ? parts : [...parts, file];
	return wrappers(levels.map((p) => p.replace(/\.(sbd|mbox)$/i, "")));
}

/** Levels of a mailbox for a message in a file of its own: the folder that it lies in. */
export const folderOf = (path: string): string[] => wrappers(path.split("/").filter(Boolean).slice(0, -1));

/** Takes away the levels that Takeout and Thunderbird put around everything. */
function wrappers(levels: string[]): string[] {
	const at = levels.findIndex((l, i) => l === "Takeout" || (/^(ImapMail|Mail)$/.test(l) && i < levels.length - 2 && /^(Local Folders|[^ ]+\.[^ ]+|smart mailboxes)$/.test(levels[i + 1] ?? "")));
	return at < 0 || at + 2 >= levels.length ? levels : levels.slice(at + 2);
}

/** The levels above the outermost Maildir: it is the inbox, even where it lies somewhere inside. */
export function maildirRoot(folders: readonly (readonly string[])[]): number {
	const first = folders[0];
	if (!first)
		return 0;
	let n = first.length;
	for (const f of folders) {
		let same = 0;
		while (same < n && same < f.length && f[same] === first[same])
			same++;
		n = same;
	}
	// One folder alone is a mailbox of that name, unless it says that it is the Maildir.
	const lone = folders.every((f) => f.length === first.length) && n === first.length;
	return lone && !/^(maildir|mail)$/i.test(first[n - 1] ?? "") ? 0 : n;
}
