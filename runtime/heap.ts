/** How V8 weighs memory against time, for processes that live long and wait most of it. */
import { setFlagsFromString } from "node:v8";

/**
 * From here on garbage is collected when the heap has grown by a little, not when it has doubled or more: what does not live
 * long enough to be worth keeping, such as the reports of a large fleet, then takes a fraction of the room. The same as
 * starting Node with `--optimize-for-size` as far as it can be said once it runs; other options given to Node stay.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--optimize-for-size");
}
