// Encrypts an answer for the sender of a letter. Loaded only when one is sent: OpenPGP is large.
import { type Attachment, replyPayload } from "../pgp/build";
import { type Bytes, bytesOf, openpgp } from "../pgp/openpgp";

export interface Answer {
	subject: string;
	text: string;
	attachments: Attachment[];
}

export async function sealReply(key: Bytes, answer: Answer): Promise<Bytes> {
	const encryptionKeys = await openpgp.readKey({ binaryKey: key });
	const message = await openpgp.createMessage({ binary: replyPayload(answer) });
	return bytesOf(await openpgp.encrypt({ message, encryptionKeys, format: "binary" }));
}
