// Notices of new mail, for those who want them, and the number on the program's icon. While a page is open it tells
// of mail itself; when none is, the service worker does, through the browser's push service.
import { effect } from "@preact/signals";
import type { MailStore } from "../../jmap/mail.ts";
import type { Email, GetResult, QueryResult, SetResult } from "../../jmap/types.ts";
import { isHiddenSubject } from "../mail/protection.tsx";
import { nameOf } from "../mail/row.tsx";
import { openMessage } from "../mail/state.ts";
import { prefs, setPrefs, type Prefs } from "../prefs.ts";
import { unbase64url } from "../../keys/bytes.ts";
import { said } from "../../ui/toast.tsx";
import { stage } from "../session.ts";
import { lasting } from "./vaults.ts";
import { startWorker } from "./register.ts";
import { t } from "./texts.ts";

const tag = "letterlock-mail";
const vapid = "urn:ietf:params:jmap:webpush-vapid";
const place = "letterlock.push";
const week = 7 * 86_400_000;

type WithBadge = Navigator & { setAppBadge?(n: number): Promise<void>; clearAppBadge?(): Promise<void> };

function badge(n: number): void {
	const nav = navigator as WithBadge;
	void (n > 0 ? nav.setAppBadge?.(n) : nav.clearAppBadge?.())?.catch(() => undefined);
}

async function notify(title: string, body: string, open: (() => void) | null): Promise<void> {
	const options = { tag, body, icon: "/assets/icon-192.png", silent: true, data: "/mail/inbox" };
	try {
		const notice = new Notification(title, options);
		notice.onclick = () => { window.focus(); notice.close(); open?.(); };
	} catch {
		// Where only the service worker may.
		await (await navigator.serviceWorker?.getRegistration())?.showNotification(title, options);
	}
}

/** Tells of what came since the last time: by a notice, or, where somebody has the page before them, for those who cannot see it. */
class Teller {
	private since = new Date().toISOString();

	constructor(private readonly mail: MailStore) {}

	async delivered(): Promise<void> {
		const looking = document.visibilityState === "visible";
		if (!looking && (prefs.peek().news === "off" || Notification.permission !== "granted"))
			return;
		const client = this.mail.client;
		const query = client.call<QueryResult>("Email/query", {
			filter: { operator: "AND", conditions: [{ inMailbox: this.mail.role("inbox")?.id }, { notKeyword: "$seen" }, { after: `${this.since.slice(0, 19)}Z` }] },
			sort: [{ property: "receivedAt", isAscending: false }], limit: 10, calculateTotal: true,
		});
		const get = client.call<GetResult<Email>>("Email/get", { "#ids": query.ref("/ids"), properties: ["id", "from", "subject", "receivedAt"] });
		const [{ total }, { list }] = await Promise.all([query, get]);
		const n = total ?? list.length;
		const newest = list[0];
		if (!newest)
			return;
		const who = nameOf(newest.from?.[0]) || t("fromUnknown");
		const subject = isHiddenSubject(newest.subject) ? t("newMail") : newest.subject || t("noSubject");
		if (looking) {
			this.since = new Date(Date.parse(newest.receivedAt) + 1000).toISOString();
			said.value = n > 1 ? t("newMails", { n }) : `${t("newMails", { n })}: ${who}, ${subject}`;
			return undefined;
		}
		if (n > 1 || prefs.peek().news === "quiet")
			return notify(t("newMails", { n }), "Letterlock", null);
		return notify(who, subject, () => openMessage(newest.id));
	}

	/** Somebody is looking: what is there is known. */
	readonly looked = (): void => {
		if (document.visibilityState === "visible")
			this.since = new Date().toISOString();
	};
}

/** Starts; the function that ends it. */
export function followNews(mail: MailStore): () => void {
	const teller = new Teller(mail);
	mail.onDelivery = () => void teller.delivered().catch(() => undefined);
	document.addEventListener("visibilitychange", teller.looked);
	const end = effect(() => {
		const n = stage.value === "open" ? mail.mailboxes.value.get(mail.byRole.value.get("inbox")?.id ?? "")?.unreadEmails ?? 0 : 0;
		badge(n);
		document.title = n > 0 ? `(${n}) Letterlock` : "Letterlock";
	});
	if (lasting() && prefs.peek().news !== "off" && Notification.permission === "granted")
		void subscribe(mail).catch(() => undefined);
	return () => {
		end();
		document.removeEventListener("visibilitychange", teller.looked);
	};
}

// --- while no page is open ---

interface Subscribed { device: string; id: string; url: string; at: number }

function subscribed(): Subscribed | null {
	try {
		return JSON.parse(localStorage.getItem(place) ?? "null") as Subscribed | null;
	} catch {
		return null;
	}
}

const expires = () => `${new Date(Date.now() + week).toISOString().slice(0, 19)}Z`;

async function call(mail: MailStore, args: Record<string, unknown>): Promise<SetResult> {
	const [answer] = await mail.client.request([["PushSubscription/set", args, "p"]]);
	if (answer?.[0] !== "PushSubscription/set")
		throw new Error(String(answer?.[1].type));
	return answer[1] as unknown as SetResult;
}

/** The browser's subscription becomes the server's; renewed once a day. */
export async function subscribe(mail: MailStore): Promise<boolean> {
	const key = mail.session.capabilities[vapid]?.applicationServerKey;
	const worker = await startWorker();
	if (typeof key !== "string" || !worker?.pushManager)
		return false;
	await navigator.serviceWorker.ready;
	const push = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: unbase64url(key) });
	const before = subscribed();
	if (before?.url === push.endpoint) {
		if (Date.now() - before.at < 86_400_000)
			return true;
		const renewed = await call(mail, { update: { [before.id]: { expires: expires() } } });
		if (renewed.updated && before.id in renewed.updated) {
			localStorage.setItem(place, JSON.stringify({ ...before, at: Date.now() }));
			return true;
		}
	}
	const device = before?.device ?? crypto.randomUUID();
	const { keys } = push.toJSON();
	const made = await call(mail, {
		create: { s: { deviceClientId: device, url: push.endpoint, keys, types: ["EmailDelivery"], expires: expires() } },
		...(before ? { destroy: [before.id] } : {}),
	});
	const id = made.created?.s?.id;
	if (id)
		localStorage.setItem(place, JSON.stringify({ device, id, url: push.endpoint, at: Date.now() } satisfies Subscribed));
	return id !== undefined;
}

export async function unsubscribe(mail: MailStore | null): Promise<void> {
	const before = subscribed();
	localStorage.removeItem(place);
	const worker = await navigator.serviceWorker?.getRegistration();
	await (await worker?.pushManager?.getSubscription())?.unsubscribe();
	if (before && mail)
		await call(mail, { destroy: [before.id] });
}

/** Somebody chose; false when the browser does not allow it. */
export async function choose(mail: MailStore, news: Prefs["news"]): Promise<boolean> {
	if (news !== "off" && await Notification.requestPermission() !== "granted")
		return false;
	setPrefs({ news });
	if (news === "off")
		await unsubscribe(mail).catch(() => undefined);
	else if (lasting())
		await subscribe(mail).catch(() => undefined);
	return true;
}
