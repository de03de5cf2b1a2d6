/** After the last test: ends what the setup started. */
import { stopServices } from "./services.ts";

export { stopServices as default };
