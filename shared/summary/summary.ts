import * as z from 'zod';
import type { Device } from '../device/device.ts';
import { deviceContent } from './deviceSummary.ts';
import { type Content, htmlOf, markdownOf } from './renderers.ts';

/**
 * A short text for people, once as Markdown and once as HTML. Each is at most 30,000 characters long, which is what a
 * comment of a Microsoft Sentinel incident holds (https://learn.microsoft.com/azure/sentinel/investigate-incidents).
 */
export const summarySchema = z
  .strictObject({
    markdown: z.string().describe('As Markdown; no text of the device acts as Markdown or HTML in it.'),
    html: z.string().describe('As an HTML fragment; no text of the device acts as HTML in it.'),
  })
  .describe('What a person needs to know first, to be put into an incident comment.');
export type Summary = z.infer<typeof summarySchema>;

/**
 * Sums a device up. Pure; never throws. The device's texts come from its users and are treated as hostile.
 * @example
 * deviceSummary(device).markdown.split('\n', 1) // ['**ws\\-0042\\.corp\\.example**']
 */
export function deviceSummary(device: Device): Summary {
  return written(deviceContent(device));
}

/** Says that there is no device to sum up, and why. */
export function failureSummary(outcome: string, alertId: string, reason: string | undefined): Summary {
  return written({
    title: outcome === 'not_found' ? 'No device was found' : 'The device could not be looked up',
    lines: [
      { label: 'Alert', values: [alertId], standsOut: false },
      { label: 'Reason', values: [reason ?? 'unknown'], standsOut: false },
    ],
    links: [],
  });
}

/** A card about an alert that says something else than how its device is. */
export function noticeSummary(title: string, facts: { label: string; value: string }[]): Summary {
  return written({
    title,
    lines: facts.map(({ label, value }) => ({ label, values: [value], standsOut: false })),
    links: [],
  });
}

function written(content: Content): Summary {
  return { markdown: markdownOf(content), html: htmlOf(content) };
}
