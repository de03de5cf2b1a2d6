import base from "./jest.config.js";

/** The tests against a real control plane: one for the whole run, so one test file after the other. */
export default {
  ...base,
  roots: ["<rootDir>/test/cluster"],
  testMatch: ["<rootDir>/test/cluster/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/test/cluster/global-setup.ts",
  globalTeardown: "<rootDir>/test/cluster/global-teardown.ts",
  maxWorkers: 1,
  testTimeout: 180_000,
};
