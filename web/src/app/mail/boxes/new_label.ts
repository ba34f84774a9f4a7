// Asks for a label of one's own.
import { t } from "./texts.ts";
import type { Id } from "../../../jmap/types.ts";
import { ask } from "../../../ui/ask.tsx";
import { toggleLabel } from "../actions.ts";
import { keywordOf } from "./keyword.ts";

export function newLabel(rows: readonly Id[]): void {
	ask({
		title: t("newLabel"), label: t("labelName"), action: t("create"),
		async run(name) {
			toggleLabel(keywordOf(name), rows);
			return undefined;
		},
	});
}
