/** The standards that a device can be projected to, by the names that the settings and messages use. */
export const FORMATS = ['ocsf', 'ecs', 'asim', 'sentinel'] as const;
export type FormatName = (typeof FORMATS)[number];
