import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSchedule } from '#dev/host/schedule.ts';
import { hasRunBetween, longestGapMs, parseNcrontab } from '#shared/config/ncrontab.ts';
import { problemsWith, settingsWith } from './problems.ts';

describe('the schedule of the poller', () => {
  test.each([
    '0 */5 * * * *',
    '*/1 * * * * *',
    '0 0 8-18/2 * * Mon-Fri',
    '0 0 8 * January-march Monday,WEDNESDAY',
    '30 0,15,30,45 * * jan,DEC 0',
    '0 0 0 1-31 1-12 0-6',
    '5/20 * * * * *',
  ])('may be %s', (schedule) => {
    expect(settingsWith({ ALERT_POLL_SCHEDULE: schedule }).polling.schedule).toBe(schedule);
  });

  test.each([
    '*/5 * * * *',
    '0 */5 * * * * *',
    '60 * * * * *',
    '0 0 24 * * *',
    '0 0 0 0 * *',
    '0 0 0 * 13 *',
    '0 0 0 * * 7',
    '0 0 0 * Monday *',
    '0 30-10 * * * *',
    '0 1-2-3 * * * *',
    '0 */0 * * * *',
    '0 , * * * *',
    '0 - * * * *',
    '00:05:00',
    'every minute',
    '%SCHEDULE%',
  ])('may not be %s', (schedule) => {
    expect(problemsWith({ ALERT_POLL_SCHEDULE: schedule })).toEqual({
      ALERT_POLL_SCHEDULE: expect.stringMatching(/^got .*; allowed: an NCRONTAB expression/),
    });
  });

  test('loses only spare blanks', () => {
    expect(parseNcrontab('  0  */5 * * *\t* ')).toBe('0 */5 * * * *');
  });

  test('is one that the host takes, whatever passes', () => {
    const part = fc.stringMatching(/^(\*|[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}|\*\/[0-9]{1,2}|mon|feb)$/);
    const text = fc.array(part, { minLength: 6, maxLength: 6 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(text, (schedule) => {
        if (parseNcrontab(schedule) === undefined) {
          return;
        }
        expect(() => parseSchedule(schedule)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the filters of the poller', () => {
  test('take known words in any case and order, and any detection sources', () => {
    const { filter } = settingsWith({
      ALERT_POLL_SEVERITIES: 'high, MEDIUM',
      ALERT_POLL_STATUSES: 'inprogress,New',
      ALERT_POLL_DETECTION_SOURCES: 'WindowsDefenderAtp, A new one',
    }).polling;
    expect(filter).toEqual({
      severities: ['High', 'Medium'],
      statuses: ['InProgress', 'New'],
      detectionSources: ['WindowsDefenderAtp', 'A new one'],
    });
  });

  test.each([
    ['ALERT_POLL_SEVERITIES', 'High,Mediun', 'Did you mean Medium?'],
    ['ALERT_POLL_SEVERITIES', 'Info', 'allowed: `UnSpecified`'],
    ['ALERT_POLL_STATUSES', 'In progress', 'Did you mean InProgress?'],
    ['ALERT_POLL_STATUSES', 'New,,Resolved', 'allowed: `Unknown`'],
    ['ALERT_POLL_DETECTION_SOURCES', 'WindowsDefenderAtp,', 'names of up to 100 characters'],
  ])('say of %s=%s: %s', (setting, value, message) => {
    expect(problemsWith({ [setting]: value })).toEqual({ [setting]: expect.stringContaining(message) });
  });

  test('are told from settings that do not exist', () => {
    expect(problemsWith({ ALERT_POLL_SEVERITY: 'High' })).toEqual({
      ALERT_POLL_SEVERITY: expect.stringContaining('did you mean ALERT_POLL_SEVERITIES?'),
    });
  });
});

describe('the longest gap of a schedule', () => {
  const from = new Date('2026-11-26T00:00:00Z');
  const HOUR = 3_600_000;
  test.each([
    ['0 */5 * * * *', HOUR / 12],
    ['30 0 * * * *', HOUR],
    ['0 0 8-18/2 * * Mon-Fri', 62 * HOUR],
    ['0 0 9 * * monday', 7 * 24 * HOUR],
    ['0 15,45 * * * *', HOUR / 2],
    ['0 0 0 1 * *', 31 * 24 * HOUR],
    ['0 0 0 1 1 *', 36 * 24 * HOUR],
  ])('of %j is found', (schedule, gapMs) => {
    expect(longestGapMs(schedule, from)).toBe(gapMs);
  });
});

describe('a schedule that another timer serves each minute', () => {
  test('has exactly the runs of its minutes, whatever the jitter of that timer', () => {
    const schedule = '30 */7 9,10 * * *';
    const start = Date.parse('2026-11-27T08:55:00Z');
    const runs: string[] = [];
    let last = new Date(start);
    for (let minute = 1; minute <= 130; minute += 1) {
      const jitterMs = ((minute * 7_919) % 400) - 200;
      const now = new Date(start + minute * 60_000 + jitterMs);
      if (hasRunBetween(schedule, last, now)) {
        runs.push(new Date(Math.round(now.getTime() / 60_000) * 60_000).toISOString().slice(11, 16));
      }
      last = now;
    }
    const minutes = ['00', '07', '14', '21', '28', '35', '42', '49', '56'];
    expect(runs).toEqual(['09', '10'].flatMap((hour) => minutes.map((minute) => `${hour}:${minute}`)));
  });
});
