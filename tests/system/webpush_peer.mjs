/* The client's side of push messages for test_webpush.py, by node's own cryptography: makes keys, opens messages (RFC 8291) and
 * checks who sent them (RFC 8292). One JSON line in, one out. */
import crypto from "node:crypto";
import readline from "node:readline";

const text = (s) => Buffer.from(s, "base64url");

function keys() {
	const ecdh = crypto.createECDH("prime256v1");
	return {
		public: ecdh.generateKeys().toString("base64url"),
		private: ecdh.getPrivateKey().toString("base64url"),
		auth: crypto.randomBytes(16).toString("base64url"),
	};
}

const hkdf = (salt, key, info, n) => Buffer.from(crypto.hkdfSync("sha256", key, salt, info, n));

function open({ key, body }) {
	const message = text(body);
	const salt = message.subarray(0, 16);
	const size = message.readUInt32BE(16);
	const sender = message.subarray(21, 21 + message[20]);
	const sealed = message.subarray(21 + message[20]);
	if (sealed.length > size) throw new Error("more than one record");
	const ecdh = crypto.createECDH("prime256v1");
	ecdh.setPrivateKey(text(key.private));
	const info = Buffer.concat([Buffer.from("WebPush: info\0"), text(key.public), sender]);
	const ikm = hkdf(text(key.auth), ecdh.computeSecret(sender), info, 32);
	const cek = hkdf(salt, ikm, "Content-Encoding: aes128gcm\0", 16);
	const nonce = hkdf(salt, ikm, "Content-Encoding: nonce\0", 12);
	const cipher = crypto.createDecipheriv("aes-128-gcm", cek, nonce);
	cipher.setAuthTag(sealed.subarray(-16));
	const plain = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
	const end = plain.lastIndexOf(2);
	return { plain: plain.subarray(0, end).toString() };
}

function vapid({ value }) {
	const [, token, key] = value.match(/^vapid t=([\w.-]+), k=([\w-]+)$/);
	const [head, claims, signature] = token.split(".");
	const point = text(key);
	const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
	const good = crypto.verify(
		"sha256",
		Buffer.from(`${head}.${claims}`),
		{ key: crypto.createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
		text(signature),
	);
	return { good, key, head: JSON.parse(text(head)), claims: JSON.parse(text(claims)) };
}

const commands = { keys, open, vapid };
for await (const line of readline.createInterface({ input: process.stdin })) {
	const { command, ...args } = JSON.parse(line);
	try {
		console.log(JSON.stringify(commands[command](args)));
	} catch (e) {
		console.log(JSON.stringify({ error: String(e) }));
	}
}
