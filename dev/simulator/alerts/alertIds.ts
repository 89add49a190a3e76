import { digits, guid, integer, pick, type Random } from '../random.ts';

/** Every shape of alert ID that was seen in documentation or captures. */
const shapes = {
  ticks: (random) => `${ticks(random)}_${integer(random, 1, 2_147_483_647)}`,
  'da ticks': (random) => `da${ticks(random)}_${signedInteger(random)}`,
  'da ticks, long': (random) => `da${ticks(random)}_${integer(random, 1, 9)}${digits(random, 10)}`,
  'ar ticks': (random) => `ar${ticks(random)}_${integer(random, 1, 2_147_483_647)}`,
  'ed ticks': (random) => `ed${ticks(random)}_${signedInteger(random)}`,
  'ri ticks': (random) => `ri${ticks(random)}_-0${digits(random, 9)}`,
  'da GUID': (random) => `da${guid(random)}_1`,
  'bare GUID': (random) => `${guid(random)}_1`,
  'ca GUID': (random) => `ca${guid(random).toUpperCase()}`,
  'not hexadecimal': (random) => `fa${guid(random).replace(/^../, 'gj')}`,
} as const satisfies Record<string, (random: Random) => string>;

export type AlertIdShape = keyof typeof shapes;

export const alertIdShapes = Object.keys(shapes) as AlertIdShape[];

/** The shape of the alert with this number: each in turn, with the current one of the service in between. */
export function alertIdShapeAt(index: number): AlertIdShape {
  const shape = alertIdShapes[Math.floor(index / 2) % alertIdShapes.length];
  return index % 2 === 1 || shape === undefined ? 'da GUID' : shape;
}

export function createAlertId(shape: AlertIdShape, random: Random): string {
  return shapes[shape](random);
}

/** 18 digits: .NET ticks between 2017 and 2026. */
function ticks(random: Random): string {
  return `63${integer(random, 6, 9)}${digits(random, 15)}`;
}

function signedInteger(random: Random): string {
  return `${pick(random, ['', '-'])}${integer(random, 1, 2_147_483_647)}`;
}
