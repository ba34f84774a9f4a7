// Letters as the server gives them.
import type { FullEmail, Id } from "../../src/jmap/types";

export const part = (type: string, partId: string) => ({ partId, blobId: null, size: 0, name: null, type, charset: null, disposition: null, cid: null });

export function letter(id: Id, more: Partial<FullEmail> = {}, text = ""): FullEmail {
	return {
		id, blobId: `B${id}`, threadId: `T${id}`, mailboxIds: { in: true }, keywords: {}, size: 100, receivedAt: "2026-11-01T10:00:00Z", sentAt: null,
		from: [{ name: "Anna Müller", email: "anna@example.org" }], to: [{ name: null, email: "me@example.org" }], subject: `Letter ${id}`, preview: "",
		hasAttachment: false, messageId: [`${id}@example.org`], inReplyTo: null, references: null, cc: null, bcc: null, replyTo: null, sender: null,
		textBody: [part("text/plain", "1")], htmlBody: [part("text/plain", "1")], attachments: [],
		bodyValues: { 1: { value: text, isEncodingProblem: false, isTruncated: false } }, ...more,
	};
}
