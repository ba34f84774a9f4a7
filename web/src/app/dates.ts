// Times as people say them: the hour today, the weekday this week, the day this year.
import { language } from "../i18n/index.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/** The reader's own kind of the language, so that an English clock has the hours that are usual there. */
function locale(): string {
	return globalThis.navigator?.languages?.find((l) => l.split("-")[0] === language()) ?? language();
}

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = language() + JSON.stringify(options);
	let f = formats.get(key);
	if (!f)
		formats.set(key, f = new Intl.DateTimeFormat(locale(), options));
	return f;
}

const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();

export function shortDate(iso: string, now = new Date()): string {
	const d = new Date(iso);
	const days = Math.round((midnight(now) - midnight(d)) / 86_400_000);
	if (days === 0)
		return formatter({ hour: "numeric", minute: "2-digit" }).format(d);
	if (days > 0 && days < 7)
		return formatter({ weekday: "short" }).format(d);
	if (d.getFullYear() === now.getFullYear())
		return formatter({ day: "numeric", month: "short" }).format(d);
	return formatter({ day: "numeric", month: "short", year: "numeric" }).format(d);
}

export function longDate(iso: string | number): string {
	return formatter({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit" }).format(new Date(iso));
}

/** Nothing is left to guess, wherever and whenever it is read. */
export function fullDate(iso: string | number): string {
	return formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" }).format(new Date(iso));
}

/** A time to come: the weekday this week, the day later, and the hour. */
export function dueDate(iso: string, now = new Date()): string {
	const d = new Date(iso);
	const days = Math.round((midnight(d) - midnight(now)) / 86_400_000);
	const day: Intl.DateTimeFormatOptions = days === 0 ? {} : days > 0 && days < 7 ? { weekday: "short" } : { day: "numeric", month: "short" };
	return formatter({ ...day, hour: "numeric", minute: "2-digit" }).format(d);
}

/** Which of two texts an end needs, in seconds since 1970. */
export const endKey = (seconds: number) => (seconds * 1000 < Date.now() ? "endedOn" : "endsOn");

export function dayDate(iso: string | number): string {
	return formatter({ day: "numeric", month: "short", year: "numeric" }).format(new Date(iso));
}

export function fileSize(bytes: number): string {
	const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
	let n = bytes, unit = 0;
	while (n >= 1000 && unit < 3)
		n /= 1000, unit++;
	return new Intl.NumberFormat(language(), {
		style: "unit", unit: units[unit] as string, unitDisplay: unit ? "short" : "long", maximumFractionDigits: n < 10 && unit ? 1 : 0,
	}).format(n);
}
