// Shows an HTML message in the frame of its own origin, and the little that the frame tells.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import type { FullEmail } from "../../jmap/types.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Button } from "../../ui/button.tsx";
import { Ghost } from "../../ui/progress.tsx";
import { dark, prefs } from "../prefs.ts";
import { linkTarget } from "./link_target.ts";
import type { Clean } from "./sanitize.ts";
import { mail } from "./state.ts";
import css from "./html_frame.module.css";

interface FromFrame { kind: "ready" | "height" | "link" | "lie" | "mailto" | "key"; height?: number; href?: string; text?: string; key?: string; ctrlKey?: boolean; metaKey?: boolean; shiftKey?: boolean }
interface ImageData { key: string; type: string; data: ArrayBuffer }

const cleaned = new Map<string, Clean>();

export async function cleanHtml(email: FullEmail): Promise<Clean> {
	const key = email.pgp ? `${email.id} opened` : email.id;
	const known = cleaned.get(key);
	if (known)
		return known;
	const { sanitize } = await import("./sanitize.ts");
	const html = email.htmlBody.map((p) => htmlOf(email, p)).join("\n");
	const clean = sanitize(html);
	cleaned.set(key, clean);
	if (cleaned.size > 40)
		cleaned.delete(cleaned.keys().next().value as string);
	return clean;
}

function htmlOf(email: FullEmail, part: FullEmail["htmlBody"][number]): string {
	const value = email.bodyValues[part.partId ?? ""]?.value ?? "";
	if (part.type === "text/html")
		return value;
	const text = value.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c] as string);
	return part.type.startsWith("text/") ? `<pre>${text}</pre>` : "";
}

async function inlineImages(email: FullEmail, cids: readonly string[]): Promise<ImageData[]> {
	const wanted = cids.map((cid) => [cid, email.attachments.find((a) => a.cid === cid || a.cid === `<${cid}>`)] as const);
	const loaded = await Promise.all(wanted.map(async ([cid, part]) => {
		if (!part?.blobId || !part.type.startsWith("image/") || part.type.includes("svg"))
			return null;
		const data = await mail().client.download(part.blobId, part.type).catch(() => null);
		return data && { key: `cid:${cid}`, type: part.type, data };
	}));
	return loaded.filter((i) => i !== null);
}

/** Through the server, which hides who asks. */
async function remoteImage(url: string, stop: AbortSignal): Promise<ImageData | null> {
	const response = await fetch(`/api/v1/image?url=${encodeURIComponent(url)}`, { headers: { "X-Letterlock": "1" }, signal: stop }).catch(() => null);
	const type = response?.headers.get("Content-Type") ?? "";
	const data = response?.ok && type.startsWith("image/") ? await response.arrayBuffer().catch(() => null) : null;
	return data && { key: url, type, data };
}

/** A few at a time, each shown when it has come. Gives how many there are not. */
async function remoteImages(urls: readonly string[], stop: AbortSignal, show: (image: ImageData) => void): Promise<number> {
	const left = urls.slice(0, 200);
	let missing = urls.length - left.length;
	const work = async () => {
		for (let url = left.shift(); url !== undefined && !stop.aborted; url = left.shift()) {
			const image = await remoteImage(url, stop);
			if (image && !stop.aborted)
				show(image);
			else
				missing++;
		}
	};
	await Promise.all(Array.from({ length: 6 }, work));
	return missing;
}

function passKey(m: FromFrame): void {
	document.dispatchEvent(new KeyboardEvent("keydown", {
		key: m.key ?? "", ctrlKey: m.ctrlKey ?? false, metaKey: m.metaKey ?? false, shiftKey: m.shiftKey ?? false, bubbles: true, cancelable: true,
	}));
}

interface Lie { href: string; text: string }

function LieDialog({ lie, close }: { lie: Lie; close(): void }) {
	return (
		<Dialog title={t("linkLies")} onClose={close} footer={
			<>
				<Button onClick={close}>{t("cancel")}</Button>
				<Button look="danger" onClick={() => { close(); open(lie.href, "_blank", "noopener,noreferrer"); }}>{t("openAnyway")}</Button>
			</>
		}>
			<p>{t("linkSays", { text: lie.text })}</p>
			<p>{t("linkGoes")} <code class={css.url}>{lie.href}</code></p>
		</Dialog>
	);
}

export function HtmlFrame({ email, clean, images, lightOnly, onMailto }: {
	email: FullEmail; clean: Clean; images: boolean; lightOnly: boolean; onMailto(href: string): void;
}) {
	const frame = useRef<HTMLIFrameElement>(null);
	const [height, setHeight] = useState(0);
	const [lie, setLie] = useState<Lie | null>(null);
	const [missing, setMissing] = useState(0);
	const isDark = dark.value && prefs.value.darkMail && !lightOnly;
	const post = (message: Record<string, unknown>, transfer: Transferable[] = []) => frame.current?.contentWindow?.postMessage(message, "*", transfer);

	// Before anything is painted: a frame that is ready says so once, and may be ready soon.
	useLayoutEffect(() => {
		const hear = (e: MessageEvent<FromFrame>) => {
			if (e.source !== frame.current?.contentWindow)
				return;
			const m = e.data;
			const acts: Record<FromFrame["kind"], () => void> = {
				ready: () => {
					post({ kind: "show", html: clean.html, css: clean.css, images: [], dark: isDark, quoteLabel: t("quotedText") });
					void inlineImages(email, clean.inline).then((list) => post({ kind: "images", images: list }, list.map((i) => i.data)));
				},
				height: () => setHeight(Math.min(Number(m.height) || 0, 60_000)),
				link: () => { linkTarget.value = String(m.href ?? ""); },
				lie: () => setLie({ href: String(m.href), text: String(m.text) }),
				mailto: () => onMailto(String(m.href)),
				key: () => passKey(m),
			};
			acts[m.kind]?.();
		};
		addEventListener("message", hear);
		return () => {
			removeEventListener("message", hear);
			linkTarget.value = "";
		};
	}, [email.id]);
	useEffect(() => post({ kind: "dark", dark: isDark }), [isDark]);
	useEffect(() => {
		setMissing(0);
		if (!images || !height)
			return undefined;
		const stop = new AbortController();
		void remoteImages(clean.remote, stop.signal, (i) => post({ kind: "images", images: [i] }, [i.data]))
			.then((n) => stop.signal.aborted || setMissing(n));
		return () => stop.abort();
	}, [images, height > 0, clean]);

	return (
		<>
			{height === 0 && <Ghost lines={6} />}
			<iframe ref={frame} src="/mailframe" class={css.frame} title={t("messageFrom", { who: email.from?.[0]?.name ?? email.from?.[0]?.email ?? "" })}
				style={{ height: `${height}px` }} />
			{missing > 0 && <p class={css.missing} role="status">{t("picturesMissing", { n: missing })}</p>}
			{lie && <LieDialog lie={lie} close={() => setLie(null)} />}
		</>
	);
}
