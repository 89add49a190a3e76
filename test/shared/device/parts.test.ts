import { describe, expect, test } from 'vitest';
import { parseAddress, parseMac } from '#shared/device/addresses.ts';
import { levelOf, RISK_LEVELS } from '#shared/device/levels.ts';
import { hostNames } from '#shared/device/normalize.ts';
import { architectureOf } from '#shared/device/platform.ts';
import { ageInSeconds, parseTimestamp } from '#shared/device/times.ts';

describe('host names', () => {
  test.each([
    ['Desk-1', 'desk-1', null, null],
    ['Desk-1.Corp.Example.com', 'desk-1', 'desk-1.corp.example.com', 'corp.example.com'],
    ['desk-1.corp.example.com.', 'desk-1', 'desk-1.corp.example.com', 'corp.example.com'],
    ["J. Doe's iPhone", "j. doe's iphone", null, null],
    ['10.0.0.1', null, null, null],
    ['fe80::1', null, null, null],
    ['.', null, null, null],
    [null, null, null, null],
  ])('%s gives %s, %s and %s', (reported, hostname, fqdn, domain) => {
    expect(hostNames(reported, 'windows')).toEqual({ hostname, fqdn, domain });
  });

  test.each(['localhost', 'LOCALHOST.', 'localhost.localdomain'])('%s names every host, so none', (name) => {
    expect(hostNames(name, null)).toEqual({ hostname: null, fqdn: null, domain: null });
  });
});

describe('addresses', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3', 4, 'private'],
    ['172.16.0.1', '172.16.0.1', 4, 'private'],
    ['172.32.0.1', '172.32.0.1', 4, 'public'],
    ['8.8.8.8', '8.8.8.8', 4, 'public'],
    ['100.64.0.1', '100.64.0.1', 4, 'shared'],
    ['169.254.1.1', '169.254.1.1', 4, 'link-local'],
    ['127.3.2.1', '127.3.2.1', 4, 'loopback'],
    ['0.0.0.0', '0.0.0.0', 4, 'unspecified'],
    ['224.0.0.1', '224.0.0.1', 4, 'multicast'],
    ['255.255.255.255', '255.255.255.255', 4, 'broadcast'],
    ['192.0.2.1', '192.0.2.1', 4, 'reserved'],
    ['2606:4700::1', '2606:4700::1', 6, 'public'],
    ['FD00:0:0:0:0:0:0:1', 'fd00::1', 6, 'private'],
    ['fe80::1%12', 'fe80::1', 6, 'link-local'],
    ['::1', '::1', 6, 'loopback'],
    ['::', '::', 6, 'unspecified'],
    ['ff02::1', 'ff02::1', 6, 'multicast'],
    ['2001:db8::1', '2001:db8::1', 6, 'reserved'],
    ['::ffff:10.0.0.1', '10.0.0.1', 4, 'private'],
  ])('%s is %s of version %i and scope %s', (text, ip, version, scope) => {
    expect(parseAddress(text)).toEqual({ ip, version, scope });
  });

  test.each([
    '',
    '10.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '10.0.0.1/8',
    '10.0.0.1:80',
    '1'.repeat(100),
    'host',
    ':::',
    '256.1.1.1',
  ])('"%s" is no address', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test.each([
    ['000C2992a643', '00-0C-29-92-A6-43'],
    ['00:0c:29:92:a6:43', '00-0C-29-92-A6-43'],
    ['000c.2992.a643', '00-0C-29-92-A6-43'],
    ['000C2992A6', null],
    ['000C2992A64300E0', null],
    ['not a MAC', null],
  ])('MAC address %s is written as %s', (text, mac) => {
    expect(parseMac(text)).toBe(mac);
  });
});

describe('architecture', () => {
  test.each([
    ['x64', '64-bit', 'x86_64', 64],
    ['x64', null, 'x86_64', 64],
    ['x86', '32-bit', 'x86', 32],
    ['x86', null, 'x86', 32],
    ['x86', '64-bit', 'x86_64', 64],
    ['x64', '32-bit', 'x86', 32],
    ['ARM64', '64-bit', 'arm64', 64],
    ['ARM', '64-bit', 'arm64', 64],
    ['ARM', null, 'arm', 32],
    [null, '64-bit', null, 64],
    ['mips', '64-bit', null, 64],
    [null, '128-bit', null, null],
    [null, null, null, null],
  ])('processor %s with %s is %s of %s bits', (processor, width, architecture, bits) => {
    expect(architectureOf(processor, width)).toEqual({ architecture, bits });
  });
});

describe('levels', () => {
  test.each([
    ['High', 'High', null],
    ['hIGH', 'High', null],
    ['None', 'None', null],
    ['Critical', 'Other', 'Critical'],
    [null, null, null],
  ])('%s becomes %s with text %s', (source, value, text) => {
    expect(levelOf(RISK_LEVELS, source)).toEqual({ value, text });
  });
});

describe('times', () => {
  test.each([
    ['2026-03-02T08:15:30.1234567Z', '2026-03-02T08:15:30.123Z', '2026-03-02T08:15:30.1234567Z'],
    ['2026-03-02T08:15:30.999999Z', '2026-03-02T08:15:30.999Z', '2026-03-02T08:15:30.999999Z'],
    ['2026-03-02T08:15:30.1230000Z', '2026-03-02T08:15:30.123Z', null],
    ['2026-03-02T08:15:30.5Z', '2026-03-02T08:15:30.500Z', null],
    ['2026-03-02T08:15:30Z', '2026-03-02T08:15:30.000Z', null],
    ['2026-03-02T08:15:30', '2026-03-02T08:15:30.000Z', null],
    ['2026-03-02T08:15:30.25+02:00', '2026-03-02T06:15:30.250Z', null],
  ])('%s is %s, exactly %s', (text, time, exact) => {
    expect(parseTimestamp(text)).toEqual({ time, exact });
  });

  test.each([
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2026-03-02',
    '9999-12-31T23:59:59-14:00',
    '0000-01-01T00:00:00+14:00',
  ])('%s is no time', (text) => {
    expect(parseTimestamp(text)).toBeNull();
  });

  test('the age is in whole seconds, and never negative', () => {
    const at = new Date('2026-03-02T08:15:30.000Z');
    expect(ageInSeconds('2026-03-02T08:15:28.100Z', at)).toBe(1);
    expect(ageInSeconds('2026-03-02T08:15:31.000Z', at)).toBe(0);
  });
});
