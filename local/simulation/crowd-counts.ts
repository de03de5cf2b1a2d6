/** What is counted of a crowd. */

/** Since the crowd began, but for `watching`, `publishing` and `waiting`, which are now. */
export interface CrowdCounts {
  readonly watching: number;
  readonly publishing: number;
  /** Viewers without a node. */
  readonly waiting: number;
  /** Viewers who came. */
  readonly arrivals: number;
  readonly lookUps: number;
  /** Viewers who were told that there is no room, each once however often it tried. */
  readonly rejected: number;
  /** Those of them who left without having been served. */
  readonly gaveUp: number;
  /** The like of publishers, who never give up. */
  readonly rejectedPublishers: number;
  /** Rejections while a node in service had room; told by `see`. */
  readonly rejectedWithRoom: number;
  /** Further rejections while a slot had nobody on it, but a reservation of the last seconds. */
  readonly rejectedWhileReserved: number;
  /** Look-ups answered "too many", or not at all. */
  readonly postponed: number;
  /** Sessions that a node refused after the look-up had named it. */
  readonly refused: number;
  /** Sessions lost on a node that was draining, or whose machine the operator ended: viewers it cut. Told by `see`. */
  readonly cut: number;
  /** Sessions lost otherwise, such as with their machine. */
  readonly lost: number;
}

type Tally = {
  -readonly [
    K in Exclude<
      keyof CrowdCounts,
      "watching" | "publishing" | "waiting" | "rejectedWithRoom" | "rejectedWhileReserved" | "cut" | "lost"
    >
  ]: CrowdCounts[K];
};

export const nothingCounted: Tally = {
  arrivals: 0,
  lookUps: 0,
  rejected: 0,
  gaveUp: 0,
  rejectedPublishers: 0,
  postponed: 0,
  refused: 0,
};
