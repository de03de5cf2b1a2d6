import { describe } from "@jest/globals";
import { MemoryCloudStore } from "../../../platforms/simulated/store.ts";
import { describeSimulatedCloudStore } from "../../conformance/simulated-cloud-store.ts";

describe("the store of a simulated cloud in memory", () => {
  describeSimulatedCloudStore(() => ({ store: new MemoryCloudStore(), close: () => undefined }));
});
