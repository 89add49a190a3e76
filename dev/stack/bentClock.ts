/**
 * Preloaded into a host to make its clock wrong: `BENT_CLOCK_AHEAD_MS` milliseconds ahead, or behind where that is
 * negative. With `BENT_CLOCK_JUMPS_AFTER_MS` it is right at first and jumps so long after the start. Only the time of
 * day is bent; timers run as ever.
 */
const ahead = Number(process.env.BENT_CLOCK_AHEAD_MS ?? 0);
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
const jumpsAt = realNow() + Number(process.env.BENT_CLOCK_JUMPS_AFTER_MS ?? 0);

function now(): number {
  const time = realNow();
  return time < jumpsAt ? time : time + ahead;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parts) => (parts.length === 0 ? new target(now()) : Reflect.construct(target, parts)),
  get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
});
