/** Before the first test: builds the binaries, starts one control plane and one PostgreSQL for the whole run. */
import { startServices } from "./services.ts";

export { startServices as default };
