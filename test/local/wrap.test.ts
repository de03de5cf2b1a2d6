import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fitted, wrapped } from "../../local/wrap.ts";

describe("wrapped text", () => {
  it("is broken between words, with later lines indented", () => {
    expect(wrapped("edge       eu-west-1  Hold: all is well here", 24, 11)).toEqual([
      "edge       eu-west-1",
      "           Hold: all is",
      "           well here",
    ]);
    expect(wrapped("  0.1 s  short", 80, 9)).toEqual(["  0.1 s  short"]);
  });

  it("has every word, in order, on lines that fit, whatever the width", () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1 }),
        fc.integer({ min: 14, max: 90 }),
        fc.nat(40),
        (words, columns, indent) => {
          const lines = wrapped(words.join(" "), columns, indent);
          expect(lines.flatMap((line) => line.trim().split(" "))).toEqual(words);
          expect(lines.every((line) => line.length <= columns)).toBe(true);
        },
      ),
    );
  });

  it("breaks a word that is too long, and survives screens that are too narrow", () => {
    expect(wrapped("abcdefgh", 3)).toEqual(["abc", "def", "gh"]);
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), (text, columns) => {
        expect(wrapped(text, columns, 11).length).toBeGreaterThan(0);
      }),
    );
  });

  it("counts letters that take two columns as such", () => {
    expect(wrapped("寿司 寿司 寿司", 9)).toEqual(["寿司 寿司", "寿司"]);
  });

  it("loses no letter of a text whose accents are characters of their own", () => {
    const text = "Café Café Café Café".normalize("NFD");
    expect(wrapped(text, 10)).toEqual(["Café Café", "Café Café"]);
  });

  it("has no control characters and no line ends of its own, whatever the text says", () => {
    expect(wrapped("one\ttwo\u001B[2Jthree\r\nfour", 80)).toEqual(["one two [2Jthree four"]);
  });

  it("keeps a command in backticks on one line where it fits one", () => {
    const text = "write it anew with `kubectl delete node x` now";
    expect(wrapped(text, 26)).toEqual(["write it anew with", "`kubectl delete node x`", "now"]);
    expect(wrapped(text, 12).join(" ")).toBe(text);
  });

  it("is indented as asked at eighty columns", () => {
    const lines = wrapped("word ".repeat(40), 80, 43);
    expect(lines[1]).toMatch(/^ {43}word/);
  });
});

describe("text for a terminal", () => {
  it("is wrapped there, and as it is in a file", () => {
    expect(fitted("one two three\nfour", { isTTY: true, columns: 9 })).toBe("one two\n  three\nfour");
    expect(fitted("one two three", { columns: 9 })).toBe("one two three");
    expect(fitted("one two three", { isTTY: true })).toBe("one two three");
  });
});
