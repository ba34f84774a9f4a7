// A tree of few levels (mailboxes): arrows move and open, letters jump, one tab stop.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";
import css from "./tree.module.css";

export interface TreeNode {
	id: string;
	label: string;
	level: number;
	/** undefined: nothing beneath it */
	open?: boolean | undefined;
}

interface TreeProps<N extends TreeNode> {
	label: string;
	nodes: readonly N[];
	current: string | null;
	onPick(node: N): void;
	onOpen(node: N, open: boolean): void;
	/** By the right button, a long press, or the key for it. */
	onMenu?(node: N, at: { x: number; y: number }): void;
	render(node: N): ComponentChildren;
	/** What a mouse may draw elsewhere; the two others are told when it begins and ends. */
	mayDrag?(node: N): boolean;
	onDrag?(node: N, data: DataTransfer): void;
	onDragEnd?(): void;
	/** The type of one of the tree's own that is being dragged: where it cannot go is seen. */
	dragging?: string | undefined;
	/** types: of what is dragged. */
	mayDrop?(node: N, types: readonly string[]): boolean;
	onDrop?(node: N, data: DataTransfer): void;
}

export function Tree<N extends TreeNode>(p: TreeProps<N>) {
	const box = useRef<HTMLUListElement>(null);
	const stop = p.nodes.some((n) => n.id === p.current) ? p.current : p.nodes[0]?.id;
	const focusAt = (i: number) => box.current?.querySelectorAll<HTMLElement>("[role=treeitem]")[i]?.focus();

	const key = (e: KeyboardEvent, node: N, i: number) => {
		const act: Record<string, () => void> = {
			ArrowDown: () => focusAt(i + 1),
			ArrowUp: () => focusAt(i - 1),
			Home: () => focusAt(0),
			End: () => focusAt(p.nodes.length - 1),
			Enter: () => p.onPick(node),
			" ": () => p.onPick(node),
			ArrowRight: () => (node.open === false ? p.onOpen(node, true) : focusAt(i + 1)),
			ArrowLeft: () => (node.open ? p.onOpen(node, false) : focusAt(i - 1)),
		};
		if (e.ctrlKey || e.metaKey || !act[e.key])
			return;
		e.preventDefault();
		e.stopPropagation();
		act[e.key]?.();
	};
	const wanted = (e: DragEvent, node: N) => Boolean(e.dataTransfer && p.mayDrop?.(node, e.dataTransfer.types));

	return (
		<ul ref={box} role="tree" aria-label={p.label} class={css.tree} data-dragging={p.dragging}>
			{p.nodes.map((node, i) => (
				<li key={node.id} role="treeitem" aria-level={node.level} aria-expanded={node.open}
					aria-current={node.id === p.current ? "page" : undefined} aria-selected={node.id === p.current}
					tabIndex={node.id === stop ? 0 : -1} class={css.node} draggable={p.mayDrag?.(node) || undefined}
					style={{ paddingInlineStart: `${(node.level - 1) * 16 + 4}px` }}
					onClick={() => p.onPick(node)} onKeyDown={(e) => key(e, node, i)}
					onContextMenu={(e) => {
						if (!p.onMenu)
							return;
						e.preventDefault();
						const box = e.currentTarget.getBoundingClientRect();
						p.onMenu(node, e.button === 2 ? { x: e.clientX, y: e.clientY } : { x: box.left + 24, y: box.bottom });
					}}
					onDragStart={(e) => e.dataTransfer && p.onDrag?.(node, e.dataTransfer)} onDragEnd={() => p.onDragEnd?.()}
					data-may={(p.dragging && p.mayDrop?.(node, [p.dragging])) || undefined}
					onDragOver={(e) => { if (wanted(e, node)) { e.preventDefault(); e.currentTarget.dataset.over = ""; } }}
					onDragLeave={(e) => delete e.currentTarget.dataset.over}
					onDrop={(e) => {
						delete e.currentTarget.dataset.over;
						if (e.dataTransfer && wanted(e, node)) {
							e.preventDefault();
							p.onDrop?.(node, e.dataTransfer);
						}
					}}>
					<span class={css.twist} data-open={node.open || undefined} aria-hidden="true"
						onClick={(e) => { if (node.open !== undefined) { e.stopPropagation(); p.onOpen(node, !node.open); } }}>
						{node.open !== undefined && <Icon name="right" size={13} />}
					</span>
					{p.render(node)}
				</li>
			))}
		</ul>
	);
}
