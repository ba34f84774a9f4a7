// The lock of the composer: what will happen, for whom, and why; and the way to have it otherwise.
import { useEffect } from "preact/hooks";
import { t, type Key } from "./texts.ts";
import type { Wish } from "../../pgp/client";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { type Fate, type Guard } from "./guard.ts";
import { freshLetter, LetterFields } from "../letters/fields.tsx";
import { KeyServer } from "./key_server.tsx";
import { askForKeys } from "./worker.ts";
import css from "./pgp.module.css";

const reasons: Record<Fate["because"], Key> = {
	verifiedKey: "whyVerifiedKey", pinnedKey: "whyPinnedKey", publishedKey: "whyPublishedKey", seenKey: "whySeenKey", noKey: "whyNoKey",
	unusableKey: "whyUnusableKey", changedKey: "whyChangedKey", othersWithoutKey: "whyOthers", notWanted: "whyNotWanted",
};
const fateIcons: Record<Fate["action"], IconName> = { encrypt: "lock", plain: "unlock", ask: "warning" };

function Fates({ guard }: { guard: Guard }) {
	const plan = guard.plan.value;
	if (!plan)
		return guard.state.value === "looking" ? <p role="status">{t("lockLooking")}</p> : null;
	return (
		<ul class={css.fates}>
			{plan.recipients.map((f) => {
				const letter = guard.letter.value !== null && guard.strangers.value.includes(f.address);
				// Beside a letter under a password the others' lack of a key is no reason any more.
				const why: Key = letter ? "whyLetter" : guard.letter.value && f.action === "encrypt" && f.because === "othersWithoutKey" ? "whyOwnKey" : reasons[f.because];
				return (
					<li key={f.address} data-action={letter ? "letter" : f.action} data-because={f.because}>
						<Icon name={letter ? "key" : fateIcons[f.action]} size={17} />
						<span class={css.fateText}><b>{f.address}</b><span>{t(why)}</span></span>
						{f.because === "changedKey" && <Button onClick={() => void guard.takeKey(f.address)}>{t("pgpTakeKey")}</Button>}
					{f.because === "noKey" && <KeyServer address={f.address} guard={guard} />}
					</li>
				);
			})}
		</ul>
	);
}

type Choice = Wish | "sign" | "letter";
const choices: readonly (readonly [Choice, Key, Key])[] = [
	["auto", "lockAuto", "lockAutoHint"], ["encrypt", "lockEncrypt", "lockEncryptHint"],
	["letter", "lockLetter", "lockLetterHint"], ["sign", "lockSign", "lockSignHint"], ["plain", "lockPlain", "lockPlainHint"],
];

function Choices({ guard }: { guard: Guard }) {
	const now: Choice = guard.letter.value ? "letter" : guard.sign.value ? "sign" : guard.wish.value;
	const offered = choices.filter(([c]) => c !== "letter" || guard.letter.value || guard.strangers.value.length);
	const set = (c: Choice) => (c === "letter" ? guard.chooseLetter(freshLetter) : guard.choose(c === "sign" ? "plain" : c, c === "sign"));
	return (
		<fieldset class={css.wishes} aria-label={t("lockChoose")}>
			{offered.map(([c, label, hint]) => (
				<div key={c}><label><input type="radio" name="protection" value={c} checked={c === now} onChange={() => set(c)} /><span>{t(label)}<small>{t(hint)}</small></span></label>{c === "letter" && now === c && <LetterFields guard={guard} />}</div>
			))}
		</fieldset>
	);
}

interface Face { icon: IconName; text: Key; look: "good" | "warn" | "plain" }

/** The plan is for these recipients, and not for those there were before. */
const isPlanned = (guard: Guard, addresses: readonly string[]) =>
	addresses.every((a) => guard.plan.value?.recipients.some((f) => f.address === a.toLowerCase()));

function faceOf(guard: Guard, addresses: readonly string[]): Face {
	if (guard.state.value === "locked")
		return { icon: "lock", text: "lockLocked", look: "plain" };
	if (guard.state.value === "failed")
		return { icon: "warning", text: "lockFailed", look: "warn" };
	if (!isPlanned(guard, addresses))
		return { icon: "lock", text: "lockLooking", look: "plain" };
	const faces: Record<Guard["way"]["value"], Face> = {
		letter: { icon: "key", text: guard.letter.value?.enough ? "lockIsLetter" : "lockLetterPassword", look: guard.letter.value?.enough ? "good" : "warn" },
		encrypted: { icon: "lock", text: "lockIsEncrypted", look: "good" },
		signed: { icon: "shield", text: "lockIsSigned", look: "plain" },
		plain: { icon: "unlock", text: "lockIsPlain", look: "plain" },
		ask: { icon: "warning", text: "lockAsks", look: "warn" },
	};
	return faces[guard.way.value];
}

export function Lock({ guard, addresses }: { guard: Guard; addresses: readonly string[] }) {
	const open = guard.panel.value;
	const setOpen = (to: boolean) => { guard.panel.value = to; };
	useEffect(() => guard.follow(addresses), [addresses.join()]);
	if (addresses.length === 0 && !guard.threadEncrypted)
		return null;
	const face = faceOf(guard, addresses);
	const click = () => {
		if (guard.state.peek() !== "locked")
			return setOpen(true);
		return void askForKeys().then((yes) => (yes ? guard.look() : undefined));
	};
	return (
		<>
			<button type="button" class={css.lock} data-look={face.look} data-lock={guard.state.value === "ready" ? guard.way.value : guard.state.value} onClick={click}>
				<Icon name={face.icon} size={16} /><span>{t(face.text)}</span>
			</button>
			{open && (
				<Dialog title={t("lockTitle")} onClose={() => setOpen(false)} footer={<Button look="primary" onClick={() => setOpen(false)}>{t("lockDone")}</Button>}>
					<div class={css.panel}><Fates guard={guard} /><Choices guard={guard} /></div>
				</Dialog>
			)}
		</>
	);
}

/** Asked before a letter goes otherwise than its thread or its writer wanted. */
export function AskPlain({ guard, answer }: { guard: Guard; answer(plain: boolean): void }) {
	const plan = guard.plan.value;
	// With the other key taken, nothing is left to be asked.
	const solved = plan?.action === "encrypt";
	const lead: Key = guard.state.value !== "ready" ? "askUnsure" : guard.threadEncrypted ? "askThread" : plan?.recipients.some((f) => f.because === "changedKey") ? "askChanged" : "askNoKey";
	return (
		<Dialog keep title={t("askTitle")} onClose={() => answer(false)} footer={
			<>
				<Button onClick={() => answer(false)}>{t("keepWriting")}</Button>
				{!solved && guard.strangers.value.length > 0 && !guard.letter.value && <Button icon="key" onClick={() => { guard.chooseLetter(freshLetter); answer(false); guard.panel.value = true; }}>{t("lockLetter")}</Button>}
				{!solved && <Button look="danger" onClick={() => answer(true)}>{t("askSendPlain")}</Button>}
			</>
		}><div class={css.panel}><p>{t(solved ? "askSolved" : lead)}</p><Fates guard={guard} /></div></Dialog>
	);
}
