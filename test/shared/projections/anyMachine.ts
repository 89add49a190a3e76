import fc from 'fast-check';

const words = fc.constantFrom(
  '',
  ' ',
  'null',
  'Other',
  'Sales, "north"',
  "J. Doe's phone",
  '<b>x</b>',
  '__proto__',
);
const anything = fc.oneof({ weight: 4, arbitrary: words }, fc.jsonValue(), fc.string({ unit: 'binary' }));

/** Mostly one of the values that MDE sends, at times anything at all, at times nothing. */
function mostly(...values: unknown[]) {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: anything },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  mostly('127.0.0.1', '::1', 'fe80::1%12', '169.254.1.1', '10.0.0.1'),
);
const time = mostly(
  '2026-03-02T08:15:30.1234567Z',
  '2026-11-22T21:40:11+02:00',
  '0001-01-01T00:00:00Z',
  '2026-11-22T00:00:00',
);
const flag = mostly(true, false);

/** Machines of every kind, well-formed and not. */
export const anyMachine = fc
  .record(
    {
      computerDnsName: mostly('Desk-1', 'web-7.Corp.example.com', '10.0.0.1', 'a..b', '.'),
      firstSeen: time,
      lastSeen: time,
      osPlatform: mostly(
        ...['Windows11', 'WindowsServer2025', 'Windows10WVD', 'WindowsMobile', 'Ubuntu', 'macOS', 'iOS'],
        ...['iPadOS', 'Android', 'IOS XE', 'Plan 9'],
      ),
      version: mostly('24H2', 22.04, '9.5'),
      osBuild: mostly(26_100, 6, '19045'),
      osVersion: mostly('10.0'),
      osProcessor: mostly('x64', 'x86', 'ARM64', 'arm', 'Itanium'),
      osArchitecture: mostly('64-bit', '32-bit', '128-bit'),
      lastIpAddress: ip,
      lastExternalIpAddress: ip,
      ipAddresses: fc.oneof(
        fc.array(
          fc.record(
            {
              ipAddress: ip,
              macAddress: mostly('00005E005301', '00:00:5e:00:53:02', '000000000000'),
              type: mostly('Ethernet', 'Wireless80211', 'Tunnel', 'SoftwareLoopback', 'Wired'),
              operationalStatus: mostly('Up', 'Down', 'Dormant'),
            },
            { requiredKeys: [] },
          ),
        ),
        anything,
      ),
      healthStatus: mostly('Active', 'NoSensorData', 'Sleeping'),
      onboardingStatus: mostly('Onboarded', 'CanBeOnboarded', 'Unsupported', 'InsufficientInfo', 'Leaving'),
      riskScore: mostly('None', 'Informational', 'Low', 'Medium', 'high', 'Critical', 'Severe'),
      exposureLevel: mostly('None', 'Low', 'Medium', 'High', 'Extreme'),
      deviceValue: mostly('Normal', 'Low', 'High', 'Crown jewel'),
      rbacGroupId: mostly(0, 140, '0', '7'),
      rbacGroupName: mostly('Servers'),
      isAadJoined: flag,
      aadDeviceId: mostly('80FE8FF8-624C-4C7A-9D58-6E1E2C8F6A11', '00000000-0000-0000-0000-000000000000'),
      machineTags: fc.oneof(fc.array(mostly('tier 0', 'tier 0', 'kiosk')), anything),
      agentVersion: mostly('10.8790.19045.5608'),
      defenderAvStatus: mostly('Updated'),
      managedBy: mostly('Intune'),
      managedByStatus: mostly('Success'),
      vmMetadata: fc.oneof(
        fc.record(
          {
            vmId: mostly('i-0abc'),
            cloudProvider: mostly('Azure', 'AWS'),
            resourceId: mostly(
              '/subscriptions/1/resourceGroups/a',
              'arn:aws:ec2:eu-west-1:1:instance/i-0abc',
            ),
            subscriptionId: mostly('123456789012'),
          },
          { requiredKeys: [] },
        ),
        anything,
      ),
      isExcluded: flag,
      exclusionReason: mostly('Duplicate'),
      isPotentialDuplication: flag,
      mergedIntoMachineId: mostly('b'.repeat(40)),
      unknownLater: anything,
    },
    { requiredKeys: [] },
  )
  .map((properties) => ({ id: 'a'.repeat(40), ...properties }));
