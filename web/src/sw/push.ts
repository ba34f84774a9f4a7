// Messages that come through the browser's push service while no page is open. They say only that something has
// changed, so a notice says no more than that.
import type { Clicked, Scope } from "./scope.ts";

interface Message {
	"@type"?: string;
	changed?: Record<string, Record<string, string>>;
	pushSubscriptionId?: string;
	verificationCode?: string;
}

const said: Readonly<Record<string, string>> = { en: "New mail", de: "Neue Mail", fr: "Nouveau courrier" };
export const inbox = "/mail/inbox";
export const tag = "letterlock-mail";

function parse(text: string | undefined): Message {
	try {
		const value: unknown = JSON.parse(text ?? "");
		return typeof value === "object" && value !== null ? value as Message : {};
	} catch {
		return {};
	}
}

export function words(languages: readonly string[]): string {
	const known = languages.map((l) => l.toLowerCase().split("-")[0] ?? "").find((l) => Object.hasOwn(said, l));
	return said[known ?? "en"] as string;
}

/** The server wants to know that the subscription is this browser's. */
async function verify(scope: Scope, m: Message): Promise<void> {
	const update = { [m.pushSubscriptionId ?? ""]: { verificationCode: m.verificationCode } };
	await scope.fetch("/jmap/api", {
		method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json", "X-Letterlock": "1" },
		body: JSON.stringify({ using: ["urn:ietf:params:jmap:core"], methodCalls: [["PushSubscription/set", { update }, "v"]] }),
	});
}

export async function onPush(scope: Scope, text: string | undefined): Promise<void> {
	const m = parse(text);
	if (m["@type"] === "PushVerification")
		return verify(scope, m);
	const arrived = Object.values(m.changed ?? {}).some((types: unknown) => typeof types === "object" && types !== null && "EmailDelivery" in types);
	if (!arrived)
		return undefined;
	const windows = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
	if (windows.some((w) => w.visibilityState === "visible"))
		return undefined;
	await scope.navigator.setAppBadge?.().catch(() => undefined);
	return scope.registration.showNotification(words(scope.navigator.languages), {
		tag, body: "Letterlock", icon: "/assets/icon-192.png", badge: "/assets/icon-192.png", silent: true, data: inbox,
	});
}

/** Shows the page: one that is open, else a new one. */
export async function onClick(scope: Scope, e: Clicked): Promise<void> {
	e.notification.close();
	const [first] = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
	await (first ? first.focus() : scope.clients.openWindow(inbox));
}
