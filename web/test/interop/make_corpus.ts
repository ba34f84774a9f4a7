// Makes tests/corpus/keys/*.json: records and an account of either implementation, which both must
// open for as long as the formats are what they are. Run by test/corpus.mjs, and only when the formats
// have grown: what was written once must stay readable.
import { writeFileSync } from "node:fs";
import { type Bytes, hex, random, unhex, utf8 } from "../../src/keys/bytes";
import { ed25519Public } from "../../src/keys/ed25519";
import { Owner } from "../../src/keys/owner";
import { header, HDR_LEN, kemSeal, type Kind, sigSeal, symSeal } from "../../src/keys/record";
import { KeyRecords } from "../../src/keys/records";
import { UnlockType } from "../../src/keys/scope";
import { codeBytes } from "../../src/keys/code";
import { unlockAreas } from "../../src/keys/open";
import { verifierDecode } from "../../src/keys/verifier";
import { xwingPublic } from "../../src/keys/xwing";
import { Peer } from "./peer";

const NOW = 1800000000;
const opaque = unhex(`e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76${"07".repeat(160)}`);

const forms: Record<"sym" | "kem" | "sig", Kind[]> = {
	sym: ["anchor", "keyring", "collection-key", "object", "file", "folder", "index", "journal", "link", "document-update", "document-snapshot"],
	kem: ["grant", "delivered", "share"],
	sig: ["manifest", "device"],
};

type Seal = (form: "sym" | "kem" | "sig", secret: Bytes, hdr: Bytes, h: ReturnType<typeof header>, plain: Bytes) => Promise<Bytes>;

const here: Seal = async (form, secret, _, h, plain) => {
	if (form === "sym") return symSeal(secret, h, plain);
	return form === "kem" ? kemSeal(xwingPublic(secret), h, plain) : sigSeal(secret, h, plain);
};

async function records(seal: Seal) {
	const out = [];
	for (const form of ["sym", "kem", "sig"] as const)
		for (const [i, kind] of forms[form].entries()) {
			const ids = { account: random(16), collection: random(16), object: random(16), author: random(16) };
			const h = header(kind, { ...ids, area: i % 6, part: 300 + i, keyver: 0x01020300 + i, rev: 0x8000000000000001n + BigInt(i) });
			const [secret, plain] = [random(32), random(kind === "object" ? 16500 : 10 * i)];
			const own = await here(form, secret, plain, h, plain);
			const record = await seal(form, secret, own.slice(0, HDR_LEN), h, plain);
			const publicKey = form === "sig" ? ed25519Public(secret) : new Uint8Array(0);
			out.push({ kind, form, secret: hex(secret), public: hex(publicKey), plain: hex(plain), record: hex(record) });
		}
	return out;
}

async function account(changes: { kind: string; key: Bytes; value: Bytes }[], about: { account: Bytes; unlocker: Bytes; secret: Bytes; identity: Bytes; seq: bigint; hash: Bytes }) {
	const store = new KeyRecords();
	for (const c of changes) if (c.kind !== "delete") store.put(c.key, c.value);
	const pins = [{ identity: about.identity, seq: about.seq, hash: about.hash }];
	const { secrets } = await unlockAreas({ ...about, type: UnlockType.recovery, records: store, pins, now: NOW });
	return {
		account: hex(about.account),
		unlocker: hex(about.unlocker),
		type: UnlockType.recovery,
		secret: hex(about.secret),
		now: NOW,
		identity: hex(about.identity),
		seq: Number(about.seq),
		hash: hex(about.hash),
		records: store.entries().map(([key, value]) => ({ key, value: hex(value) })),
		areas: secrets.map((s) => ({ area: s.area, version: s.version, key: hex(s.key) })),
	};
}

async function ours() {
	const id = random(16);
	const owner = Owner.create(id, NOW);
	await owner.addPassword(opaque, random(64), false, NOW);
	const { code, verifier } = await owner.addRecovery(NOW);
	await owner.addApp({ areas: 2, protocols: 1, expires: 0 }, "Telefon", NOW);
	await owner.rotate(2);
	owner.editOpenpgp({ fingerprint: random(20), key: random(500), place: "first" });
	const { changes, pin } = await owner.commit(NOW);
	return account(changes, { account: id, unlocker: verifier.id, secret: codeBytes(code), ...pin });
}

async function theirs(peer: Peer) {
	const id = random(16);
	await peer.words("owner-new", id, NOW);
	await peer.words("owner-password", opaque, random(64), 0, NOW);
	const [v = id, code = id] = await peer.call("owner-recovery", NOW);
	await peer.words("owner-app", 2, 1, 0, utf8("desk"), NOW);
	await peer.words("owner-rotate", 2);
	await peer.words("owner-openpgp", random(500), random(20));
	const words = await peer.words("owner-commit", NOW);
	const [identity = "", seq = "", hash = ""] = words;
	const changes = [];
	for (let i = 3; i < words.length; i += 3)
		changes.push({ kind: words[i] === "2" ? "delete" : "put", key: unhex(words[i + 1] ?? ""), value: unhex((words[i + 2] ?? "").replace("-", "")) });
	const about = { unlocker: verifierDecode(v).id, secret: code, identity: unhex(identity), seq: BigInt(seq), hash: unhex(hash) };
	return account(changes, { account: id, ...about });
}

const folder = process.env["CORPUS"] ?? ".";
const peer = new Peer();
const write = (name: string, value: unknown) => writeFileSync(`${folder}/${name}.json`, `${JSON.stringify(value, null, "\t")}\n`);
write("typescript", { records: await records(here), account: await ours() });
const there: Seal = (form, secret, hdr, _, plain) =>
	peer.one(`${form}-seal`, form === "kem" ? xwingPublic(secret) : secret, hdr, plain);
write("c", { records: await records(there), account: await theirs(peer) });
peer.close();
