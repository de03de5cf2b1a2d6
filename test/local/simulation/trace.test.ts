import { describe, expect, it } from "@jest/globals";
import { csvTrace, namedTrace, type Trace, TraceError, type TraceName } from "../../../local/simulation/trace.ts";

const size = { viewers: 1_000, publishers: 2 };
const viewersOf = (trace: Trace, seconds: readonly number[]): number[] => seconds.map((at) => trace.at(at).viewers);

describe("named traces", () => {
  it.each<[TraceName, readonly number[], readonly number[]]>([
    ["ramp", [0, 300, 600, 899, 1_050, 1_200, 9_999], [0, 500, 1_000, 1_000, 500, 0, 0]],
    [
      "flash-crowd",
      [-1, 0, 59, 60, 90, 120, 420, 450, 480, 1_680],
      [100, 100, 100, 100, 550, 1_000, 1_000, 525, 50, 50],
    ],
    ["square", [0, 299, 300, 599, 600, 900, 1_799], [100, 100, 1_000, 1_000, 100, 1_000, 1_000]],
    ["diurnal", [0, 3_600, 5_400, 72_000, 86_400], [350, 220, 180, 1_000, 350]],
  ])("%s has its documented shape", (name, seconds, viewers) => {
    expect(viewersOf(namedTrace(name, size), seconds)).toEqual(viewers);
    expect(namedTrace(name, size).at(0).publishers).toBe(2);
  });

  it.each<[TraceName, number]>([
    ["ramp", 1_200],
    ["flash-crowd", 1_680],
    ["square", 1_800],
    ["diurnal", 86_400],
  ])("%s lasts for %d s", (name, durationSeconds) => {
    expect(namedTrace(name, size).durationSeconds).toBe(durationSeconds);
  });
});

const read = (text: string): Trace => csvTrace(text, { file: "load.csv", publishers: 3 });

describe("a trace from a file", () => {
  it("is straight between its lines, and steps where a second comes twice", () => {
    const trace = read("\uFEFFseconds,viewers\r\n0,0\r\n\r\n10, 100\r\n10,500\r\n20,500\r\n");
    expect(viewersOf(trace, [0, 5, 9, 10, 15, 20, 99])).toEqual([0, 50, 90, 500, 500, 500, 500]);
    expect(trace).toMatchObject({ name: "load.csv", durationSeconds: 20 });
    expect(trace.at(1).publishers).toBe(3);
  });

  it("may say how many publishers there are", () => {
    expect(read("Seconds,Viewers,Publishers\n0,0,1\n10,0,5\n").at(5)).toEqual({ viewers: 0, publishers: 3 });
  });

  it.each([
    ["", "load.csv: the first line must be seconds,viewers or seconds,viewers,publishers"],
    ["0,1\n1,2\n", "load.csv:1: the first line must be seconds,viewers or seconds,viewers,publishers"],
    ["seconds,viewers\n", "load.csv: write at least two lines after the header, such as 0,100 and 60,500"],
    ["seconds,viewers\n0,1\n1\n", "load.csv:3: 1 values where the header has 2"],
    ["seconds,viewers\n0,1\n\n2,many\n", 'load.csv:4: viewers is "many", not a number from 0 to 10000000'],
    ["seconds,viewers\n0,1\n2,-5\n", 'load.csv:3: viewers is "-5", not a number from 0 to 10000000'],
    ["seconds,viewers\n0,1\n2,1e9\n", 'load.csv:3: viewers is "1e9", not a number from 0 to 10000000'],
    ["seconds,viewers\n0,1\n20,5\n10,5\n", "load.csv:4: second 10 comes after second 20"],
    ["seconds,viewers\n5,1\n20,5\n", "load.csv:2: the trace must begin at second 0"],
  ])("is refused with the line: %j", (text, message) => {
    expect(() => read(text)).toThrow(new TraceError(message));
  });
});
