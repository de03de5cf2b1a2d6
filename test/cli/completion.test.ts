import { execFileSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { Argument, Command } from "commander";
import { completionScript } from "../../cli/completion.ts";

function program(): Command {
  const root = new Command("streamfleet");
  root.command("up").description("everything").option("--data-dir <folder>", "where").option("--bare", "no example");
  const cloud = root.command("simulated-cloud").description("the cloud's machines");
  cloud.command("list").description("all");
  cloud.command("kill <machine>").description("it's gone");
  root.command("explain").command("nodegroup <name>").alias("ng").option("--last <count>", "how many");
  root.command("completion").addArgument(new Argument("<shell>").choices(["bash", "fish"]));
  return root;
}

/** What bash offers after these words, the last of them being typed. */
function offered(...words: readonly string[]): readonly string[] {
  const list = ["streamfleet", ...words].map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _streamfleet; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync("bash", ["-c", `${completionScript(program(), "bash")}\n${ask}`], { encoding: "utf8" });
  return said.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it.each([
    [[""], ["up", "simulated-cloud", "explain", "completion", "--help"]],
    [["si"], ["simulated-cloud"]],
    [
      ["simulated-cloud", ""],
      ["list", "kill", "--help"],
    ],
    [["simulated-cloud", "kill", ""], ["--help"]],
    [["up", "--d"], ["--data-dir"]],
    [
      ["up", "--data-dir", "x", "--"],
      ["--data-dir", "--bare", "--help"],
    ],
    [["explain", "ng", "live", "--l"], ["--last"]],
    [
      ["completion", ""],
      ["bash", "fish", "--help"],
    ],
    [["nonsense", "u"], ["up"]],
    [["explain", "x"], []],
  ])("after %j offers %j", (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });
});

describe("completion in other shells", () => {
  it("is bash's in zsh, by its own means for that", () => {
    const script = completionScript(program(), "zsh");
    expect(script).toMatch(/^#compdef streamfleet\nautoload -U \+X bashcompinit && bashcompinit\n_streamfleet\(\) \{/);
  });

  it("describes commands and options in fish", () => {
    const lines = completionScript(program(), "fish").split("\n");
    expect(lines).toContain(
      `complete -c streamfleet -n "not __fish_seen_subcommand_from up simulated-cloud explain completion" -f -a up -d 'everything'`,
    );
    expect(lines).toContain(`complete -c streamfleet -n "__fish_seen_subcommand_from completion" -f -a fish`);
    expect(lines).toContain(`complete -c streamfleet -n "__fish_seen_subcommand_from up" -l data-dir -r -d 'where'`);
    expect(lines).toContain(
      `complete -c streamfleet -n "__fish_seen_subcommand_from simulated-cloud; and not __fish_seen_subcommand_from list kill" -f -a kill -d 'it\\'s gone'`,
    );
  });
});
