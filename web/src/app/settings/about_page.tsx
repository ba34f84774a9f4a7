// About this program: which build it is, for comparing with what the command finds.
import { t } from "./texts.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { toast } from "../../ui/toast.tsx";
import { loadAnew } from "../fetch_part.ts";
import { askBuild, type Build } from "./build.ts";
import { Group, Item, useData, Waiting } from "./parts.tsx";
import css from "./settings.module.css";

function releaseText(b: Build): string {
	if (!b.release)
		return t("aboutUnsigned");
	return t(b.release.ours ? "aboutRelease" : "aboutOther", { n: b.release.number, date: b.release.date });
}

function Numbers({ build }: { build: Build }) {
	const copy = () => void navigator.clipboard.writeText(build.words).then(() => toast({ text: t("aboutCopied") }));
	return (
		<>
			<Item icon={<Icon name="info" />} title={`Letterlock ${build.version}`} detail={releaseText(build)} />
			<Item icon={<Icon name="file" />} title={t("aboutBuild")} detail={<span class={css.words}>{build.words}</span>}>
				<Button icon="copy" onClick={copy}>{t("copy")}</Button>
			</Item>
			{!build.running && <div class={css.padded} role="alert"><p>{t("aboutStale")}</p><p><Button onClick={() => void loadAnew()}>{t("aboutReload")}</Button></p></div>}
		</>
	);
}

export function AboutPage() {
	const { data, failed, again } = useData(askBuild);
	return (
		<>
			<Group title={t("aboutTitle")} lead={t("aboutLead")}>{data ? <Numbers build={data} /> : <Waiting failed={failed} again={again} />}</Group>
			<Group title={t("aboutCheck")} lead={t("aboutCheckLead")}>
				<div class={css.padded}><code class={css.command}>letterlock verify {location.origin}</code></div>
				<div class={css.padded}><span class={css.detail}>{t("aboutLimits")}</span></div>
			</Group>
		</>
	);
}
