// Which build of the client this server gives out, as its manifest and its log of releases say (docs/verify.md). It is for people to
// compare; the page cannot vouch for itself.

export interface Build {
	version: string;
	/** The beginning of the manifest's SHA-384, as `letterlock verify` prints it. */
	words: string;
	/** Whether the script that runs here is the manifest's. */
	running: boolean;
	/** Of the log's newest entry, where the operator has put a log there. */
	release: { number: number; date: string; ours: boolean } | null;
}

/** The script of a page, as the page names it. */
interface Script { path: string; integrity: string }

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

function words(hash: Uint8Array): string {
	const hex = [...hash.slice(0, 16)].map((b) => b.toString(16).padStart(2, "0")).join("");
	return (hex.match(/.{4}/g) ?? []).join(" ");
}

function newest(log: string, hash: string): Build["release"] {
	const entry = log.split("\n\n").pop() ?? "";
	const of = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(entry)?.[1] ?? "";
	const number = Number(of("release"));
	return number > 0 ? { number, date: of("date"), ours: of("manifest") === hash } : null;
}

export async function readBuild(manifest: string, log: string, script: Script): Promise<Build> {
	const version = /^letterlock web manifest 1\nversion (\S+)\n/.exec(manifest)?.[1];
	if (!version)
		throw new Error("no manifest");
	const hash = new Uint8Array(await crypto.subtle.digest("SHA-384", new TextEncoder().encode(manifest)));
	const at = manifest.indexOf(`\nfile ${script.path}\n`);
	const listed = at < 0 ? "" : /^sha384 (.*)$/m.exec(manifest.slice(at))?.[1];
	return { version, words: words(hash), running: `sha384-${listed}` === script.integrity, release: newest(log, base64(hash)) };
}

async function text(name: string): Promise<string> {
	const r = await fetch(`/.well-known/letterlock/${name}`, { credentials: "omit", cache: "no-cache" });
	if (!r.ok)
		throw new Error(`${name}: ${r.status}`);
	return r.text();
}

function ownScript(): Script {
	const script = document.querySelector<HTMLScriptElement>("script[type=module][src]");
	return { path: script?.getAttribute("src") ?? "", integrity: script?.integrity ?? "" };
}

export async function askBuild(): Promise<Build> {
	const [manifest, log] = await Promise.all([text("manifest"), text("log")]);
	return readBuild(manifest, log, ownScript());
}
