// The check value of zip files (ISO 3309), four bytes at a step.

const tables: Uint32Array[] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];

for (let n = 0; n < 256; n++) {
	let c = n;
	for (let k = 0; k < 8; k++)
		c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
	(tables[0] as Uint32Array)[n] = c >>> 0;
}
for (let n = 0; n < 256; n++)
	for (let t = 1; t < 4; t++) {
		const before = (tables[t - 1] as Uint32Array)[n] as number;
		(tables[t] as Uint32Array)[n] = ((tables[0] as Uint32Array)[before & 0xff] as number) ^ (before >>> 8);
	}

const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

/** Goes on from an earlier value; 0 to begin with. */
export function crc32(bytes: Uint8Array, before = 0): number {
	let c = ~before;
	let i = 0;
	for (const whole = bytes.length - 3; i < whole; i += 4) {
		c ^= (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24);
		c = (t3[c & 0xff] as number) ^ (t2[(c >>> 8) & 0xff] as number) ^ (t1[(c >>> 16) & 0xff] as number) ^ (t0[c >>> 24] as number);
	}
	for (; i < bytes.length; i++)
		c = (t0[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
	return ~c >>> 0;
}
