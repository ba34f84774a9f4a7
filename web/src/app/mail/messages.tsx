// The messages of the open conversation, one below the other.
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { Id } from "../../jmap/types.ts";
import { seen } from "./actions.ts";
import { Folded, MessageView, ReplyBar } from "./message_view.tsx";
import { mail } from "./state.ts";
import { shown } from "./thread_view.tsx";
import css from "./thread_view.module.css";

function toggleMessage(id: Id): void {
	const open = new Set(shown.peek().open);
	if (!open.delete(id))
		open.add(id);
	shown.value = { ...shown.peek(), open };
}

function FoldedMany({ ids, onOpen }: { ids: readonly Id[]; onOpen(): void }) {
	return <button type="button" class={css.many} onClick={onOpen}><span>{t("olderMessages", { n: ids.length })}</span></button>;
}

interface Shown { id: Id; ids: readonly Id[]; open: ReadonlySet<Id>; scroller: RefObject<HTMLElement | null> }

function All({ ids, open, scroller }: Shown) {
	const [all, setAll] = useState(false);
	const folded = ids.findIndex((id) => open.has(id));
	const hide = !all && folded > 4 ? ids.slice(1, folded - 1) : [];
	// Before it is seen: to what is to be read first.
	useLayoutEffect(() => {
		const first = ids.find((id) => open.has(id));
		const at = first && first !== ids[0] ? scroller.current?.querySelector(`[data-message="${CSS.escape(first)}"]`) : null;
		if (at)
			at.scrollIntoView({ block: "start" });
		else
			scroller.current?.scrollTo(0, 0);
	}, []);
	const last = mail().full.of(ids.at(-1) ?? "").value;
	return (
		<>
			{ids.map((id, i) => {
				if (hide.includes(id))
					return i === 1 ? <FoldedMany key="many" ids={hide} onOpen={() => setAll(true)} /> : null;
				return open.has(id)
					? <MessageView key={id} id={id} onFold={() => ids.length > 1 && toggleMessage(id)} />
					: <Folded key={id} id={id} onOpen={() => { toggleMessage(id); seen([id]); }} />;
			})}
			{last && <ReplyBar email={last} />}
		</>
	);
}

/** ids: none while they are being loaded. */
export function Messages(p: Shown) {
	return p.ids.length > 0 ? <All key={p.id} {...p} /> : null;
}
