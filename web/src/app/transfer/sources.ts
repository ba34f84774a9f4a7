// Where mail can be brought from: the list that the wizard shows.
//
// To add a source: write one file here with its step, and an entry below. The step is what the dialog of the
// wizard shows once the source is chosen: it asks what it needs, starts the work, and calls close(). Work that
// goes on without the dialog is shown by `running`, a component that stands on the page above the list (and
// is empty while there is none). A source that needs a capability of the server says so in `offered`. Texts
// go into texts.ts beside this file, or into a texts file of the source's own.
import type { ComponentType } from "preact";
import type { Session } from "../../jmap/types.ts";
import type { IconName } from "../../ui/icon.tsx";
import type { FileKind } from "./file_step.tsx";
import type { Key } from "./texts.ts";

export interface StepProps {
	/** Back to the page. */
	close(): void;
}

export interface Source {
	id: string;
	icon: IconName;
	title: Key;
	detail: Key;
	/** Without it the source is always offered. */
	offered?: (session: Session) => boolean;
	step: () => Promise<ComponentType<StepProps>>;
	running?: () => Promise<ComponentType>;
}

const files = (kind: FileKind) => () => import("./file_step.tsx").then((m) => m.fileStep(kind));

export const sources: readonly Source[] = [
	{
		id: "imap", icon: "mail", title: "imapTitle", detail: "imapDetail",
		// A literal: the module behind it is not loaded for this question.
		offered: (session) => "urn:letterlock:params:jmap:import" in session.capabilities,
		step: () => import("./imap/step.tsx").then((m) => m.ImapStep),
		running: () => import("./imap/running.tsx").then((m) => m.ImapRunning),
	},
	{ id: "mbox", icon: "archive", title: "mboxTitle", detail: "mboxDetail", step: files({ how: "mboxHow", choose: "chooseFiles", accept: "", folder: false }) },
	{ id: "takeout", icon: "download", title: "takeoutTitle", detail: "takeoutDetail", step: files({ how: "takeoutHow", choose: "chooseFiles", accept: ".zip,.tgz,.tar.gz,.gz,.tar,.mbox", folder: false }) },
	{ id: "folder", icon: "folder", title: "folderTitle", detail: "folderDetail", step: files({ how: "folderHow", choose: "chooseFolder", accept: "", folder: true }) },
	{ id: "eml", icon: "file", title: "emlTitle", detail: "emlDetail", step: files({ how: "emlHow", choose: "chooseFiles", accept: ".eml,message/rfc822", folder: false }) },
	{ id: "export", icon: "refresh", title: "ownTitle", detail: "ownDetail", step: files({ how: "ownHow", choose: "chooseFiles", accept: ".zip", folder: false }) },
];
