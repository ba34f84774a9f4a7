// What the build puts in place.
declare module "*.module.css" {
	const names: Readonly<Record<string, string>>;
	export default names;
}
declare module "*.css";
/** As a data: URL. */
declare module "*.svg" {
	const url: string;
	export default url;
}

/** Scripts of their own context, by name ("keys", "pgp"), with their hashed paths. */
declare const WORKER_URLS: Readonly<Record<string, string>>;
/** The folder of the tests; only in tests. */
declare const TEST_ROOT: string;
/** Files of the shell with their integrity; only in the service worker. */
declare const SHELL: ReadonlyArray<readonly [string, string]>;
declare const SHELL_VERSION: string;
