/** A call to a cloud that has ended, as it is measured. */
import type { PlatformName } from "../../crds/names.ts";
import type { PlatformErrorKind } from "./platform-error.ts";

export type PlatformMethod = "launch" | "terminate" | "read" | "readMany" | "list" | "updateTags";

/** How a call ended. One that threw, a defect of its driver, is `Unavailable`: its outcome is not known. */
export type PlatformOutcome = "ok" | PlatformErrorKind;

export interface PlatformCall {
  readonly platform: PlatformName;
  readonly method: PlatformMethod;
  readonly outcome: PlatformOutcome;
  readonly seconds: number;
}
