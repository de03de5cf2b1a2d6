/** The ConfigMap `streamfleet-defaults`: what a manifest may leave out. A key that makes no sense is named and passed over. */
import { z } from "zod";
import { type Role, type ScaleOutMode, scaleOutModes } from "./names.ts";

export interface FleetDefaults {
  readonly scaleOutMode: ScaleOutMode;
  /** Percent of connections above which a role gets more nodes, where the policy names no alarms. */
  readonly scaleOutThreshold: Readonly<Record<Role, number>>;
  /** One sentence for each key that is passed over. */
  readonly problems: readonly string[];
}

const builtInMode: ScaleOutMode = "Competitive";
/** The original's. */
const builtInThreshold = 60;

const modeSchema = z.enum(scaleOutModes);
const thresholdSchema = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,2})?$/)
  .transform(Number)
  .refine((percent) => percent >= 1 && percent <= 100);

/** Reads the ConfigMap's `data`; absent: the built-in defaults. */
export function readDefaults(data: Readonly<Record<string, string>> | undefined): FleetDefaults {
  const problems: string[] = [];
  const read = <T extends string | number>(key: string, schema: z.ZodType<T>, builtIn: T, wanted: string): T => {
    const text = data?.[key];
    if (text === undefined) return builtIn;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    problems.push(`ConfigMap streamfleet-defaults: ${key} "${text}" is ${wanted}: ${builtIn} is used`);
    return builtIn;
  };
  const scaleOutMode = read("scaleOutMode", modeSchema, builtInMode, `none of ${scaleOutModes.join(", ")}`);
  const threshold = (role: Role) =>
    read(`scaleOutThreshold.${role}`, thresholdSchema, builtInThreshold, "no percentage from 1 to 100");
  const scaleOutThreshold = {
    origin: threshold("origin"),
    edge: threshold("edge"),
    relay: threshold("relay"),
    transcoder: threshold("transcoder"),
  };
  return { scaleOutMode, scaleOutThreshold, problems };
}
