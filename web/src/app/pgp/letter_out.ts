// Turns a letter that was written here into messages of OpenPGP, and puts them on the server, ready to be sent.
import type { Attachment, Draft } from "../../pgp/client";
import type { Id } from "../../jmap/types.ts";
import type { Attached, Letter } from "../mail/composer/letter.ts";
import { identityOf, type Ready } from "../mail/composer/send.ts";
import { mail } from "../mail/state.ts";
import { ensureOwnKey } from "./own.ts";
import { now, persistNow, pgp } from "./worker.ts";

async function contentOf(f: Attached): Promise<Uint8Array<ArrayBuffer>> {
	if (f.data)
		return new Uint8Array(await f.data.arrayBuffer());
	return new Uint8Array(await mail().client.download(f.blobId ?? "", f.type));
}

async function attachmentsOf(letter: Letter, files: readonly Attached[]): Promise<Attachment[]> {
	const wanted = files.filter((f) => !f.failed && (!f.cid || (!letter.plain && letter.html.includes(`cid:${f.cid}`))));
	return Promise.all(wanted.map(async (f) => ({ name: f.name, type: f.type, content: await contentOf(f), contentId: f.cid ?? undefined })));
}

const mailbox = (a: { name: string | null; email: string }) => ({ name: a.name ?? "", address: a.email });

export async function draftOf(letter: Letter, files: readonly Attached[]): Promise<Draft> {
	const identity = identityOf(letter);
	return {
		from: { name: identity?.name ?? "", address: letter.from },
		to: letter.to.map(mailbox), cc: letter.cc.map(mailbox),
		replyTo: identity?.replyTo?.map(mailbox),
		subject: letter.subject, date: new Date(),
		messageId: letter.messageId ?? `${crypto.randomUUID()}@${letter.from.split("@")[1] ?? "localhost"}`,
		inReplyTo: letter.inReplyTo[0], references: letter.references.slice(-30),
		text: letter.text, html: letter.plain ? undefined : `<!doctype html><html><body>${letter.html}</body></html>`,
		attachments: await attachmentsOf(letter, files),
	};
}

interface ImportResult { created?: Record<string, { id: Id }> | null; notCreated?: Record<string, { type: string; description?: string | null }> | null }

export async function putSealed(message: Uint8Array<ArrayBuffer>): Promise<Id> {
	const drafts = mail().role("drafts")?.id ?? "";
	const { blobId } = await mail().client.upload(new Blob([message], { type: "message/rfc822" }), () => undefined);
	const result = await mail().client.call<ImportResult>("Email/import", {
		emails: { m: { blobId, mailboxIds: { [drafts]: true }, keywords: { $draft: true, $seen: true } } },
	});
	const id = result.created?.m?.id;
	if (!id)
		throw new Error(result.notCreated?.m?.description ?? result.notCreated?.m?.type ?? "");
	return id;
}

/** A draft that only its writer can read. Blind copies are named in a field of the draft alone. */
export async function putSecretDraft(letter: Letter, files: readonly Attached[]): Promise<Id> {
	await ensureOwnKey();
	const p = await pgp();
	const draft = await draftOf(letter, files);
	const extra = letter.bcc.length ? [{ name: "Bcc", value: letter.bcc.map((a) => a.email).join(", ") }] : [];
	return putSealed(await p.call("writeDraft", { draft: { ...draft, extra } }));
}

/** One message for all who see each other, and one for each blind copy. */
export async function putMessages(letter: Letter, files: readonly Attached[], protection: "signed" | "encrypted"): Promise<Ready[]> {
	return putWritten(letter, await draftOf(letter, files), protection, []);
}

/** without: recipients that this does not go to, though its header names them. */
export async function putWritten(letter: Letter, draft: Draft, protection: "signed" | "encrypted", without: readonly string[]): Promise<Ready[]> {
	const p = await pgp();
	const value = await p.call("autocryptValue", { address: letter.from, mutual: true }).catch(() => undefined);
	const extra = value ? [{ name: "Autocrypt", value }] : [];
	const out = await p.call("write", { draft: { ...draft, extra }, protection, bcc: letter.bcc.map((a) => a.email).filter((a) => !without.includes(a.toLowerCase())), at: now(), without });
	await persistNow();
	const ready: Ready[] = [];
	for (const { recipients, message } of out)
		ready.push({ id: await putSealed(message), to: recipients });
	return ready;
}
