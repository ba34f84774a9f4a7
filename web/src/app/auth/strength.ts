// How long a password withstands guessing, by what people really choose. Loaded only where one is chosen.
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary } from "@zxcvbn-ts/language-common";

export interface Strength {
	/** 0 to 4 */
	score: number;
	/** Decimal logarithm of the number of guesses. */
	guesses: number;
	enough: boolean;
}

const checker = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

// Somebody who has the server's secrets pays 64 MiB and three passes of Argon2id for each guess; with many
// graphics cards that is some ten thousand a second. Below a hundred days of that it is refused.
const guessesPerSecond = 1e4;
const steps = [8, 11, 12.5, 14.5];

export function strength(password: string, about: readonly string[]): Strength {
	// What is longer costs time to look at, and is strong anyway unless it repeats.
	const { guessesLog10 } = checker.check(password.slice(0, 100), [...about]);
	const score = steps.filter((s) => guessesLog10 >= s).length;
	return { score, guesses: guessesLog10, enough: score >= 2 };
}

/** Seconds for half of the guesses. */
export function secondsToGuess(guesses: number): number {
	return 10 ** guesses / 2 / guessesPerSecond;
}
