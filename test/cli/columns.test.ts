import { describe, expect, it } from "@jest/globals";
import { columns } from "../../cli/columns.ts";

describe("columns", () => {
  it("are as wide as their widest word, without spaces at the ends of lines", () => {
    const rows = [
      ["A", "LONG HEAD", "LAST"],
      ["wide word", "b", ""],
    ];
    expect(columns(rows)).toBe("A          LONG HEAD  LAST\nwide word  b");
    expect(columns([])).toBe("");
  });
});
