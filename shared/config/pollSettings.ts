import * as z from 'zod';
import { parseNcrontab } from './ncrontab.ts';
import { optional, parsedBy } from './setting.ts';

/** https://learn.microsoft.com/defender-endpoint/api/alerts#properties */
const SEVERITIES = ['UnSpecified', 'Informational', 'Low', 'Medium', 'High'];
const STATUSES = ['Unknown', 'New', 'InProgress', 'Resolved'];
const LONGEST_NAME = 100;

/** The settings of the poller, which finds new alerts by itself. */
export const pollSettings = z.object({
  ALERT_POLL_SCHEDULE: optional(parsedBy(parseNcrontab), {
    what: 'When to look for new alerts in Defender and submit them, in UTC; never when left out. Needs the role `Alert.Read.All`.',
    allowed:
      'an NCRONTAB expression of six fields (second, minute, hour, day, month, day of the week), such as `0 */5 * * * *`',
  }),
  ALERT_POLL_SEVERITIES: optional(
    parsedBy((text) => parseWords(text, SEVERITIES)),
    {
      what: 'Severities of the alerts that the poller submits; all when left out.',
      allowed: allowedWords(SEVERITIES),
      words: SEVERITIES,
    },
  ),
  ALERT_POLL_STATUSES: optional(
    parsedBy((text) => parseWords(text, STATUSES)),
    {
      what: 'Statuses of the alerts that the poller submits, as they are when it first sees the alert or a later update of it; all when left out.',
      allowed: allowedWords(STATUSES),
      words: STATUSES,
    },
  ),
  ALERT_POLL_DETECTION_SOURCES: optional(parsedBy(parseNames), {
    what: 'Detection sources of the alerts that the poller submits, such as `WindowsDefenderAtp`; all when left out.',
    allowed: `names of up to ${LONGEST_NAME} characters with commas between; upper and lower case are the same`,
  }),
});

export const pollSchema = pollSettings.transform((settings) => ({
  polling: {
    /** Undefined while the poller is off. */
    schedule: settings.ALERT_POLL_SCHEDULE,
    filter: {
      severities: settings.ALERT_POLL_SEVERITIES ?? [],
      statuses: settings.ALERT_POLL_STATUSES ?? [],
      detectionSources: settings.ALERT_POLL_DETECTION_SOURCES ?? [],
    },
  },
}));

function parseWords(text: string, words: readonly string[]): string[] | undefined {
  const chosen = text
    .split(',')
    .map((part) => words.find((word) => word.toLowerCase() === part.trim().toLowerCase()));
  return chosen.every((word) => word !== undefined) ? chosen : undefined;
}

function parseNames(text: string): string[] | undefined {
  const names = text.split(',').map((part) => part.trim());
  return names.every((name) => name !== '' && name.length <= LONGEST_NAME) ? names : undefined;
}

function allowedWords(words: readonly string[]): string {
  return `${words.map((word) => `\`${word}\``).join(', ')}, several with commas between; upper and lower case are the same`;
}
