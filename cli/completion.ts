/** What a shell completes of our command line: scripts made from the program itself. Pure. */
import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A command with what may follow it. */
interface Place {
  /** Its words, the program's name left out: `["simulated-cloud", "list"]`. */
  readonly path: readonly string[];
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  /** What its arguments may be, where that is a list. */
  readonly choices: readonly string[];
  readonly options: readonly { readonly flag: string; readonly description: string; readonly takesValue: boolean }[];
}

/** The script that a shell is to source. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, []);
  if (shell === "fish") return fishScript(program.name(), places);
  const script = bashScript(program.name(), places);
  if (shell === "bash") return script;
  return `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

function placesOf(command: Command, path: readonly string[]): readonly Place[] {
  const options = command.options.flatMap(({ long, description, required, optional }) =>
    long === undefined ? [] : [{ flag: long, description, takesValue: required || optional }],
  );
  const help = { flag: "--help", description: "display help for command", takesValue: false };
  const commands = command.commands.flatMap((sub) =>
    [sub.name(), ...sub.aliases()].map((name) => ({ name, description: sub.description() })),
  );
  const below = command.commands.flatMap((sub) =>
    [sub.name(), ...sub.aliases()].flatMap((name) => placesOf(sub, [...path, name])),
  );
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [{ path, commands, choices, options: [...options, help] }, ...below];
}

/** Words that are no commands, and files where nothing fits, are left to the shell. */
function bashScript(name: string, places: readonly Place[]): string {
  const known = places.filter(({ path }) => path.length > 0).map(({ path }) => `/${path.join("/")}`);
  const cases = places.map(({ path, commands, choices, options }) => {
    const words = [...commands.map((command) => command.name), ...choices, ...options.map(({ flag }) => flag)];
    return `    "${path.map((word) => `/${word}`).join("")}") words="${words.join(" ")}" ;;`;
  });
  const own = `_${name.replaceAll("-", "_")}`;
  return [
    `${own}() {`,
    '  local cur="${COMP_WORDS[COMP_CWORD]}" path="" words="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$path/$word" in',
    `      ${known.join("|")}) path="$path/$word" ;;`,
    "    esac",
    "  done",
    '  case "$path" in',
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    "}",
    `complete -o default -F ${own} ${name}`,
    "",
  ].join("\n");
}

function fishScript(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, choices, options }) => {
    const here = fishCondition(path, commands);
    const subs = commands.map(
      (command) => `complete -c ${name} -n ${here} -f -a ${command.name} -d ${fishText(command.description)}`,
    );
    const flags = options.map(
      ({ flag, description, takesValue }) =>
        `complete -c ${name} -n ${here} -l ${flag.slice(2)}${takesValue ? " -r" : ""} -d ${fishText(description)}`,
    );
    const words = choices.map((choice) => `complete -c ${name} -n ${here} -f -a ${choice}`);
    return [...subs, ...words, ...flags];
  });
  return `${lines.join("\n")}\n`;
}

function fishCondition(path: readonly string[], commands: Place["commands"]): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const not =
    commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.map((sub) => sub.name).join(" ")}`];
  return `"${[...seen, ...not].join("; and ") || "true"}"`;
}

function fishText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
