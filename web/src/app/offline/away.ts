// What happens when the server cannot be reached, and when it can be again: views are answered from what is kept,
// changes are noted, and on return they are made before anything is asked for.
import { JmapError, type Fallback, type Invocation } from "../../jmap/client.ts";
import type { MailStore } from "../../jmap/mail.ts";
import { note, replay } from "../../offline/changes.ts";
import { blobName, days, type Around, type Ask } from "../../offline/keeper.ts";
import { Local } from "../../offline/local.ts";
import type { Vault } from "../../offline/vault.ts";
import type { FullEmail, Id } from "../../jmap/types.ts";
import { toast } from "../../ui/toast.tsx";
import { unlockKept } from "../auth/keys.ts";
import { account, askSession, ended } from "../session.ts";
import { strip } from "./hooks.ts";
import { stripFor } from "./strip.tsx";
import { t } from "./texts.ts";

const shortest = 2000;
const longest = 30_000;
/** A way on which everything is lost gives no error; no answer for so long is one. */
const patience = 8000;

export const asker = (mail: MailStore): Ask => async <T>(name: string, args: Record<string, unknown>) => {
	const [answer] = await mail.client.request([[name, { accountId: mail.client.accountId, ...args }, "a"]]);
	if (!answer || answer[0] === "error")
		throw new JmapError(String(answer?.[1].type ?? "noAnswer"));
	return answer[1] as T;
};

/** Whether one is signed in as before; rejects when the server cannot be reached. Who is not, is led out. */
export async function stillIn(): Promise<boolean> {
	try {
		const session = await askSession({ signal: AbortSignal.timeout(patience) });
		if (session.state === "open" || await unlockKept()) {
			account.value = { ...session, state: "open" };
			return true;
		}
	} catch (e) {
		const status = e instanceof JmapError ? e.status : 0;
		if (status !== 401 && status !== 403)
			throw e;
	}
	await ended();
	return false;
}

export class Away implements Fallback {
	away = false;
	private local: Promise<Local> | null = null;
	private timer = 0;
	private pause = shortest;
	private returning: Promise<void> | null = null;

	/** back: what is done once changes have been made on the server. */
	constructor(private readonly mail: MailStore, private readonly vault: Vault, private readonly back: () => Promise<void>) {
		addEventListener("online", this.soon);
	}

	stop(): void {
		clearTimeout(this.timer);
		removeEventListener("online", this.soon);
	}

	lost(): void {
		if (this.away)
			return;
		this.away = true;
		this.mail.online.value = false;
		strip.value = stripFor(t("stripText", { n: days }), () => this.look());
		this.pause = shortest;
		this.wait();
	}

	private wait(): void {
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.look(), this.pause);
		this.pause = Math.min(longest, this.pause * 2);
	}

	private soon = (): void => {
		if (this.away)
			void this.look();
	};

	/** Is it there again? */
	look(): Promise<void> {
		this.returning ??= this.comeBack().catch(() => this.wait()).finally(() => { this.returning = null; });
		return this.returning;
	}

	private async comeBack(): Promise<void> {
		if (!(await stillIn()))
			return;
		const told = await replay(this.vault, asker(this.mail));
		this.arrive();
		if (told.gone > 0)
			toast({ text: t("changesGone", { n: told.gone }) });
		if (told.refused > 0)
			toast({ text: t("changesRefused", { n: told.refused }), bad: true });
		await this.back();
	}

	private arrive(): void {
		this.away = false;
		this.local = null;
		clearTimeout(this.timer);
		strip.value = null;
		this.mail.listen();
		this.mail.online.value = true;
	}

	// --- what is answered meanwhile ---

	private async load(): Promise<Local> {
		const around = await this.vault.get<Around>("state", "mail");
		if (!around)
			throw new JmapError("offline");
		const emails = (await this.vault.all<FullEmail>("mail")).map(([, e]) => e);
		return new Local({ ...around, emails }, (noted, now, boxes) => note(this.vault, noted, now, boxes));
	}

	async answer(calls: Invocation[]): Promise<Invocation[]> {
		this.local ??= this.load();
		const loading = this.local;
		loading.catch(() => { this.local = null; });
		try {
			return await (await loading).answer(calls);
		} catch (e) {
			throw e instanceof JmapError ? e : new JmapError("offline", 0, String(e));
		}
	}

	async blob(blobId: Id): Promise<ArrayBuffer> {
		const end = blobName("", blobId);
		const name = (await this.vault.names("blob")).find((n) => n.endsWith(end));
		const body = name ? await this.vault.getBytes("blob", name) : undefined;
		if (!body)
			throw new JmapError("offline");
		return body.buffer as ArrayBuffer;
	}
}
