import { FORMATS, type FormatName } from '../config/outputSettings.ts';
import type { Device } from '../device/device.ts';
import { toAsim } from './asim.ts';
import { toEcs } from './ecs.ts';
import type { ProjectedObject } from './fields.ts';
import { toOcsf } from './ocsf.ts';
import { toSentinel } from './sentinel.ts';

/** A device in the words of the standards that were asked for. */
export type Projections = { [Format in FormatName]?: ProjectedObject };

const PROJECTIONS: Readonly<Record<FormatName, (device: Device, at: Date) => ProjectedObject>> = {
  ocsf: toOcsf,
  ecs: toEcs,
  asim: toAsim,
  sentinel: toSentinel,
};

/**
 * Projects a device to the given standards. Pure; never throws. Nothing in a projection is null, undefined, or an empty list
 * or object.
 * @param at When the source was asked.
 * @example project(device, ['sentinel'], at) // { sentinel: { Type: 'host', HostName: 'ws-0042', ... } }
 */
export function project(device: Device, formats: readonly FormatName[], at: Date): Projections {
  const chosen = FORMATS.filter((format) => formats.includes(format));
  return Object.fromEntries(chosen.map((format) => [format, PROJECTIONS[format](device, at)]));
}
