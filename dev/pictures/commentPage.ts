import type { Device } from '#shared/device/device.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { deviceSummary } from '#shared/summary/summary.ts';
import { createFleet } from '../simulator/fleet/fleet.ts';

/** In which of its two looks the portal is shown. */
export type Scheme = 'light' | 'dark';

const LOOKED_UP = new Date('2026-11-23T12:00:00Z');

const COLORS: Record<Scheme, string> = {
  light: '--page:#ffffff;--card:#f5f5f5;--line:#d1d1d1;--text:#242424;--quiet:#616161;--link:#0f6cbd',
  dark: '--page:#1f1f1f;--card:#292929;--line:#474747;--text:#f0f0f0;--quiet:#adadad;--link:#479ef5',
};

/**
 * The card of a device of the simulator as it stands in the comments of an incident: the summary's own HTML, in a frame
 * that has nothing but what such a pane has.
 */
export function commentPage(scheme: Scheme): string {
  return `<!doctype html><meta charset="utf-8">
<style>
  :root { ${COLORS[scheme]}; color-scheme: ${scheme}; }
  body { margin: 0; padding: 16px; background: var(--page); color: var(--text); font: 15px/1.5 'Segoe UI', 'Liberation Sans', sans-serif; }
  header { display: flex; gap: 10px; align-items: center; margin-bottom: 10px; }
  .initials { width: 34px; height: 34px; border-radius: 50%; background: var(--link); color: var(--page); display: grid; place-items: center; font-weight: bold; }
  .quiet { color: var(--quiet); font-size: 13px; }
  main { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 2px 16px; overflow-wrap: anywhere; }
  ul { padding-left: 20px; margin: 8px 0; }
  p { margin: 10px 0; }
  a { color: var(--link); }
</style>
<header><span class="initials">ie</span><span>incident-enrichment<br><span class="quiet">${LOOKED_UP.toUTCString()}</span></span></header>
<main>${deviceSummary(deviceToShow()).html}</main>`;
}

/** A device of the simulator about which there is something to say: a server of high risk and value, with tags. */
function deviceToShow(): Device {
  const { machines } = createFleet('1', 2000, LOOKED_UP.getTime());
  const device = machines
    .map((machine) => normalizeMachine(machine, LOOKED_UP))
    .find(
      ({ type, os, risk, tags, deviceValue, cloud }) =>
        type === 'server' &&
        os.family === 'windows' &&
        risk.value === 'High' &&
        deviceValue.value === 'High' &&
        tags.length > 1 &&
        cloud === null,
    );
  if (device === undefined) {
    throw new Error('No server of the simulator has a high risk, a high value and tags.');
  }
  return device;
}
