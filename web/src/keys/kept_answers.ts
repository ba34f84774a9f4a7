// The keys without the network: what the server answered when they were opened here the last time. These are the
// sealed records themselves, which are worth as much here as on the server: only the unlock secret opens them.
import type { Device } from "./device";
import { Answer, ApiError, auth, type JsonObject, type Transport } from "./http";

export interface KeptAnswers {
	account: JsonObject;
	records: JsonObject[];
}

const known: Readonly<Record<string, (k: KeptAnswers) => JsonObject>> = {
	"/api/v1/auth/account": (k) => k.account,
	"/api/v1/auth/keys-read": (k) => ({ records: k.records, more: false }),
};

const unreachable = (err: unknown): boolean => err instanceof ApiError && err.status === 0 && err.type === "unavailable";

/** The server where it can be reached; else what was kept, for the two commands that open an account. */
export function withKept(real: Transport, device: Device): Transport {
	return {
		get: real.get,
		async post(path, fields) {
			try {
				return await real.post(path, fields);
			} catch (err) {
				const make = known[path];
				const kept = make && unreachable(err) ? await device.answers() : undefined;
				if (!make || !kept) throw err;
				return new Answer(make(kept), true);
			}
		},
	};
}

/** Reads them anew; undefined when the server cannot be reached. */
export async function answersOf(t: Transport): Promise<KeptAnswers | undefined> {
	const account = await auth(t, "account");
	const records: JsonObject[] = [];
	for (let more = !account.kept; more; ) {
		const page = await auth(t, "keys-read", { skip: records.length });
		const list = page.list("records").map((r) => r.json);
		records.push(...list);
		more = page.flag("more") && list.length > 0;
		if (page.kept) return undefined;
	}
	return account.kept ? undefined : { account: account.json, records };
}
