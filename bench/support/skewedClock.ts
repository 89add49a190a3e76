/**
 * Preloaded into a host to make its clock wrong: `BENCH_CLOCK_AHEAD_MS` milliseconds ahead. Only the time of day is
 * bent; timers run as ever.
 */
const ahead = Number(process.env.BENCH_CLOCK_AHEAD_MS ?? 0);
const RealDate = Date;
const now = RealDate.now.bind(RealDate);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parts) =>
    parts.length === 0 ? new target(now() + ahead) : Reflect.construct(target, parts),
  get: (target, property) => (property === 'now' ? () => now() + ahead : Reflect.get(target, property)),
});
