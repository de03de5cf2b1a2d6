import { memoryHistory } from "../../prisma/memory-history.ts";
import { describeHistory } from "../conformance/history.ts";

describeHistory(() => Promise.resolve({ history: memoryHistory(), close: () => Promise.resolve() }));
