// Writing a letter: recipients, subject, text, attachments, and sending it.
import { effect } from "@preact/signals";
import type { EditorView } from "prosemirror-view";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "./texts.ts";
import { language } from "../../../i18n/index.ts";
import { JmapError } from "../../../jmap/client.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { focusBack } from "../../../ui/focus.ts";
import { Menu } from "../../../ui/menu.tsx";
import { toast } from "../../../ui/toast.tsx";
import { longDate } from "../../dates.ts";
import { closeCompose, noteWriting, onLeave, writing } from "../compose_state.ts";
import { mail } from "../state.ts";
import { promisesAttachment, textToHtml, validAddress, type Letter } from "./letter.ts";
import { openDesk, type Desk } from "./desk.ts";
import { Files, hasRoom, isOver, tooMuch } from "./files.tsx";
import { Heads } from "./heads.tsx";
import { active, createEditor, insertImage, plainText, serialize } from "./rich.ts";
import { Tools } from "./tools.tsx";
import { AskPlain, Lock } from "../../pgp/lock.tsx";
import type { Way } from "../../pgp/guard.ts";
import { sayQueued } from "../../offline/outbox.ts";
import { freeTime, longestHold } from "../pending.ts";
import { TimeDialog } from "../time_dialog.tsx";
import { everybody, isOffline, isTooLarge, maySchedule, scheduleTimes, send } from "./send.ts";
import css from "./composer.module.css";

/** Characters of HTML that become the editor's text before the composer is painted. */
const longAtOnce = 30_000;

/** Sent while the server cannot be reached: it goes when it can be. */
async function queue(desk: Desk, at: Date | null): Promise<void> {
	await desk.settle();
	await desk.keepHere("queued", at?.getTime() ?? 0);
	sayQueued();
}

function RichText({ desk, onView, onState }: { desk: Desk; onView(v: EditorView | null): void; onState(on: ReadonlySet<string>): void }) {
	const place = useRef<HTMLDivElement>(null);
	const [large] = useState(() => desk.letter.peek().html.length > longAtOnce);
	const toText = desk.letter.peek().to.length > 0;
	const begin = () => {
		const view: EditorView = createEditor(place.current as HTMLElement, desk.letter.peek().html, {
			label: t("letterText"),
			onChange: () => {
				const html = serialize(view.state.doc);
				onState(active(view.state));
				if (html !== desk.letter.peek().html)
					desk.change({ html, text: plainText(view.state.doc) });
			},
			onFiles: (files) => {
				for (const file of files)
					if (file.type.startsWith("image/") && file.size < 10_000_000)
						inline(desk, view, file);
					else
						desk.attach([file]);
			},
		});
		desk.letter.value = { ...desk.letter.peek(), html: serialize(view.state.doc), text: plainText(view.state.doc) };
		onView(view);
		if (large ? document.activeElement === place.current : toText)
			view.focus();
		return () => { onView(null); view.destroy(); };
	};

	// With the focus in it before it is seen: a key that is pressed at its sight is meant for it. A long text comes a moment later.
	useLayoutEffect(() => {
		if (!large)
			return begin();
		if (toText)
			place.current?.focus();
		return undefined;
	}, []);
	useEffect(() => (large ? begin() : undefined), []);
	return <div ref={place} tabIndex={-1} class={css.rich} onClick={(e) => e.target === e.currentTarget && place.current?.querySelector<HTMLElement>("[contenteditable]")?.focus()} />;
}

function inline(desk: Desk, view: EditorView, file: File): void {
	if (!hasRoom(desk, file))
		return desk.attach([file]);
	const cid = `${crypto.randomUUID()}@letterlock`;
	insertImage(view, URL.createObjectURL(file), cid, file.name);
	desk.attach([file], cid);
}

function PlainText({ desk }: { desk: Desk }) {
	return (
		<textarea class={css.plain} autocomplete="off" aria-label={t("letterText")} value={desk.letter.value.text}
			ref={(el) => { if (el && !el.dataset.ready) { el.dataset.ready = "1"; if (desk.letter.peek().to.length) { el.focus(); el.setSelectionRange(0, 0); } } }}
			onInput={(e) => desk.change({ text: e.currentTarget.value, html: textToHtml(e.currentTarget.value) })} />
	);
}

/** What must be said before a letter goes; null when nothing. */
function objection(desk: Desk): { stop: boolean; text: string } | null {
	const l = desk.letter.peek();
	const all = [...l.to, ...l.cc, ...l.bcc];
	const wrong = all.find((a) => !validAddress(a.email));
	if (all.length === 0)
		return { stop: true, text: t("needRecipient") };
	if (wrong)
		return { stop: true, text: t("wrongAddress", { address: wrong.email }) };
	const lost = desk.files.peek().find((f) => f.failed);
	if (lost)
		return { stop: true, text: lost.failed === "tooLarge" ? tooMuch(lost.name) : t("fileMissing", { name: lost.name }) };
	if (isOver(desk))
		return { stop: true, text: tooMuch() };
	if (desk.files.peek().length === 0 && promisesAttachment(l))
		return { stop: false, text: t("forgottenAttachment") };
	return l.subject.trim() ? null : { stop: false, text: t("emptySubject") };
}

/** Under a password for those without a key. */
async function sendLetters(desk: Desk, letter: Letter, at: Date | null): Promise<void> {
	const wish = desk.guard.letter.peek();
	if (!wish)
		throw new Error(t("notSaved"));
	const { putLetters } = await import("../../letters/out.ts");
	const { ready, undo } = await putLetters(letter, desk.files.peek(), wish, desk.guard.strangers.peek(), at, (part) => { desk.progress.value = part; })
		.finally(() => { desk.progress.value = null; });
	if (desk.draft)
		await mail().destroy([desk.draft]).catch(() => undefined);
	desk.draft = ready[0]?.id ?? null;
	return send(letter, ready, at, undo);
}

/** Puts the letter on the server in the form in which it goes, and sends it. */
async function sendAs(desk: Desk, way: Way, wanted: Date | null): Promise<void> {
	const at = wanted && await freeTime(wanted);
	const letter = desk.letter.peek();
	if (way === "plain") {
		desk.guard.confirmPlain();
		desk.touch();
		await desk.save();
		if (desk.saved.peek() === "here")
			throw new JmapError("offline");
		if (!desk.draft || desk.saved.peek() === "failed")
			throw new Error(t("notSaved"));
		desk.ready = [{ id: desk.draft, to: everybody(letter) }];
		return send(letter, desk.ready, at);
	}
	await desk.settle();
	if (way === "letter")
		return sendLetters(desk, letter, at);
	const { putMessages } = await import("../../pgp/letter_out.ts");
	const ready = await putMessages(letter, desk.files.peek(), way);
	// What is to be sent is a draft itself until it goes: it takes the place of the one that was saved.
	if (desk.draft)
		await mail().destroy([desk.draft]).catch(() => undefined);
	desk.draft = ready[0]?.id ?? null;
	desk.ready = ready;
	return send(letter, ready, at);
}

function letterObjection(desk: Desk): string | null {
	if (desk.guard.letter.peek()?.enough)
		return null;
	desk.guard.panel.value = true;
	return t("letterNeedsPassword");
}

function useSend(desk: Desk) {
	const [question, setQuestion] = useState<{ text: string; at: Date | null } | null>(null);
	const [downgrade, setDowngrade] = useState<{ at: Date | null } | null>(null);
	const done = async () => {
		noteWriting(null);
		closeCompose();
		await desk.leaveHere();
	};
	const later = (at: Date | null) => queue(desk, at).then(() => {
		desk.here = null;
		return done();
	});
	const go = async (way: Way, at: Date | null) => {
		await sendAs(desk, way, at);
		await done();
	};
	const now = async (at: Date | null, confirmed = false) => {
		setQuestion(null);
		setDowngrade(null);
		desk.sending.value = true;
		if (confirmed)
			desk.guard.confirmPlain();
		try {
			if (mail().client.fallback?.away)
				return void await later(at);
			await desk.uploaded();
			const lost = objection(desk);
			if (lost?.stop) {
				toast({ text: lost.text, bad: true });
				return;
			}
			const way = confirmed ? "plain" : await desk.guard.decide(everybody(desk.letter.peek()));
			const stop = way === "letter" ? letterObjection(desk) : null;
			if (way === "ask")
				setDowngrade({ at });
			else if (stop)
				toast({ text: stop, bad: true });
			else if (way !== "stop")
				await go(way, at);
		} catch (e) {
			// A password for a letter is not kept anywhere, so such a letter does not wait by itself.
			if (isOffline(e) && desk.guard.way.peek() !== "letter" && await later(at).then(() => true, () => false))
				return;
			desk.touch();
			toast({ text: t("sendFailed", { why: isTooLarge(e) ? tooMuch() : (e as Error).message }), bad: true });
		} finally {
			desk.sending.value = false;
		}
	};
	const ask = (at: Date | null = null) => {
		const o = objection(desk);
		if (o?.stop)
			toast({ text: o.text, bad: true });
		else if (o)
			setQuestion({ text: o.text, at });
		else
			void now(at);
	};
	return {
		ask, question, downgrade,
		answer: (yes: boolean) => { const q = question; setQuestion(null); if (yes && q) void now(q.at); },
		answerPlain: (plain: boolean) => { const d = downgrade; setDowngrade(null); if (plain && d) void now(d.at, true); },
	};
}

function Footer({ desk, view, on, ask, onDiscard }: {
	desk: Desk; view: EditorView | null; on: ReadonlySet<string>; ask(at?: Date | null): void; onDiscard(): void;
}) {
	const picker = useRef<HTMLInputElement>(null);
	const plain = desk.letter.value.plain;
	const [timing, setTiming] = useState(false);
	const toggle = () => desk.change(plain ? { plain: false, html: textToHtml(desk.letter.peek().text) } : { plain: true });
	return (
		<footer class={css.foot}>
			{!plain && <Tools view={view} on={on} />}
			<div class={css.actions}>
				<span class={css.send}>
					<Button look="primary" icon="send" busy={desk.sending.value} onClick={() => ask()}>{t("send")}</Button>
					{maySchedule() && (
						<Menu label={t("schedule")} entries={() => [
							...scheduleTimes().map(({ key, at }) => ({ label: t(key), hint: longDate(at.getTime()), icon: "clock" as const, run: () => ask(at) })),
							{ label: t("chooseTime"), icon: "calendar", run: () => setTiming(true) },
						]}
							button={(p) => <IconButton icon="clock" label={t("schedule")} {...p} />} />
					)}
				</span>
				{timing && <TimeDialog title={t("schedule")} action={t("schedule")} farthest={longestHold()} onChoose={ask} close={() => setTiming(false)} />}
				<IconButton icon="clip" label={t("attachFiles")} onClick={() => picker.current?.click()} />
				<input ref={picker} type="file" multiple hidden aria-label={t("attachFiles")} onChange={(e) => { desk.attach([...(e.currentTarget.files ?? [])]); e.currentTarget.value = ""; }} />
				<Lock guard={desk.guard} addresses={everybody(desk.letter.value).filter(validAddress)} />
				<span class={css.state} role="status">{desk.progress.value !== null ? t("uploadingLetter", { percent: new Intl.NumberFormat(language(), { style: "percent" }).format(desk.progress.value) }) : desk.saved.value === "new" ? "" : t(({ saving: "saving", saved: "draftSaved", here: "savedHere", failed: "notSaved" } as const)[desk.saved.value])}</span>
				<Menu label={t("moreActions")} side="end" entries={() => [{ label: t("plainText"), checked: plain, run: toggle }, "line", { label: t("discardDraft"), icon: "trash", danger: true, run: onDiscard }]} button={(p) => <IconButton icon="more" label={t("moreActions")} {...p} />} />
				<span class={css.roomy}><IconButton icon="trash" label={t("discardDraft")} onClick={onDiscard} /></span>
			</div>
		</footer>
	);
}

function DeskView({ desk }: { desk: Desk }) {
	const [view, setView] = useState<EditorView | null>(null);
	const [on, setOn] = useState<ReadonlySet<string>>(new Set());
	const [size, setSize] = useState<"dock" | "small" | "full">("dock");
	const { ask, question, answer, downgrade, answerPlain } = useSend(desk);
	const plain = desk.letter.value.plain;

	const finish = async () => {
		if (desk.empty)
			await desk.discard();
		else {
			await desk.save();
			noteWriting(null);
		}
	};
	const close = () => void finish().then(() => {
		if (desk.saved.peek() === "failed")
			return toast({ text: t("notSaved"), bad: true });
		closeCompose();
		void desk.close();
		if (desk.draft && !desk.empty && !desk.here)
			toast({ text: t("draftSaved") });
		return undefined;
	});
	const discard = () => {
		const again = desk.copy();
		void desk.discard();
		closeCompose();
		toast({ text: t("draftDiscarded"), undo: () => reopen(again) });
	};
	const save = async () => {
		await desk.uploaded();
		if (!desk.empty)
			await desk.save();
	};
	useEffect(() => onLeave({ finish, save, lost: () => desk.lost }), []);
	useEffect(() => () => {
		focusBack(null);
		if (writing.peek())
			void desk.save();
	}, []);
	useEffect(() => {
		const before = () => void desk.save();
		addEventListener("pagehide", before);
		return () => removeEventListener("pagehide", before);
	}, []);
	const drop = (e: DragEvent) => {
		const files = [...(e.dataTransfer?.files ?? [])];
		if (files.length && !e.defaultPrevented) {
			e.preventDefault();
			desk.attach(files);
		}
	};
	const key = (e: KeyboardEvent) => {
		e.stopPropagation();
		if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
			e.preventDefault();
			ask();
		} else if (e.key === "Escape" && !e.defaultPrevented)
			close();
	};
	return (
		<section class={css.box} data-size={size} data-kept aria-label={t("newMessage")} onKeyDown={key} onDragOver={(e) => e.dataTransfer?.types.includes("Files") && e.preventDefault()} onDrop={drop}>
			<header class={css.head} onDblClick={() => setSize(size === "full" ? "dock" : "full")}>
				<h2 class={css.title}>{desk.letter.value.subject || t("newMessage")}</h2>
				<span class={css.wide}>
					<IconButton icon="down" label={t(size === "small" ? "restore" : "minimise")} small size={16} onClick={() => setSize(size === "small" ? "dock" : "small")} />
					<IconButton icon={size === "full" ? "shrink" : "expand"} label={t(size === "full" ? "restore" : "maximise")} small size={16} onClick={() => setSize(size === "full" ? "dock" : "full")} />
				</span>
				<IconButton icon="close" label={t("saveAndClose")} small size={16} onClick={close} />
			</header>
			<div class={css.content}>
				<Heads desk={desk} />
				<div class={css.text}>{plain ? <PlainText desk={desk} /> : <RichText desk={desk} onView={setView} onState={setOn} />}</div>
				<Files desk={desk} />
			</div>
			<Footer desk={desk} view={view} on={on} ask={ask} onDiscard={discard} />
			{question && (
				<Dialog title={t("sendQuestion")} onClose={() => answer(false)} footer={
					<><Button onClick={() => answer(false)}>{t("keepWriting")}</Button><Button look="primary" onClick={() => answer(true)}>{t("sendAnyway")}</Button></>
				}><p>{question.text}</p></Dialog>
			)}
			{downgrade && <AskPlain guard={desk.guard} answer={answerPlain} />}
		</section>
	);
}

/** What is being written: its view goes when another part of the page is shown, and comes again. */
let current: { key: string; desk: Desk } | null = null;
effect(() => {
	if (!writing.value)
		current = null;
});
let reopened = 0;

function reopen(desk: Desk): void {
	current = { key: `again-${++reopened}`, desk };
	desk.touch();
	writing.value = { key: current.key, start: { mode: "again" }, draftId: null };
}

export function Composer() {
	const open = writing.value;
	const key = open?.key;
	const [desk, setDesk] = useState<Desk | null>(null);

	useLayoutEffect(() => {
		setDesk(current && current.key === key ? current.desk : null);
		if (open && current?.key !== key)
			void openDesk(open).then((d) => {
				if (!d)
					closeCompose();
				else if (key && writing.peek()?.key === key) {
					current = { key, desk: d };
					setDesk(d);
				}
			});
	}, [key]);
	return open && desk ? <DeskView key={key} desk={desk} /> : null;
}
