// The table of countries: in which country a network address is used, roughly. Made from public data
// that comes as a package, so that neither the server nor the page asks anybody for it. src/roles/places.h
// has the format.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const source = "node_modules/@ip-location-db/geo-whois-asn-country";

// Ranges of "first,last,country" in decimal numbers, ascending. What lies between two of them is unknown,
// and neighbours of one country become one. Only the first `bits` of an address count.
export function starts(csv, length, bits) {
	const shift = BigInt(length - bits);
	const out = [];
	const add = (start, country) => {
		while (out.length > 0 && out[out.length - 1].start >= start)
			out.pop();
		if (out[out.length - 1]?.country !== country)
			out.push({ start, country });
	};
	for (const line of csv.split("\n")) {
		const [from, to, country] = line.trim().split(",");
		if (!country)
			continue;
		if (!/^[A-Z]{2}$/.test(country))
			throw new Error(`no country: ${line}`);
		add(BigInt(from) >> shift, country);
		const end = (BigInt(to) >> shift) + 1n;
		if (end < 1n << BigInt(bits))
			add(end, "");
	}
	return out;
}

function table(ranges, bits) {
	const step = bits / 8 + 2;
	const out = Buffer.alloc(ranges.length * step);
	ranges.forEach(({ start, country }, i) => {
		if (bits === 32)
			out.writeUInt32BE(Number(start), i * step);
		else
			out.writeBigUInt64BE(start, i * step);
		out.write(country, i * step + bits / 8, "latin1");
	});
	return out;
}

export function encode(v4, v6) {
	const head = Buffer.alloc(16);
	head.write("LLPLACE1", "latin1");
	head.writeUInt32BE(v4.length, 8);
	head.writeUInt32BE(v6.length, 12);
	return Buffer.concat([head, table(v4, 32), table(v6, 64)]);
}

export function placesFile(root) {
	const read = (version) => readFileSync(join(root, source, `geo-whois-asn-country-${version}-num.csv`), "utf8");
	return encode(starts(read("ipv4"), 32, 32), starts(read("ipv6"), 128, 64));
}
