/** Jest 30 in ESM mode; swc strips the types, so tests run the same sources as `node main.ts`. */
export default {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/test/cluster/", "<rootDir>/test/scenarios/full/"],
  reporters: ["default", "<rootDir>/test/support/file-times.js"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2024" },
        module: { type: "es6" },
        sourceMaps: "inline",
      },
    ],
  },
  // A bound on what hangs, not on what is slow: some step through hundreds of crashes, on machines that are busy.
  testTimeout: 180_000,
  // Most tests wait for a database or for the garbage collector of a virtual fleet: one worker for each core.
  maxWorkers: "100%",
};
