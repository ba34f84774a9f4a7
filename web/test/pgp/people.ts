// People with an OpenPGP worker each, for the tests.
import { random, utf8, type Bytes } from "../../src/keys/bytes";
import { edited, type OwnKeys } from "../../src/keys/own_keys";
import type { Draft } from "../../src/pgp/build";
import { PgpService } from "../../src/pgp/service";

export const NOW = Math.floor(Date.now() / 1000);

export interface Person {
	address: string;
	service: PgpService;
	kept: OwnKeys;
	fingerprint: string;
	publicKey: Bytes;
}

export function emptyPerson(address: string): Person {
	const kept: Person["kept"] = { keys: [], fingerprints: [] };
	const service = new PgpService(async (edit) => {
		Object.assign(kept, edited(kept, edit));
		await service.setKeys(kept.keys.map((k) => k.slice()), []);
	});
	return { address, service, kept, fingerprint: "", publicKey: random(0) };
}

export async function person(address: string, name = ""): Promise<Person> {
	const p = emptyPerson(address);
	const info = await p.service.generate({ name, address });
	const { binary } = await p.service.exportPublic({ fingerprint: info.fingerprint, address });
	return { ...p, fingerprint: info.fingerprint, publicKey: binary };
}

export async function introduce(a: Person, b: Person): Promise<void> {
	const source = "directory" as const;
	await a.service.learn({ address: b.address, key: b.publicKey, source, at: NOW });
	await b.service.learn({ address: a.address, key: a.publicKey, source, at: NOW });
}

export function draft(from: string, to: string[], more: Partial<Draft> = {}): Draft {
	return {
		from: { name: "Zoë Ünal", address: from },
		to: to.map((address) => ({ name: "", address })),
		cc: [],
		subject: "Grüße & the secret plan",
		date: new Date(1800000000000),
		messageId: "id-1@example.org",
		text: "Hello,\r\n\r\n-- \r\nFrom here with trailing space \r\n.\r\nEuro: €\r\n",
		attachments: [],
		...more,
	};
}

export const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
export const message = (text: string): Bytes => utf8(text.replace(/\r?\n/g, "\r\n"));
