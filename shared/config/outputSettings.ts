import * as z from 'zod';
import { optional, parsedBy, withDefault } from './setting.ts';

/** The standards that a device can be projected to, by the names that the settings and messages use. */
export const FORMATS = ['ocsf', 'ecs', 'asim', 'sentinel'] as const;
export type FormatName = (typeof FORMATS)[number];

/** The settings of what travels in the enrichment message. */
export const messageSettings = z.object({
  ENRICHMENT_SUMMARY: withDefault(z.enum(['on', 'off']), {
    default: 'off',
    what: 'Whether each enrichment carries a `summary` for people, as Markdown and as HTML.',
    allowed: '`on`, `off`',
  }),
  ENRICHMENT_FORMATS: withDefault(parsedBy(parseFormats), {
    default: 'sentinel',
    what: 'Standards whose form of the device each enrichment carries, and its row, beside our own.',
    allowed: `${FORMATS.map((format) => `\`${format}\``).join(', ')}, several with commas between; \`none\` for none`,
  }),
  OUTPUT_ENVELOPE: withDefault(z.enum(['plain', 'cloudevents']), {
    default: 'plain',
    what: 'What the messages of the enrichments queue are: the enrichment itself, or a CloudEvent that carries it.',
    allowed: '`plain`, `cloudevents`',
  }),
  WEBSITE_SITE_NAME: optional(z.string(), {
    what: 'Name of the app, which Azure sets. The `source` of CloudEvents ends with it.',
    allowed: 'any text',
  }),
});

export const messageSchema = messageSettings.transform((settings) => ({
  message: { summary: settings.ENRICHMENT_SUMMARY === 'on', formats: settings.ENRICHMENT_FORMATS },
  output: { envelope: settings.OUTPUT_ENVELOPE, appName: settings.WEBSITE_SITE_NAME },
}));

function parseFormats(text: string): FormatName[] | undefined {
  if (text === 'none') {
    return [];
  }
  const names = text.split(',').map((part) => part.trim());
  const chosen = FORMATS.filter((format) => names.includes(format));
  return names.every((name) => chosen.some((format) => format === name)) ? chosen : undefined;
}
