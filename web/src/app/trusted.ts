// The one policy of our own: addresses of the scripts that may run as workers, and nothing else.

interface Policy { createScriptURL(url: string): string }
interface Factory { createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy }

const allowed = new Set([...Object.values(WORKER_URLS), "/sw.js"]);

function check(url: string): string {
	if (!allowed.has(url))
		throw new TypeError(`not a script of ours: ${url}`);
	return url;
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
const policy: Policy = factory?.createPolicy("app", { createScriptURL: check }) ?? { createScriptURL: check };

export function scriptUrl(url: string): string {
	return policy.createScriptURL(url);
}
