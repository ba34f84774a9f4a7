// A plain message: paragraphs, links that can be followed, quotations by depth, the last one folded.
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.ts";
import { linkTarget } from "./link_target.ts";
import css from "./text_body.module.css";

interface Block { depth: number; text: string }

const link = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gu;

/** Lines of one depth of quotation together. */
export function blocksOf(text: string): Block[] {
	const blocks: Block[] = [];
	for (const line of text.replace(/\r\n?/g, "\n").replace(/\s+$/, "").split("\n")) {
		const mark = /^((?:>[ ]?)*)(.*)$/su.exec(line);
		const depth = (mark?.[1]?.match(/>/g) ?? []).length;
		const last = blocks.at(-1);
		if (last?.depth === depth)
			last.text += `\n${mark?.[2] ?? ""}`;
		else
			blocks.push({ depth, text: mark?.[2] ?? "" });
	}
	return blocks;
}

/** Where the quotation at the end begins; with its line of introduction. */
export function trailingQuote(blocks: readonly Block[]): number {
	let at = blocks.length;
	while (at > 0 && ((blocks[at - 1]?.depth ?? 0) > 0 || !blocks[at - 1]?.text.trim()))
		at--;
	return blocks.slice(at).some((b) => b.depth > 0) && at > 0 ? at : blocks.length;
}

function Linked({ text }: { text: string }) {
	const out = [];
	let at = 0;
	for (const m of text.matchAll(link)) {
		const href = m[0].includes("://") ? m[0] : `mailto:${m[0]}`;
		out.push(text.slice(at, m.index), (
			<a key={m.index} href={href} target="_blank" rel="noopener noreferrer" onPointerEnter={() => { linkTarget.value = href; }}
				onPointerLeave={() => { linkTarget.value = ""; }}>{m[0]}</a>
		));
		at = m.index + m[0].length;
	}
	return <>{out}{text.slice(at)}</>;
}

function Blocks({ blocks }: { blocks: readonly Block[] }) {
	return (
		<>
			{blocks.map((b, i) => (b.depth
				? <blockquote key={i} class={css.quote} data-depth={Math.min(b.depth, 3)}><Linked text={b.text} /></blockquote>
				: <div key={i} class={css.plain}><Linked text={b.text} /></div>))}
		</>
	);
}

export function TextBody({ text }: { text: string }) {
	const [open, setOpen] = useState(false);
	const blocks = blocksOf(text);
	const quote = trailingQuote(blocks);
	return (
		<div class={css.text}>
			<Blocks blocks={blocks.slice(0, quote)} />
			{quote < blocks.length && (
				<button type="button" class={css.dots} aria-expanded={open} aria-label={t("quotedText")} data-tip={t("quotedText")}
					onClick={() => setOpen(!open)}>•••</button>
			)}
			{open && <Blocks blocks={blocks.slice(quote)} />}
		</div>
	);
}
