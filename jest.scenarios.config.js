import base from "./jest.config.js";

/** The whole product at length: each call of a launch and of a deletion is crashed at, hours of load, two leaders, thousands of nodes. */
export default {
  ...base,
  roots: ["<rootDir>/test/scenarios/full"],
  testPathIgnorePatterns: ["/node_modules/"],
};
