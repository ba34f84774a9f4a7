// Messages of the list, as a file.
import type { Id } from "../../jmap/types.ts";
import { toast } from "../../ui/toast.tsx";
import { saveMessages } from "./exporting.ts";
import { t } from "./texts.ts";

export function saveSelected(ids: readonly Id[]): void {
	saveMessages(ids).catch(() => toast({ text: t("exportFailed"), bad: true }));
}
