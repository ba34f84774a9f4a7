// Keys: what there is, taking them along, making new ones.
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { toast } from "../../ui/toast.tsx";
import { keys } from "../auth/keys.ts";
import { Area } from "../../keys/record";
import { scopeArea } from "../../keys/scope";
import { withProof } from "./api.ts";
import { OpenpgpKeys } from "../pgp/keys_settings.tsx";
import { attempt, Group, Item } from "./parts.tsx";

async function exportKeys(): Promise<void> {
	const all = await withProof(() => keys().call("exportKeys"));
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob([JSON.stringify(all, null, "\t")], { type: "application/json" }));
	a.download = `letterlock-keys-${all.address}.json`;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

export function KeysPage() {
	return (
		<>
			<OpenpgpKeys />
			<Group title={t("keysOfAccount")} lead={t("keysLead")}>
				<Item icon={<Icon name="download" size={20} />} title={t("exportKeys")} detail={t("exportKeysHint")}><Button onClick={() => void attempt(exportKeys)}>{t("export")}</Button></Item>
				<Item icon={<Icon name="refresh" size={20} />} title={t("rotateKeys")} detail={t("rotateKeysHint")}>
					<Button onClick={() => void attempt(() => withProof(() => keys().call("rotate", { areas: scopeArea(Area.mail) }))).then((ok) => ok && toast({ text: t("rotated") }))}>{t("rotate")}</Button>
				</Item>
			</Group>
		</>
	);
}
