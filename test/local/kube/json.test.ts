import { expect, it } from "@jest/globals";
import { quoted } from "../../../local/kube/json.ts";

/** As Go's `strconv.Quote` has them. */
it.each([
  ["plain", `"plain"`],
  [`say "x"`, String.raw`"say \"x\""`],
  [String.raw`a\u001b`, String.raw`"a\\u001b"`],
  ["\u0007\b\f\n\r\t\v", String.raw`"\a\b\f\n\r\t\v"`],
  ["\u0000\u001b[2J\u007f", String.raw`"\x00\x1b[2J\x7f"`],
  ["\u009b\u202e\u00a0\u2028", String.raw`"\u009b\u202e\u00a0\u2028"`],
  ["\u{e0041}\u{1f600}é", String.raw`"\U000e0041😀é"`],
])("is quoted as the real server does it: %j", (text, expected) => {
  expect(quoted(text)).toBe(expected);
});
