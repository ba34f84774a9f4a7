// Changes of one's own keys: the manifest is signed anew, so the server may want the password.
import type { Pgp } from "../../pgp/client";
import { attempt } from "../settings/parts.tsx";
import { withProof } from "../settings/api.ts";
import { pgp } from "./worker.ts";

/** False when it failed, which was said, or when the person thought better of it. */
export function change(act: (p: Pgp) => Promise<unknown>): Promise<boolean> {
	return attempt(async () => withProof(async () => act(await pgp())));
}
