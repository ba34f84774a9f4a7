// The key worker as the page uses it: one, made when it is first needed.
import { Keys, RpcError } from "../../keys/client";
import { t, type Key } from "./texts.ts";
import { scriptUrl } from "../trusted.ts";

let worker: Keys | null = null;

export function keys(): Keys {
	worker ??= new Keys(new Worker(scriptUrl(WORKER_URLS.keys ?? ""), { type: "module", name: "keys" }));
	return worker;
}

/** With what this browser keeps; false when the password is needed. */
export async function unlockKept(): Promise<boolean> {
	const status = await keys().call("resume");
	if (status.state !== "open")
		return false;
	await keys().call("unlockSession");
	return true;
}

export async function forgetKeys(): Promise<void> {
	await keys().call("signOut");
}

const texts: Record<string, Key> = {
	refused: "errRefused", auth: "errRefused", rate: "errRate", unavailable: "errUnavailable", denied: "errDenied", exists: "errExists",
	reserved: "errReserved", expired: "errExpired", syntax: "errCode", limit: "errLimit", conflict: "errConflict", malformed: "errAddress",
};

/** What went wrong, in the reader's language. */
export function sayError(e: unknown): string {
	if (!(e instanceof RpcError))
		return t("errUnavailable");
	const minutes = Math.max(1, Math.ceil((e.retryAfter ?? 60) / 60));
	return t(texts[e.code] ?? "errInternal", { n: minutes });
}

/** How the list of sessions calls this browser. */
export function deviceName(agent = navigator.userAgent): string {
	const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Browser";
	const system = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Windows/.test(agent) ? "Windows" : /Mac OS/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
	return system ? `${browser}, ${system}` : browser;
}
