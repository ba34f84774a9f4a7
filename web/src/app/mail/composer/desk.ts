// A letter while it is written: its life on the server and on this device, and how it is opened.
import { signal, type Signal } from "@preact/signals";
import type { FullEmail, Id } from "../../../jmap/types.ts";
import { toast } from "../../../ui/toast.tsx";
import { dropLetter, editing, filesOf, flush, getLetter, putLetter } from "../../offline/outbox.ts";
import { Guard } from "../../pgp/guard.ts";
import { prefs } from "../../prefs.ts";
import { herePrefix, noteWriting, type Open } from "../compose_state.ts";
import { cleanHtml } from "../html_frame.tsx";
import { isEncrypted } from "../protection.tsx";
import { mail } from "../state.ts";
import { hasRoom, tooMuch } from "./files.tsx";
import { startLetter, textToHtml, type Attached, type Letter } from "./letter.ts";
import { isOffline, saveDraft, type Ready } from "./send.ts";
import { t } from "./texts.ts";

const saveAfter = 1200;

/** What is being written, and its life on the server. */
export class Desk {
	readonly letter: Signal<Letter>;
	readonly files = signal<readonly Attached[]>([]);
	readonly saved = signal<"new" | "saving" | "saved" | "here" | "failed">("new");
	readonly guard: Guard;
	/** How much of what is sent has come to the server, when that takes its time. */
	readonly progress = signal<number | null>(null);
	readonly sending = signal(false);
	draft: Id | null;
	/** Its name among the letters of this device, while the server does not have it. */
	here: string | null = null;
	/** What is on the server to be sent. */
	ready: Ready[] | null = null;
	private timer = 0;
	private saving: Promise<void> = Promise.resolve();
	private dirty = false;
	private serial = 0;
	private readonly uploads = new Set<Promise<void>>();

	constructor(letter: Letter, draft: Id | null, threadEncrypted: boolean) {
		this.letter = signal(letter);
		this.draft = draft;
		this.guard = new Guard(threadEncrypted);
	}

	change(change: Partial<Letter>): void {
		this.letter.value = { ...this.letter.peek(), ...change };
		this.touch();
	}

	touch(): void {
		this.dirty = true;
		this.ready = null;
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.save(), saveAfter);
	}

	/** Saves what is not saved yet; one save at a time. */
	save(): Promise<void> {
		clearTimeout(this.timer);
		this.saving = this.saving.then(async () => {
			if (!this.dirty)
				return;
			this.dirty = false;
			this.saved.value = "saving";
			try {
				if (!this.guard.secret)
					await this.uploadAll();
				this.draft = await saveDraft(this.letter.peek(), this.files.peek(), this.draft, this.guard.secret);
				noteWriting(this.draft);
				await this.leaveHere();
				this.saved.value = "saved";
			} catch (e) {
				this.dirty = true;
				this.saved.value = isOffline(e) && await this.keepHere("draft").catch(() => false) ? "here" : "failed";
			}
		});
		return this.saving;
	}

	/** On this device, until the server can be reached again. */
	async keepHere(kind: "draft" | "queued", sendAt = 0): Promise<boolean> {
		const { threadEncrypted, wish, sign, plainConfirmed } = this.guard;
		const protection = { threadEncrypted, wish: wish.peek(), sign: sign.peek(), confirmed: plainConfirmed };
		if (kind === "draft" && this.here === null)
			editing.add(this.here = crypto.randomUUID());
		this.here = await putLetter({ key: this.here, kind, sendAt, protection, letter: this.letter.peek(), files: this.files.peek(), draft: this.draft, ready: this.ready });
		if (kind === "draft")
			noteWriting(herePrefix + this.here);
		else
			editing.delete(this.here);
		return true;
	}

	/** The server has it now. */
	async leaveHere(): Promise<void> {
		const key = this.here;
		if (key === null)
			return;
		this.here = null;
		editing.delete(key);
		await dropLetter(key);
	}

	/** The editor is closed; what is on this device alone goes to the server when that can be. */
	async close(): Promise<void> {
		if (this.here === null)
			return;
		editing.delete(this.here);
		void flush();
	}

	/** No save under way, and none to come. */
	async settle(): Promise<void> {
		clearTimeout(this.timer);
		this.dirty = false;
		await this.saving;
	}

	get empty(): boolean {
		const l = this.letter.peek();
		return !this.dirty && this.draft === null && this.here === null || (!l.subject && !l.to.length && !l.text.trim() && !this.files.peek().length);
	}

	/** What would go with the page: what could not be saved or is being sent, and a password for it, which is kept nowhere. */
	get lost(): boolean {
		return !this.empty && (this.saved.peek() === "failed" || this.sending.peek() || this.guard.letter.peek() !== null);
	}

	attach(list: readonly File[], cid: string | null = null): void {
		for (const file of list) {
			const upload = this.upload(file, cid).finally(() => this.uploads.delete(upload));
			this.uploads.add(upload);
		}
	}

	/** What is on its way to the server is there, or has failed. */
	async uploaded(): Promise<void> {
		while (this.uploads.size)
			await Promise.all(this.uploads);
	}

	private async upload(file: File, cid: string | null): Promise<void> {
		const key = `f${++this.serial}`;
		const attached = { key, name: file.name || t("unnamedFile"), type: file.type || "application/octet-stream", size: file.size, blobId: null, cid, progress: 0 };
		if (!hasRoom(this, file)) {
			this.files.value = [...this.files.peek(), { ...attached, failed: "tooLarge" }];
			toast({ text: tooMuch(attached.name), bad: true });
			return;
		}
		this.files.value = [...this.files.peek(), { ...attached, data: file }];
		if (!this.guard.secret && mail().online.peek())
			await this.uploadOne(key, file);
		this.touch();
	}

	private async uploadOne(key: string, data: Blob): Promise<void> {
		const set = (change: Partial<Attached>) => {
			this.files.value = this.files.peek().map((f) => (f.key === key ? { ...f, ...change } : f));
		};
		try {
			const { blobId } = await mail().client.upload(data, (progress) => set({ progress }));
			set({ blobId, progress: 1 });
		} catch (e) {
			set(isOffline(e) ? { progress: 0 } : { failed: "lost" });
		}
	}

	/** The letter goes unencrypted after all: files that were kept back go to the server now. */
	private async uploadAll(): Promise<void> {
		for (const f of this.files.peek())
			if (!f.blobId && !f.failed && f.data && f.progress === 0)
				await this.uploadOne(f.key, f.data);
	}

	detach(key: string): void {
		this.files.value = this.files.peek().filter((f) => f.key !== key);
		this.touch();
	}

	/** For when it was discarded by mistake; what the server was given for it is given anew. */
	copy(): Desk {
		const desk = new Desk(this.letter.peek(), null, this.guard.threadEncrypted);
		desk.files.value = this.files.peek().map((f) => (f.data ? { ...f, blobId: null, progress: 0 } : f));
		for (const name of ["wish", "sign", "letter"] as const)
			(desk.guard[name] as Signal<unknown>).value = this.guard[name].peek();
		return desk;
	}

	async discard(): Promise<void> {
		clearTimeout(this.timer);
		this.dirty = false;
		await this.saving;
		noteWriting(null);
		await this.leaveHere();
		if (this.draft)
			await mail().destroy([this.draft]).catch(() => undefined);
	}
}

/** An encrypted letter is answered, forwarded or written on in clear, here in the page. */
async function inClear(email: FullEmail): Promise<FullEmail> {
	if (!isEncrypted(email) || email.pgp)
		return email;
	const [{ reveal }, { askForKeys }] = await Promise.all([import("../../pgp/opening.ts"), import("../../pgp/worker.ts")]);
	return await askForKeys() ? { ...(await reveal(email)), bcc: email.bcc } : email;
}

/** A letter that is on this device only. */
async function openHere(key: string): Promise<Desk | null> {
	const w = await getLetter(key);
	if (!w)
		return null;
	editing.add(key);
	const desk = new Desk(w.letter, w.draft, w.protection.threadEncrypted);
	desk.here = key;
	desk.files.value = await filesOf(w);
	desk.guard.wish.value = w.protection.wish;
	desk.guard.sign.value = w.protection.sign;
	desk.touch();
	return desk;
}

export async function openDesk(open: Open): Promise<Desk | null> {
	if (open.start.mode === "here")
		return openHere(open.start.key);
	const start = "email" in open.start ? { ...open.start, email: await inClear(open.start.email) } : open.start;
	const email = "email" in start ? start.email : undefined;
	const html = email ? (email.htmlBody[0]?.type === "text/html" ? (await cleanHtml(email)).html : textToHtml(plainBody(email))) : "";
	const letter = startLetter(start, mail().identities.peek(), html, prefs.peek().plainText);
	const desk = new Desk(letter, open.draftId, start.mode !== "draft" && (email?.pgp?.encrypted ?? false));
	if (start.mode === "draft" && email?.pgp?.encrypted)
		desk.guard.wish.value = "encrypt";
	if (email && (start.mode === "forward" || start.mode === "draft"))
		desk.files.value = email.attachments.filter((a) => a.blobId).map((a, i) => {
			const data = mail().client.localBlob(a.blobId ?? "");
			const cid = start.mode === "draft" && a.disposition === "inline" ? a.cid : null;
			return { key: `a${i}`, name: a.name ?? t("unnamedFile"), type: a.type, size: a.size, blobId: data ? null : a.blobId, cid, progress: data ? 0 : 1, data };
		});
	return desk;
}

const plainBody = (email: { textBody: { partId: string | null }[]; bodyValues: Record<string, { value: string }> }) =>
	email.textBody.map((p) => email.bodyValues[p.partId ?? ""]?.value ?? "").join("\n");
