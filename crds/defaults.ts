/** The ConfigMap `streamfleet-defaults`: what a manifest may leave out. A key that makes no sense is named and passed over. */
import { z } from "zod";
import { type ScaleOutMode, scaleOutModes } from "./names.ts";

export interface FleetDefaults {
  readonly scaleOutMode: ScaleOutMode;
  /** One sentence for each key that is passed over. */
  readonly problems: readonly string[];
}

const modeSchema = z.enum(scaleOutModes);
const builtInMode: ScaleOutMode = "Competitive";

/** Reads the ConfigMap's `data`; absent: the built-in defaults. */
export function readDefaults(data: Readonly<Record<string, string>> | undefined): FleetDefaults {
  const text = data?.["scaleOutMode"];
  if (text === undefined) return { scaleOutMode: builtInMode, problems: [] };
  const parsed = modeSchema.safeParse(text);
  if (parsed.success) return { scaleOutMode: parsed.data, problems: [] };
  const problem = `ConfigMap streamfleet-defaults: scaleOutMode "${text}" is none of ${scaleOutModes.join(", ")}: ${builtInMode} is used`;
  return { scaleOutMode: builtInMode, problems: [problem] };
}
