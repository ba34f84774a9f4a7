// The export that this page runs, if any.
import { effect, signal } from "@preact/signals";
import { Caller } from "../../keys/rpc.ts";
import type { Id } from "../../jmap/types.ts";
import { mail } from "../mail/state.ts";
import { prefs } from "../prefs.ts";
import { account } from "../session.ts";
import type { ExportJob, ExportState, Form } from "./export_job.ts";
import { newWorker } from "./job.ts";
import { fileName } from "./mail_write.ts";
import { t } from "./texts.ts";

export const exporting = signal<(ExportState & { name: string }) | null>(null);

let worker: Worker | null = null;

type Picker = (options: { suggestedName: string; types: Array<{ description: string; accept: Record<string, string[]> }> }) => Promise<FileSystemFileHandle>;

/** Asks for the place where the browser can write while the export goes on. undefined: nobody wanted it. */
async function place(name: string): Promise<FileSystemFileHandle | null | undefined> {
	const picker = (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;
	if (!picker)
		return null;
	try {
		return await picker({ suggestedName: name, types: [{ description: "ZIP", accept: { "application/zip": [".zip"] } }] });
	} catch (e) {
		return (e as Error).name === "AbortError" ? undefined : null;
	}
}

function saveBlob(blob: Blob, name: string): void {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(blob);
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 600_000);
}

interface What { form: Form; mailboxes: readonly Id[] | null; emails: readonly Id[] | null }

function run(what: What, handle: FileSystemFileHandle | null, saw: (state: ExportState, result: Blob | null) => void): Worker {
	const made = newWorker("export");
	made.addEventListener("message", (e) => {
		const { export: state, result } = e.data as { export?: ExportState; result?: Blob | null };
		if (state)
			saw(state, result ?? null);
		if (state && state.phase !== "running")
			made.terminate();
	});
	void new Caller<ExportJob>(made).call("begin", {
		...what, handle, session: mail().session, address: account.peek()?.address ?? "", readme: t("readme", { who: account.peek()?.address ?? "" }),
		settings: { preferences: prefs.peek() },
	});
	return made;
}

const today = () => new Date().toISOString().slice(0, 10);

export async function startExport(form: Form, mailboxes: readonly Id[] | null): Promise<void> {
	const who = fileName(account.peek()?.address ?? "");
	const box = mailboxes?.length === 1 ? ` ${fileName(mail().mailboxes.peek().get(mailboxes[0] ?? "")?.name ?? "")}` : "";
	const name = `letterlock ${who}${box} ${today()}.zip`;
	const handle = await place(name);
	if (handle === undefined)
		return;
	exporting.value = { name: handle?.name ?? name, phase: "running", waiting: null, reason: null, done: 0, total: 0, gone: 0, damaged: 0, bytes: 0 };
	worker = run({ form, mailboxes, emails: null }, handle, (state, result) => {
		exporting.value = { ...state, name: handle?.name ?? name };
		if (result)
			saveBlob(result, name);
	});
}

export const cancelExport = async (): Promise<void> => {
	if (worker)
		await new Caller<ExportJob>(worker).call("cancel");
};

export function closeExport(): void {
	exporting.value = null;
	worker = null;
}

/** One message as it is, several as an mbox file. */
export function saveMessages(ids: readonly Id[]): Promise<void> {
	const subject = mail().emails.peek(ids[0] ?? "")?.subject ?? "";
	const name = ids.length === 1 ? `${fileName(subject || t("message")).slice(0, 60)}.eml` : `letterlock ${today()}.mbox`;
	return new Promise((done, failed) => {
		run({ form: "eml", mailboxes: null, emails: ids }, null, (state, result) => {
			if (result)
				saveBlob(result, name);
			if (state.phase === "done")
				done();
			else if (state.phase !== "running")
				failed(new Error(state.reason ?? state.phase));
		});
	});
}

addEventListener("beforeunload", (e) => {
	if (exporting.peek()?.phase === "running")
		e.preventDefault();
});

effect(() => {
	if (account.value === null && worker) {
		worker.terminate();
		closeExport();
	}
});
