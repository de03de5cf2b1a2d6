/** The installation that is measured. */
export const operatorNamespace = "streamfleet-system";
export const clusterId = "bench";
