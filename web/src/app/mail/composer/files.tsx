// The files of a letter: how far they have come, and whether there is room for them.
import { mail as mailCapability } from "../../../jmap/types.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Icon } from "../../../ui/icon.tsx";
import { Progress } from "../../../ui/progress.tsx";
import { fileSize } from "../../dates.ts";
import { mail } from "../state.ts";
import type { Desk } from "./desk.ts";
import type { Attached } from "./letter.ts";
import { t } from "./texts.ts";
import css from "./composer.module.css";

/** Bytes that the files of a message may have together. What is encrypted is put into base64 twice. */
function filesMax(encrypted: boolean): number {
	const { session, accountId } = mail().client;
	const max = Number(session.accounts[accountId]?.accountCapabilities[mailCapability]?.maxSizeAttachmentsPerEmail);
	return encrypted ? Math.floor(max * 0.73) : max;
}

const sizeOf = (files: readonly Attached[]) => files.reduce((sum, f) => sum + (f.failed ? 0 : f.size), 0);

/** Whether one more can be sent at all. */
export const hasRoom = (desk: Desk, file: File) => sizeOf(desk.files.peek()) + file.size <= filesMax(false);

/** Whether they are too much for how the letter will go. */
export function isOver({ files, guard }: Desk): boolean {
	return sizeOf(files.value) > filesMax(guard.way.value === "encrypted" || guard.way.value === "letter");
}

/** The sentence for it; name: of the one file that is too much. */
export function tooMuch(name = ""): string {
	const limits = { plain: fileSize(filesMax(false)), encrypted: fileSize(filesMax(true)) };
	return name ? t("fileTooLarge", { name, ...limits }) : t("tooLargeToSend", limits);
}

export function Files({ desk }: { desk: Desk }) {
	// Pictures stand in the text, but for those that did not come.
	const files = desk.files.value.filter((f) => !f.cid || f.failed);
	const over = isOver(desk);
	if (files.length === 0 && !over)
		return null;
	return (
		<>
			<ul class={css.files} aria-label={t("attachments", { n: files.length })}>
				{files.map((f) => (
					<li key={f.key} class={css.file} data-failed={f.failed}>
						<Icon name={f.failed ? "warning" : f.type.startsWith("image/") ? "image" : "file"} size={16} />
						<span class={css.fileName}>{f.name}</span>
						<span class={css.fileSize}>{f.failed ? t(f.failed === "tooLarge" ? "fileIsTooLarge" : "uploadFailed") : fileSize(f.size)}</span>
						<IconButton icon="close" label={t("removeFile", { name: f.name })} small size={14} onClick={() => desk.detach(f.key)} />
						{!f.blobId && !f.failed && f.progress > 0 && <span class={css.bar}><Progress value={f.progress} label={t("uploading", { name: f.name })} /></span>}
					</li>
				))}
			</ul>
			{over && <p class={css.over} role="alert">{tooMuch()}</p>}
		</>
	);
}
