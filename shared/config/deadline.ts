/**
 * How long one run of a function may take before it aborts its own work. Well below `functionTimeout` in host.json,
 * so that a slow alert ends as a deferral and not with the host killing the worker.
 */
export const FUNCTION_DEADLINE_MS = 120_000;
