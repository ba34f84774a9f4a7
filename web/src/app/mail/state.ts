// What the mail view shows: which mailbox or search, where the cursor is, what is selected, what is open.
import { batch, computed, effect, signal } from "@preact/signals";
import type { MailStore } from "../../jmap/mail.ts";
import type { MessageList } from "../../jmap/list.ts";
import { parseSearch, plainWords } from "../../jmap/query.ts";
import type { Filter, Id, Mailbox } from "../../jmap/types.ts";
import { prefs } from "../prefs.ts";
import { address, go, route } from "../router.ts";

export const store = signal<MailStore | null>(null);
export const mail = (): MailStore => store.peek() as MailStore;

/** Roles by the names that addresses use. */
const roleNames: Record<string, string> = { inbox: "inbox", drafts: "drafts", sent: "sent", archive: "archive", spam: "junk", trash: "trash", starred: "", all: "", unread: "" };

export interface Place { kind: "box" | "search" | "starred" | "all" | "unread"; key: string; mailbox: Mailbox | null; search: string }

export const place = computed<Place>(() => {
	const { view, parts } = route.value;
	const boxes = store.value?.mailboxes.value ?? new Map<Id, Mailbox>();
	if (view === "search")
		return { kind: "search", key: `search/${parts[0] ?? ""}`, mailbox: null, search: parts[0] ?? "" };
	const name = view === "mail" ? parts[0] ?? "inbox" : "inbox";
	if (name === "starred" || name === "all" || name === "unread")
		return { kind: name, key: name, mailbox: null, search: "" };
	const role = roleNames[name];
	const mailbox = (role ? store.value?.byRole.value.get(role) : boxes.get(name)) ?? null;
	return { kind: "box", key: name, mailbox, search: "" };
});

export function boxAddress(box: Mailbox): string {
	const name = Object.entries(roleNames).find(([, role]) => role && role === box.role)?.[0];
	return address("mail", name ?? box.id);
}

/** Where the list is, without what is open in it. */
export function listAddress(): string {
	const p = place.peek();
	return p.kind === "search" ? address("search", p.search) : address("mail", p.key);
}

/** The message whose conversation is open. */
export const openId = computed<Id | null>(() => {
	const { view, parts } = route.value;
	return view === "mail" || view === "search" ? parts[1] ?? null : null;
});

export const cursor = signal<Id | null>(null);
export const selected = signal<ReadonlySet<Id>>(new Set());
export const anchor = signal<Id | null>(null);
/** The drawer with the mailboxes, where the screen has no room for it. */
export const drawer = signal(false);

function filterOf(p: Place, boxes: Iterable<Mailbox>): Filter | null {
	const hidden = [...boxes].filter((m) => m.role === "junk" || m.role === "trash").map((m) => m.id);
	const visible: Filter[] = hidden.length ? [{ inMailboxOtherThan: hidden }] : [];
	const and = (c: Filter): Filter => ({ operator: "AND", conditions: [c, ...visible] });
	if (p.kind === "box")
		return p.mailbox && { inMailbox: p.mailbox.id };
	if (p.kind === "starred")
		return and({ hasKeyword: "$flagged" });
	if (p.kind === "unread")
		return and({ notKeyword: "$seen" });
	if (p.kind === "all")
		return visible[0] ?? {};
	return parseSearch(p.search, boxes);
}

/** Encrypted letters were left out of the search, as the keys are locked. */
export const searchLocked = signal(false);

export function searchAgain(): void {
	const s = store.peek();
	const list = s?.list.peek();
	searchLocked.value = false;
	if (s && list && place.peek().kind === "search")
		void searchInPage(s, list, place.peek().search).catch(() => undefined);
}

/** Encrypted letters are searched here: the server cannot read them. */
async function searchInPage(s: MailStore, list: MessageList, text: string): Promise<void> {
	const words = plainWords(text);
	if (!words?.length)
		return;
	const { forgetLetters, searchEncrypted } = await import("../pgp/index_store.ts");
	const found = await searchEncrypted(words);
	await s.read(found);
	await list.loaded();
	void forgetLetters(found.filter((id) => !s.emails.has(id)));
	list.lead(found.filter((id) => s.emails.has(id)));
}

const noThreads = new Set(["drafts", "trash", "junk"]);

/** Opens the list that the address names; again when it names another one. */
export function followPlace(): () => void {
	let shown = "";
	return effect(() => {
		const p = place.value;
		const s = store.value;
		const conversations = prefs.value.conversations;
		const boxes = s?.mailboxes.value;
		const key = `${p.key} ${p.mailbox?.id} ${conversations}`;
		if (!s || !boxes?.size || key === shown)
			return;
		shown = key;
		const filter = filterOf(p, boxes.values());
		if (!filter)
			return;
		batch(() => {
			cursor.value = openId.peek();
			selected.value = new Set();
			anchor.value = null;
		});
		const list = s.open({
			filter,
			sort: [{ property: "receivedAt", isAscending: false }],
			collapseThreads: conversations && !noThreads.has(p.mailbox?.role ?? ""),
		});
		if (p.kind === "search")
			searchInPage(s, list, p.search).then(() => { searchLocked.value = false; }, (e: Error) => { searchLocked.value = e.name === "KeysLocked"; });
	});
}

export function openMessage(id: Id): void {
	cursor.value = id;
	go(`${listAddress()}/${encodeURIComponent(id)}`, openId.peek() !== null);
}

export function closeMessage(): void {
	if (openId.peek())
		go(listAddress());
}

/** Moves the cursor by rows; the open conversation follows it. */
export function step(by: number): void {
	const list = mail().list.peek();
	if (!list)
		return;
	const ids = list.ids.peek();
	const now = cursor.peek() === null ? -1 : list.indexOf(cursor.peek() as Id);
	const to = Math.max(0, Math.min(ids.length - 1, now + by));
	const id = ids[to];
	if (!id)
		return list.show(to, to + 1);
	cursor.value = id;
	if (openId.peek())
		openMessage(id);
}

/** The rows an action is meant for: the selected ones, else the open one, else the one under the cursor. */
export function targets(): Id[] {
	if (selected.peek().size)
		return [...selected.peek()];
	const id = openId.peek() ?? cursor.peek();
	return id ? [id] : [];
}

export function toggleSelected(id: Id): void {
	const next = new Set(selected.peek());
	if (!next.delete(id))
		next.add(id);
	selected.value = next;
	anchor.value = id;
}

/** Selects from the last one that was selected to this one. */
export function selectRange(id: Id): void {
	const list = mail().list.peek();
	const from = list?.indexOf(anchor.peek() ?? cursor.peek() ?? id) ?? -1;
	const to = list?.indexOf(id) ?? -1;
	if (!list || from < 0 || to < 0)
		return toggleSelected(id);
	const range = list.ids.peek().slice(Math.min(from, to), Math.max(from, to) + 1);
	selected.value = new Set([...selected.peek(), ...range.filter((i) => i !== undefined)]);
}
