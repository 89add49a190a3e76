import { FORMATS, type FormatName } from '../config/outputSettings.ts';
import type { Device } from '../device/device.ts';
import { toAsim } from './asim.ts';
import { toEcs } from './ecs.ts';
import type { JsonObject } from './fields.ts';
import { toOcsf } from './ocsf.ts';
import { toSentinel } from './sentinel.ts';

/** A device in the words of the standards that were asked for. */
export type Projections = { [Format in FormatName]?: JsonObject };

const PROJECTIONS: Readonly<Record<FormatName, (device: Device, at: Date) => JsonObject>> = {
  ocsf: toOcsf,
  ecs: toEcs,
  asim: toAsim,
  sentinel: toSentinel,
};

/**
 * Projects a device to the given standards. Pure and total; nothing in the result is null, empty or undefined.
 * @param at When the source was asked.
 */
export function project(device: Device, formats: readonly FormatName[], at: Date): Projections {
  const chosen = FORMATS.filter((format) => formats.includes(format));
  return Object.fromEntries(chosen.map((format) => [format, PROJECTIONS[format](device, at)]));
}
