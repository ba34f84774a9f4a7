// The message as it came: its header, and the whole of it to read or keep.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { FullEmail } from "../../jmap/types.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { mail } from "./state.ts";
import css from "./source.module.css";

const open = signal<FullEmail | null>(null);

export function showSource(email: FullEmail): void {
	open.value = email;
}

const longest = 400_000;

function SourceDialog({ email }: { email: FullEmail }) {
	const [text, setText] = useState<string | null>(null);
	const [tab, setTab] = useState("headers");
	const close = () => { open.value = null; };

	useEffect(() => {
		void mail().client.download(email.blobId, "message/rfc822").then((b) => setText(new TextDecoder().decode(b)), () => setText(t("openFailed")));
	}, [email.id]);
	const head = text?.split(/\r?\n\r?\n/, 1)[0] ?? "";
	return (
		<Dialog title={t("originalMessage")} shape="wide" onClose={close} footer={
			<Button icon="copy" onClick={() => void navigator.clipboard.writeText(text ?? "")}>{t("copy")}</Button>
		}>
			<Tabs label={t("originalMessage")} value={tab} onChange={setTab} tabs={[{ id: "headers", label: t("headers") }, { id: "source", label: t("source") }]}>
				<pre class={css.source} tabIndex={0}>{text === null ? t("loading") : tab === "headers" ? head : text.slice(0, longest)}</pre>
			</Tabs>
		</Dialog>
	);
}

export function Source() {
	return open.value && <SourceDialog email={open.value} />;
}
