/** How many there are to be in a crowd, and what it acts with. */
import type { Clock } from "../../domain/ports.ts";
import { type LookUp, type MediaDoor } from "./session-ports.ts";
export interface Audience {
  readonly viewers: number;
  readonly publishers: number;
}

export interface CrowdOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly lookUp: LookUp;
  readonly media: MediaDoor;
  /**
   * How long (s) a viewer watches on average, from half to one and a half of it; then it leaves, and somebody else comes.
   * Absent: until the target falls. Nodes that drain wait for their viewers, so where nobody leaves none ends.
   */
  readonly staySeconds?: number;
  /** What the ids of this crowd's sessions begin with. */
  readonly client: string;
}
