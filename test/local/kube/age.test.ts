import { expect, it } from "@jest/globals";
import { shownAge } from "../../../local/kube/age.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

it.each([
  [-2 * second, "<invalid>"],
  [-500, "0s"],
  [0, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [2 * minute + 5 * second, "2m5s"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [8 * hour - minute, "7h59m"],
  [47 * hour, "47h"],
  [2 * day + hour, "2d1h"],
  [729 * day, "729d"],
  [731 * day, "2y1d"],
  [9 * 365 * day, "9y"],
])("shows %d ms as %s", (ms, shown) => {
  expect(shownAge(ms)).toBe(shown);
});
