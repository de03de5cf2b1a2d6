import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { readEndpoints, writeEndpoints } from "../../local/endpoints.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;
beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => scratch.remove());

const endpoints = { apiUrl: "http://127.0.0.1:8080", mediaUrl: "http://127.0.0.1:8082" };

it("are read as they were written, also over older ones", () => {
  const path = join(scratch.path, "endpoints.json");
  writeEndpoints(path, { ...endpoints, apiUrl: "http://127.0.0.1:1" });
  writeEndpoints(path, endpoints);
  expect(readEndpoints(path)).toEqual(endpoints);
});

it("are not known where there is no file, or one that holds something else", () => {
  const path = join(scratch.path, "endpoints.json");
  expect(readEndpoints(path)).toBeUndefined();
  for (const text of ["", "{", "{}", '{"apiUrl":"x","mediaUrl":"y"}']) {
    writeFileSync(path, text);
    expect(readEndpoints(path)).toBeUndefined();
  }
});

it("say which file cannot be written", () => {
  expect(() => writeEndpoints(join(scratch.path, "none", "endpoints.json"), endpoints)).toThrow("endpoints.json");
});
