import fc from 'fast-check';
import { marked, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import type { Device } from '#shared/device/device.ts';
import { deviceSummary, failureSummary, type Summary } from '#shared/summary/summary.ts';
import { hostileTexts } from './hostileTexts.ts';
import { deviceId, deviceOf, deviceSaying } from './machines.ts';

const page = `https://security.microsoft.com/machines/${deviceId}`;

const fullMachine = {
  computerDnsName: 'FIN-SRV01.contoso.com',
  osPlatform: 'WindowsServer2022',
  version: '21H2',
  osProcessor: 'x64',
  osArchitecture: '64-bit',
  riskScore: 'High',
  exposureLevel: 'Medium',
  deviceValue: 'High',
  healthStatus: 'Active',
  onboardingStatus: 'Onboarded',
  lastSeen: '2026-11-23T09:00:00Z',
  rbacGroupId: 140,
  rbacGroupName: 'Finance servers',
  machineTags: ['tier-0', 'owner: finance'],
  lastIpAddress: '10.0.0.4',
  lastExternalIpAddress: '203.0.113.9',
  vmMetadata: {
    vmId: 'vm-1',
    cloudProvider: 'Azure',
    resourceId: '/subscriptions/s/vm-1',
    subscriptionId: 's',
  },
};

test('the summary says what an analyst wants to know, what stands out first', () => {
  const { markdown, html } = deviceSummary(deviceOf(fullMachine));
  expect(markdown).toMatchInlineSnapshot(`
    "**FIN\\-SRV01\\.contoso\\.com**

    - **Risk level: High**
    - Exposure level: Medium
    - **Device value: High**
    - Onboarding: Onboarded
    - Sensor health: Active
    - Last seen: 2026\\-11\\-23 09\\:00 UTC, 3 hours before this look\\-up
    - OS: Windows Server 2022 21H2 x86\\_64
    - Device group: Finance servers
    - Tags: tier\\-0, owner\\: finance
    - IP addresses: 10\\.0\\.0\\.4
    - External IP address: 203\\.0\\.113\\.9 \\(may be shared\\)
    - Cloud: azure vm\\-1
    - Cloud resource: /subscriptions/s/vm\\-1
    - Device ID: 1e5bc9d7e413ddd7902c2932e418702b84d0cc07

    [Open in the Defender portal](https://security.microsoft.com/machines/1e5bc9d7e413ddd7902c2932e418702b84d0cc07)"
  `);
  expect(html).toMatchInlineSnapshot(
    `"<p><strong><bdi>FIN-SRV01.contoso.com</bdi></strong></p><ul><li><strong>Risk level: <bdi>High</bdi></strong></li><li>Exposure level: <bdi>Medium</bdi></li><li><strong>Device value: <bdi>High</bdi></strong></li><li>Onboarding: <bdi>Onboarded</bdi></li><li>Sensor health: <bdi>Active</bdi></li><li>Last seen: <bdi>2026-11-23 09:00 UTC, 3 hours before this look-up</bdi></li><li>OS: <bdi>Windows Server 2022 21H2 x86_64</bdi></li><li>Device group: <bdi>Finance servers</bdi></li><li>Tags: <bdi>tier-0</bdi>, <bdi>owner: finance</bdi></li><li>IP addresses: <bdi>10.0.0.4</bdi></li><li>External IP address: <bdi>203.0.113.9 (may be shared)</bdi></li><li>Cloud: <bdi>azure vm-1</bdi></li><li>Cloud resource: <bdi>/subscriptions/s/vm-1</bdi></li><li>Device ID: <bdi>1e5bc9d7e413ddd7902c2932e418702b84d0cc07</bdi></li></ul><p><a href="https://security.microsoft.com/machines/1e5bc9d7e413ddd7902c2932e418702b84d0cc07">Open in the Defender portal</a></p>"`,
  );
});

describe('what stands out', () => {
  test.each([
    [{ riskScore: 'High' }, 'Risk level: High'],
    [{ exposureLevel: 'High' }, 'Exposure level: High'],
    [{ deviceValue: 'High' }, 'Device value: High'],
    [{ onboardingStatus: 'CanBeOnboarded' }, 'Onboarding: Can be onboarded'],
    [{ onboardingStatus: 'Retired' }, 'Onboarding: Retired'],
    [{ healthStatus: 'NoSensorData' }, 'Sensor health: No sensor data'],
    [{ lastSeen: '2026-11-16T11:59:59Z' }, 'Last seen: 2026-11-16 11:59 UTC, 7 days before this look-up'],
    [{ isExcluded: true }, 'Excluded: from vulnerability management'],
    [
      { isExcluded: true, exclusionReason: 'Duplicate' },
      'Excluded: from vulnerability management (Duplicate)',
    ],
    [{ isPotentialDuplication: true }, 'Possible duplicate: of another record'],
    [{ mergedIntoMachineId: 'abc' }, 'Merged into: abc: act on that record'],
  ])('of a device with %j', (properties, text) => {
    expect(standingOut(deviceOf(properties))).toEqual([text]);
  });

  test('is nothing on a device in good order, or of which nothing is known', () => {
    const inOrder = {
      riskScore: 'Low',
      exposureLevel: 'Low',
      deviceValue: 'Normal',
      onboardingStatus: 'Onboarded',
      healthStatus: 'Active',
      lastSeen: '2026-11-16T12:00:00Z',
      isExcluded: false,
      isPotentialDuplication: false,
    };
    expect(standingOut(deviceOf(inOrder))).toEqual([]);
    expect(standingOut(deviceOf())).toEqual([]);
  });

  test('comes with the merged record first, then what Defender thinks of the device', () => {
    const { markdown } = deviceSummary(deviceSaying('High'));
    expect([...markdown.matchAll(/^- \*{0,2}([\w ]+):/gm)].slice(0, 9).map(([, label]) => label)).toEqual([
      'Merged into',
      'Risk level',
      'Exposure level',
      'Device value',
      'Onboarding',
      'Sensor health',
      'Last seen',
      'Excluded',
      'Possible duplicate',
    ]);
  });
});

test.each([
  ['WindowsServer2012R2', 'Windows Server 2012 R2'],
  ['Windows11', 'Windows 11'],
  ['macOS', 'macOS'],
  ['RedHatEnterpriseLinux', 'RedHatEnterpriseLinux'],
])('the platform %s is written as %s', (osPlatform, name) => {
  expect(deviceSummary(deviceOf({ osPlatform })).html).toContain(`<li>OS: <bdi>${name}</bdi></li>`);
});

test('what the source does not say has no line', () => {
  expect(deviceSummary(deviceOf()).markdown).toBe(
    `**Device without a name**\n\n- Device ID: ${deviceId}\n\n[Open in the Defender portal](${page})`,
  );
});

test('tags and addresses beyond the first few are counted', () => {
  const { html } = deviceSummary(deviceSaying('x'));
  expect(html).toContain('<bdi>11 more</bdi>');
  expect(html).toContain('<bdi>14 more</bdi>');
});

describe('links', () => {
  test('lead to the device, and to the record that it was merged into', () => {
    const target = 'a'.repeat(40);
    const { html, markdown } = deviceSummary(deviceOf({ mergedIntoMachineId: target }));
    expect(linksOf(html)).toEqual([page, `https://security.microsoft.com/machines/${target}`]);
    expect(linksOf(marked.parse(markdown, { async: false }))).toEqual(linksOf(html));
  });

  test.each(['machine-1', `${deviceId}0`, `../${deviceId}`, `${deviceId}\n`, `${deviceId}"onclick="x`])(
    'are none for the ID %j that is no device ID',
    (id) => {
      const { html } = deviceSummary({ ...deviceOf(), id });
      expect(linksOf(html)).toEqual([]);
    },
  );
});

test('a submission without a device says why', () => {
  const { markdown, html } = failureSummary('not_found', 'da1_2', 'Defender knows no such alert.');
  expect(markdown).toBe(
    '**No device was found**\n\n- Alert: da1\\_2\n- Reason: Defender knows no such alert\\.',
  );
  expect(html).toBe(
    '<p><strong><bdi>No device was found</bdi></strong></p><ul><li>Alert: <bdi>da1_2</bdi></li>' +
      '<li>Reason: <bdi>Defender knows no such alert.</bdi></li></ul>',
  );
  expect(failureSummary('failed', 'da1_2', undefined).markdown).toContain('could not be looked up');
});

describe('hostile text', () => {
  test.each(hostileTexts)('%# acts in neither form: %.60j', (text) => {
    expectInert(deviceSummary(deviceSaying(text)));
    expectInert(failureSummary('failed', text, text));
  });

  test('of any kind acts in neither form', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(...hostileTexts.filter((text) => text.length < 100)),
        fc.constantFrom(...'\\`*_{}[]()#+-.!|~<>&$^=:@"\'\n\t 1a/'),
        fc.constantFrom('&lt;', '&#60;', '](', '://', 'http', 'www', '\u202E'),
        fc.string({ unit: 'binary', maxLength: 5 }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(pieces, (parts) => expectInert(deviceSummary(deviceSaying(parts.join(''))))),
      { numRuns: 300 },
    );
  });

  test('is shown in full when it is harmless in both forms', () => {
    const name = `R&D <lab> "7" it's_a*b [x] \\ 100% $5 ~c | ^d = {e} #f !g`;
    const { markdown, html } = deviceSummary(deviceOf({ computerDnsName: name }));
    expect(textOf(html)).toContain(name);
    expect(textOf(marked.parse(markdown, { async: false }))).toContain(name);
  });
});

/** Elements and attributes that our own text has, and nothing else; marked adds only what CommonMark says. */
function expectInert({ markdown, html }: Summary): void {
  const rendered = marked.parse(markdown, { async: false, gfm: true, breaks: true });
  for (const page of [html, rendered]) {
    expect([...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag).filter((tag) => !OUR_TAGS.test(tag))).toEqual(
      [],
    );
    expect(page.replaceAll(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
    expect(
      linksOf(page).filter(
        (url) => !/^https:\/\/security\.microsoft\.com\/machines\/[0-9a-f]{40}$/.test(url),
      ),
    ).toEqual([]);
    const text = textOf(page);
    expect(text).not.toMatch(/:\/\/(?!\])|www\.|@(?!\])|#\d/i);
    expect(text).not.toMatch(/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[^\P{Cc}\n]|\p{M}{3}/u);
  }
  expect(tokenKinds(marked.lexer(markdown)).filter((kind) => !OUR_TOKENS.has(kind))).toEqual([]);
  expect(rendered.split('<strong>').length).toBe(html.split('<strong>').length);
  expect(rendered.split('<li>').length).toBe(html.split('<li>').length);
  expect(Math.max(markdown.length, html.length)).toBeLessThan(30_000);
}

const OUR_TAGS = /^<\/?(?:p|strong|ul|li|a|bdi|br)(?: href="[^"<>]*")?>$/;
const OUR_TOKENS = new Set(['paragraph', 'strong', 'text', 'list', 'list_item', 'link', 'escape', 'space']);

function tokenKinds(tokens: Token[]): string[] {
  return tokens.flatMap((token) => [
    token.type,
    ...tokenKinds('items' in token ? token.items : 'tokens' in token ? (token.tokens ?? []) : []),
  ]);
}

/** The lines of a card that are written bold, as their text. */
function standingOut(device: Device): string[] {
  const { html } = deviceSummary(device);
  return [...html.matchAll(/<li><strong>(.*?)<\/strong><\/li>/g)].map(([, line = '']) => textOf(line));
}

function linksOf(html: string): string[] {
  return [...html.matchAll(/href="([^"]*)"/g)].map(([, url = '']) => url);
}

function textOf(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
