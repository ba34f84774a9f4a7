// A password that can be read out on the telephone: four groups of what is not mistaken for something else.
import { random } from "../../keys/bytes";

const signs = "abcdefghjkmnpqrstvwxyz23456789";
const even = 256 - (256 % signs.length); // bytes from here on would favour some signs

export function suggestion(): string {
	const bytes = [...random(64)].filter((b) => b < even).slice(0, 16);
	return bytes.map((b) => signs[b % signs.length] ?? "").join("").replace(/.{4}(?=.)/g, "$&-");
}
