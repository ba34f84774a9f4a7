// The rich-text editor: ProseMirror with a schema of what letters need, and its commands.
import DOMPurify from "dompurify";
import { baseKeymap, chainCommands, exitCode, setBlockType, toggleMark, wrapIn, lift } from "prosemirror-commands";
import { dropCursor } from "prosemirror-dropcursor";
import { history, redo, undo } from "prosemirror-history";
import { ellipsis, emDash, InputRule, inputRules, textblockTypeInputRule, wrappingInputRule } from "prosemirror-inputrules";
import { keymap } from "prosemirror-keymap";
import { DOMParser, DOMSerializer, Fragment, Schema, Slice, type MarkType, type Node, type NodeType } from "prosemirror-model";
import { marks as basicMarks, nodes as basicNodes } from "prosemirror-schema-basic";
import { addListNodes, liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { EditorState, type Command, Plugin } from "prosemirror-state";
import { EditorView } from "prosemirror-view";

const blocks = "address,article,aside,blockquote,center,dd,div,dl,dt,fieldset,figure,footer,form,h1,h2,h3,h4,h5,h6,header,hr,li,main,nav,ol,p,pre,section,table,ul";

/** A break that ends a block makes no line of its own. */
function endsBlock(br: HTMLElement): boolean {
	let next = br.nextSibling;
	while (next?.nodeType === 3 && !next.textContent?.trim())
		next = next.nextSibling;
	return !next && (br.parentElement?.matches(`${blocks},td,th`) ?? false);
}

const { doc: docSpec, hard_break: breakSpec, ...otherNodes } = basicNodes;
const base = new Schema({
	nodes: {
		doc: docSpec,
		// What is typed. The first kind of block is what Enter makes; paragraphs, which stand apart, come from elsewhere.
		line: {
			content: "inline*", group: "block",
			parseDOM: [{ tag: "div", getAttrs: (el) => (el.querySelector(blocks) ? false : null) }],
			toDOM: () => ["div", 0],
		},
		...otherNodes,
		hard_break: { ...breakSpec, parseDOM: [{ tag: "br", getAttrs: (el) => (endsBlock(el) ? false : null) }] },
		image: {
			inline: true, group: "inline", draggable: true,
			attrs: { src: {}, alt: { default: "" }, cid: { default: null } },
			parseDOM: [{
				tag: "img[src]", getAttrs: (el) => {
					const src = el.getAttribute("src") ?? "";
					return /^(blob:|data:image\/)/.test(src) ? { src, alt: el.getAttribute("alt") ?? "", cid: el.getAttribute("data-cid") } : false;
				},
			}],
			toDOM: (node) => ["img", { src: node.attrs.src as string, alt: node.attrs.alt as string, ...(node.attrs.cid ? { "data-cid": node.attrs.cid as string } : {}) }],
		},
	},
	marks: {
		...basicMarks,
		underline: { parseDOM: [{ tag: "u" }, { style: "text-decoration=underline" }], toDOM: () => ["u", 0] },
		strike: { parseDOM: [{ tag: "s" }, { tag: "del" }], toDOM: () => ["s", 0] },
	},
});
const schema = new Schema({ nodes: addListNodes(base.spec.nodes, "(line | paragraph) block*", "block"), marks: base.spec.marks });

const node = (name: string) => schema.nodes[name] as NodeType;
const mark = (name: string) => schema.marks[name] as MarkType;

/** Lists and quotations are taken off by the same command that puts them on. */
const inside = (state: EditorState, type: NodeType) => {
	const { $from } = state.selection;
	for (let d = $from.depth; d > 0; d--)
		if ($from.node(d).type === type)
			return true;
	return false;
};
const list = (name: string): Command => (state, dispatch) => (inside(state, node(name)) ? liftListItem(node("list_item"))(state, dispatch) : wrapInList(node(name))(state, dispatch));

export const commands: Record<string, Command> = {
	bold: toggleMark(mark("strong")),
	italic: toggleMark(mark("em")),
	underline: toggleMark(mark("underline")),
	code: toggleMark(mark("code")),
	list: list("bullet_list"),
	numbered: list("ordered_list"),
	quote: (state, dispatch) => (inside(state, node("blockquote")) ? lift(state, dispatch) : wrapIn(node("blockquote"))(state, dispatch)),
};

const marksOf: Record<string, string> = { bold: "strong", italic: "em", underline: "underline", code: "code", link: "link" };
const nodesOf: Record<string, string> = { list: "bullet_list", numbered: "ordered_list", quote: "blockquote" };

/** Which of the commands hold where the cursor is. */
export function active(state: EditorState): ReadonlySet<string> {
	const { from, $from, to, empty } = state.selection;
	const on = new Set<string>();
	for (const [name, m] of Object.entries(marksOf))
		if (empty ? mark(m).isInSet(state.storedMarks ?? $from.marks()) : state.doc.rangeHasMark(from, to, mark(m)))
			on.add(name);
	for (const [name, n] of Object.entries(nodesOf))
		if (inside(state, node(n)))
			on.add(name);
	return on;
}

export function setLink(view: EditorView, href: string): void {
	const { from, to, empty } = view.state.selection;
	const type = mark("link");
	if (empty && href) {
		view.dispatch(view.state.tr.replaceSelectionWith(schema.text(href, [type.create({ href })]), false));
		return;
	}
	view.dispatch(href ? view.state.tr.addMark(from, to, type.create({ href })) : view.state.tr.removeMark(from, to, type));
}

const rules = inputRules({
	rules: [
		ellipsis, emDash,
		wrappingInputRule(/^\s*>\s$/, node("blockquote")),
		wrappingInputRule(/^\s*([-+*])\s$/, node("bullet_list")),
		wrappingInputRule(/^(\d+)\.\s$/, node("ordered_list"), (m) => ({ order: Number(m[1]) })),
		textblockTypeInputRule(/^```$/, node("code_block")),
		// An address that was typed becomes a link when a space follows it.
		new InputRule(/(?:^|\s)(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])\s$/, (state, m, start, end) => {
			const url = m[1] ?? "";
			const at = start + (m[0].length - 1 - url.length);
			return state.tr.addMark(at, end, mark("link").create({ href: url })).insertText(" ", end);
		}),
	],
});

const breakLine: Command = chainCommands(exitCode, (state, dispatch) => {
	dispatch?.(state.tr.replaceSelectionWith(node("hard_break").create()).scrollIntoView());
	return true;
});

/** Only what the schema knows is kept, and before that only what is harmless. */
export function parse(html: string): Node {
	DOMPurify.removeAllHooks();
	const body = DOMPurify.sanitize(html, { RETURN_DOM: true, FORBID_ATTR: ["style"], FORBID_TAGS: ["style"], ADD_ATTR: ["data-cid"] });
	return DOMParser.fromSchema(schema).parse(body);
}

const fromRight = /^\P{L}*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

/** Blanks that would run together where white space is not kept, as here it is. */
function keepBlanks(box: HTMLElement): void {
	const walker = box.ownerDocument.createTreeWalker(box, 4);
	for (let n = walker.nextNode(); n; n = walker.nextNode())
		if (!n.parentElement?.closest("pre") && n.nodeValue)
			n.nodeValue = n.nodeValue.replace(n.previousSibling ? / (?= )/g : /^ | (?= )/g, "\u00a0");
}

/** For the letter, which shall look elsewhere as it does here: empty lines have their height, what runs from right to left says so, and images are named by
 * content-id in place of this page's own addresses for them. */
export function serialize(doc: Node): string {
	const box = document.implementation.createHTMLDocument("").createElement("div");
	box.append(DOMSerializer.fromSchema(schema).serializeFragment(doc.content, { document: box.ownerDocument }));
	keepBlanks(box);
	for (const block of box.querySelectorAll("div, p, li, h1, h2, h3"))
		if (fromRight.test(block.textContent ?? ""))
			block.setAttribute("dir", "rtl");
	for (const line of box.querySelectorAll("div:empty, p:empty"))
		line.append(box.ownerDocument.createElement("br"));
	for (const img of box.querySelectorAll("img[data-cid]")) {
		img.setAttribute("src", `cid:${img.getAttribute("data-cid")}`);
		img.removeAttribute("data-cid");
	}
	return box.innerHTML;
}

/** The plain alternative: quotations with their marks, lists with theirs. */
export function plainText(doc: Node): string {
	return textOf(doc).replace(/\u00a0/g, " ").trim();
}

/** Lines follow each other, and a quotation the line that announces it; all else stands apart. */
function between(before: Node | null, n: Node, parent: Node): string {
	if (!before)
		return "";
	const follows = n.type.name === "line" || (n.type.name === "blockquote" && before.content.size > 0);
	return parent.type.name === "list_item" || (before.type.name === "line" && follows) || (before.type.name === "line" && before.content.size === 0) ? "\n" : "\n\n";
}

function textOf(n: Node): string {
	let text = "";
	n.forEach((child, _, i) => { text += between(i ? n.child(i - 1) : null, child, n) + blockText(child, i); });
	return text;
}

function blockText(n: Node, index: number): string {
	if (n.isTextblock)
		return n.textBetween(0, n.content.size, "\n", (leaf) => (leaf.type.name === "hard_break" ? "\n" : ""));
	if (n.type.name === "blockquote")
		return textOf(n).split("\n").map((l) => `> ${l}`.trimEnd()).join("\n");
	if (n.type.name === "bullet_list" || n.type.name === "ordered_list") {
		const items: string[] = [];
		n.forEach((item, _, i) => items.push(`${n.type.name === "bullet_list" ? "-" : `${Number(n.attrs.order) + i}.`} ${textOf(item).replace(/\n/g, "\n  ")}`));
		return items.join("\n");
	}
	return n.type.name === "horizontal_rule" ? "---" : index >= 0 ? textOf(n) : "";
}

interface EditorHooks {
	onChange(): void;
	/** Files that were pasted or dropped into the text. */
	onFiles(files: File[]): void;
	label: string;
}

export function createEditor(place: HTMLElement, html: string, hooks: EditorHooks): EditorView {
	const files = (data: DataTransfer | null) => [...(data?.files ?? [])];
	const take = (e: ClipboardEvent | DragEvent, data: DataTransfer | null) => {
		const list = files(data);
		if (list.length === 0)
			return false;
		e.preventDefault();
		hooks.onFiles(list);
		return true;
	};
	const state = EditorState.create({
		doc: parse(html),
		plugins: [
			rules, history(), dropCursor({ color: "var(--accent)", width: 2 }),
			keymap({
				"Mod-z": undo, "Mod-y": redo, "Mod-Shift-z": redo, "Mod-b": commands.bold as Command, "Mod-i": commands.italic as Command,
				"Mod-u": commands.underline as Command, "Shift-Enter": breakLine, "Mod-Shift-8": commands.list as Command, "Mod-Shift-7": commands.numbered as Command,
				"Mod-Shift-9": commands.quote as Command, Enter: splitListItem(node("list_item")), "Mod-]": sinkListItem(node("list_item")), "Mod-[": liftListItem(node("list_item")),
				"Mod-Alt-0": setBlockType(node("line")),
			}),
			keymap(baseKeymap),
			new Plugin({ view: () => ({ update: (_, before) => { if (!before.doc.eq(_.state.doc) || !before.selection.eq(_.state.selection)) hooks.onChange(); } }) }),
		],
	});
	const view: EditorView = new EditorView(place, {
		state,
		attributes: { role: "textbox", "aria-multiline": "true", "aria-label": hooks.label },
		clipboardTextParser: (text, $context) => new Slice(Fragment.from(text.split(/\r\n?|\n/).map((l) => node("line").create(null, l ? schema.text(l, $context.marks()) : null))), 1, 1),
		// Escape is the composer's; the editor would call it handled.
		handleDOMEvents: { keydown: (_, e) => e.key === "Escape" && !e.isComposing },
		handlePaste: (_, e) => take(e, e.clipboardData),
		handleDrop: (_, e) => take(e, e.dataTransfer),
	});
	return view;
}

export function insertImage(view: EditorView, src: string, cid: string, alt: string): void {
	view.dispatch(view.state.tr.replaceSelectionWith(node("image").create({ src, cid, alt })).scrollIntoView());
}
