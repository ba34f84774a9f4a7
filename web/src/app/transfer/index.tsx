// The page of the settings where mail is brought here from elsewhere, and taken along from here.
import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Spinner } from "../../ui/progress.tsx";
import { mail } from "../mail/state.ts";
import { Group, Item } from "../settings/parts.tsx";
import { Export } from "./export_view.tsx";
import { Lazy } from "../lazy.tsx";
import { Running } from "./running.tsx";
import { sources, type Source } from "./sources.ts";
import { t } from "./texts.ts";

function Wizard({ source, close }: { source: Source; close(): void }) {
	return (
		<Dialog title={t("wizardTitle", { from: t(source.title) })} onClose={close} keep>
			<Lazy name={`step.${source.id}`} load={source.step} props={{ close }} waiting={<Spinner label={t("loading")} />} />
		</Dialog>
	);
}

export function Transfer() {
	const [open, setOpen] = useState<Source | null>(null);
	const offered = sources.filter((s) => s.offered?.(mail().session) ?? true);
	return (
		<>
			<Running />
			{offered.map((s) => s.running && <Lazy key={s.id} name={`running.${s.id}`} load={s.running} props={{}} />)}
			<Group title={t("bringTitle")} lead={t("bringLead")}>
				{offered.map((s) => (
					<Item key={s.id} icon={<Icon name={s.icon} size={20} />} title={t(s.title)} detail={t(s.detail)}>
						<Button aria-label={`${t("next")}: ${t(s.title)}`} onClick={() => setOpen(s)}>{t("next")}</Button>
					</Item>
				))}
			</Group>
			<Export />
			{open && <Wizard source={open} close={() => setOpen(null)} />}
		</>
	);
}
