// Brings together what is kept on this device, the service worker, letters that wait and notices. Loaded after the
// first inbox is there, or when the server cannot be reached at the start.
import { effect } from "@preact/signals";
import { MailStore } from "../../jmap/mail.ts";
import type { Around } from "../../offline/keeper.ts";
import { Keeper } from "../../offline/keeper.ts";
import { keys } from "../auth/keys.ts";
import { prefs } from "../prefs.ts";
import { account, show, type WebSession } from "../session.ts";
import { asker, Away, stillIn } from "./away.ts";
import { noteKept, strip } from "./hooks.ts";
import { countUnsent, flush } from "./outbox.ts";
import { followNews } from "./news.ts";
import { startWorker, takeAddress } from "./register.ts";
import { stripFor } from "./strip.tsx";
import { t } from "./texts.ts";
import { lasting, openVault } from "./vaults.ts";
import { wipe } from "./wipe.ts";

interface Running { mail: MailStore; away: Away | null; keeper: Keeper | null; ends: (() => void)[] }
let running: Running | null = null;

function end(): void {
	running?.away?.stop();
	if (running?.keeper)
		running.keeper.stopped = true;
	running?.ends.forEach((e) => e());
	running = null;
}

const keeperLock = "letterlock-keeper";

/** One tab keeps for all. */
function keep(keeper: Keeper): void {
	void navigator.locks.request(keeperLock, { ifAvailable: true }, async (lock) => (lock ? keeper.run() : undefined)).catch(() => undefined);
}

function keeperOf(mail: MailStore): Keeper {
	const around = () => ({
		session: mail.session, address: account.peek()?.address ?? "", mailboxes: [...mail.mailboxes.peek().values()], identities: [...mail.identities.peek()],
	});
	return new Keeper(openVault(true), asker(mail), (id) => mail.client.download(id, "application/octet-stream"), around);
}

const lookFirst = 300;
const lookLast = 20_000;

/** When the connection breaks that tells of changes: is the server away, or is the session over? */
class Watch {
	private timer = 0;
	private pause = lookFirst;
	private readonly end: () => void;

	constructor(private readonly mail: MailStore, private readonly away: Away | null) {
		this.end = effect(() => (mail.online.value ? this.found() : this.wait(navigator.onLine ? lookFirst : 0)));
		addEventListener("online", this.soon);
	}

	stop(): void {
		this.end();
		clearTimeout(this.timer);
		removeEventListener("online", this.soon);
	}

	private found(): void {
		clearTimeout(this.timer);
		if (!this.away)
			strip.value = null;
	}

	private wait(pause: number): void {
		this.pause = Math.max(pause, lookFirst);
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.look(), pause);
	}

	private readonly soon = (): void => {
		if (!this.mail.online.peek())
			void this.look();
	};

	/** Away looks by itself once it has been told. */
	private readonly look = async (): Promise<void> => {
		if (this.away?.away)
			return;
		try {
			if (!(await stillIn()))
				return;
			this.found();
			this.mail.listen();
		} catch {
			this.missed();
		}
	};

	private missed(): void {
		if (this.mail.online.peek() || this.away?.away)
			return;
		if (this.away)
			return this.away.lost();
		strip.value ??= stripFor(t("stripBare"), this.look);
		this.wait(Math.min(lookLast, this.pause * 2));
	}
}

function run(mail: MailStore, keepMail: boolean): Away | null {
	end();
	const now: Running = { mail, away: null, keeper: null, ends: [] };
	running = now;
	if (keepMail) {
		const keeper = keeperOf(mail);
		let timer = 0;
		const later = (ms: number) => { clearTimeout(timer); timer = window.setTimeout(() => keep(keeper), ms); };
		now.keeper = keeper;
		now.away = new Away(mail, openVault(true), async () => { await mail.loadMailboxes(); await mail.sync(); later(1000); await flush(); });
		now.ends.push(() => clearTimeout(timer));
		mail.client.fallback = now.away;
		mail.onChanged = () => later(3000);
		later(500);
	}
	mail.onConnected = () => void (now.away?.away ? now.away.look() : mail.sync().then(() => mail.loadMailboxes()).then(flush));
	const watch = new Watch(mail, now.away);
	now.ends.push(followNews(mail), () => watch.stop());
	return now.away;
}

/** The mail of somebody who has just come in. */
export async function follow(mail: MailStore): Promise<void> {
	await keys().call("resume");
	const trusted = await keys().call("trusted");
	if (!trusted)
		await wipe({ letters: false });
	const keepMail = trusted && prefs.peek().keepMail;
	noteKept(trusted);
	openVault(trusted);
	run(mail, keepMail);
	await countUnsent();
	if (trusted)
		await startWorker();
	takeAddress();
	await flush();
}

/** The setting has changed. */
export async function keepAgain(): Promise<void> {
	const mail = running?.mail;
	if (!mail)
		return;
	if (!prefs.peek().keepMail) {
		mail.client.fallback = null;
		await openVault(true).dropAll(["mail", "blob", "state", "change"]);
	}
	run(mail, lasting() && prefs.peek().keepMail);
}

/** Without the server: what this device keeps, where its owner stays signed in. False: nothing is kept here. */
export async function startAway(): Promise<boolean> {
	const status = await keys().call("resume");
	if (status.state !== "open" || !prefs.peek().keepMail)
		return false;
	account.value = { state: "open", accountId: status.account, address: status.address, unlockKey: "" } satisfies WebSession;
	const around = await openVault(true).get<Around>("state", "mail");
	if (!around) {
		account.value = null;
		return false;
	}
	const mail = new MailStore(around.session);
	run(mail, true)?.lost();
	await show(mail, false);
	await countUnsent();
	takeAddress();
	return true;
}
