// Where the link under the pointer goes; shown at the foot of the page.
import { signal } from "@preact/signals";

export const linkTarget = signal("");
