// An encrypted and signed conversation between the two people of the demonstration. The client's own code makes
// their keys and letters; who signs in afterwards finds them as if both had written in the page.
//
//	node web/demo/run.mjs FOLDER HTTPS-PORT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Https } from "./https";
import { Person } from "./person";

interface Step {
	by: "alice" | "bob";
	minutes: number; // ago
	text: string;
	file?: { name: string; type: string; text: string };
}

const SUBJECT = "The surprise for Marta";
const STEPS: Step[] = [
	{
		by: "alice", minutes: 11,
		text: "Hello Bob,\n\nMarta turns fifty on the 12th, and she must not hear of this, so I write to you encrypted.\n\nWe could give her the old dinghy, mended and painted. Are you in?\n\nAlice\n",
	},
	{
		by: "bob", minutes: 8,
		text: "What a good idea! I have two weekends and half a tin of blue paint.\n\nThe mast is the expensive part. I put together what we would need.\n\nBob\n",
		file: { name: "dinghy.csv", type: "text/csv", text: "what,euros\r\nmast,180\r\npaint,45\r\nsail cloth,120\r\nrope,25\r\n" },
	},
	{ by: "alice", minutes: 5, text: "370 euros is fine if Jonas and Leyla join. I will ask them in person, not by mail.\n\nCan we use your shed?\n\nAlice\n" },
	{ by: "bob", minutes: 2, text: "Yes, the key is where it always is. Saturday at nine?\n\nBob\n" },
];

const other = { alice: "bob", bob: "alice" } as const;
const html = (text: string) => `<!doctype html><html><body>${text.trim().split("\n\n").map((p) => `<p>${p}</p>`).join("")}</body></html>`;

async function makeConversation(people: Record<Step["by"], Person>): Promise<void> {
	const ids: string[] = [];
	for (const [i, step] of STEPS.entries()) {
		const [from, to] = [people[step.by], people[other[step.by]]];
		const date = new Date(Date.now() - step.minutes * 60_000);
		const messageId = `${crypto.randomUUID()}@${from.address.split("@")[1] ?? ""}`;
		const message = await from.write({
			from: { name: from.name, address: from.address }, to: [{ name: to.name, address: to.address }], cc: [],
			subject: i ? `Re: ${SUBJECT}` : SUBJECT, date, messageId, inReplyTo: ids.at(-1), references: [...ids],
			text: step.text, html: html(step.text),
			attachments: step.file ? [{ name: step.file.name, type: step.file.type, content: new TextEncoder().encode(step.file.text), contentId: undefined }] : [],
		});
		ids.push(messageId);
		await from.put(message, "sent", date, true);
		await to.put(message, "inbox", date, i < STEPS.length - 1);
	}
}

const [folder = "", port = ""] = process.argv.slice(2);
const ca = readFileSync(join(folder, "tls", "ca.pem"));
const accounts = readFileSync(join(folder, "accounts"), "utf8").trim().split("\n").map((line) => line.split(" "));
const names = { alice: "Alice Moreau", bob: "Bob Hansen" };

async function person(who: Step["by"]): Promise<Person> {
	const [address = "", , ...password] = accounts.find(([a]) => a?.startsWith(`${who}@`)) ?? [];
	const p = new Person(names[who], address, new Https(Number(port), ca));
	await p.signIn(password.join(" "));
	return p;
}

const people = { alice: await person("alice"), bob: await person("bob") };
const both = [people.alice, people.bob];
for (const p of both) await p.ensureKey();
await people.alice.compare(people.bob.address);
await people.bob.compare(people.alice.address);
await makeConversation(people);
for (const p of both) {
	await p.share();
	await p.signOut();
}
