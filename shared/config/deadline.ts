/**
 * How long one run of a function may take before it aborts its own work. Well below `functionTimeout` in host.json,
 * so that a slow alert ends as a deferral and not with the host killing the worker.
 */
export const FUNCTION_DEADLINE_MS = 120_000;

/** The same for a pass of the poller: the last page that it begins in time may take a while longer. */
export const POLL_DEADLINE_MS = 300_000;
