/** What the help of a command says of its environment. */
import { type CommandName, settingsOf } from "../runtime/config-variables.ts";
import { wrapped } from "../local/wrap.ts";

const columns = 80;
const indent = 6;

/** The settings that a command reads, each with its meaning. */
export function settingsHelp(command: CommandName): string {
  const lines = settingsOf(command).flatMap(({ name, meaning, required, fallback }) => {
    const note = required ? " (required)" : fallback === undefined ? "" : ` (default: ${fallback})`;
    return [`  ${name}${note}`, ...wrapped(`${" ".repeat(indent)}${meaning}`, columns, indent)];
  });
  return ["", "Environment:", ...lines].join("\n");
}
