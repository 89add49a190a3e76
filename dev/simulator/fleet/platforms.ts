/** A kind of system in the fleet, with what its machines report. */
export interface Platform {
  /** How many of 100 machines are of this kind. */
  weight: number;
  osPlatform: string;
  kind: 'client' | 'server' | 'mobile' | 'discovered';
  /** Feature release and build. A build of null or 6 is what the real agents report on Linux. */
  releases: readonly { version: string | null; osBuild: number | null }[];
  processors: readonly (string | null)[];
  agentVersions: readonly (string | null)[];
}

const WINDOWS_AGENTS = ['10.8470.19041.2788', '10.8760.22621.3155', '10.8795.26100.1742'];
const LINUX_AGENTS = ['30.124092.2.0', '30.125032.5.0'];

/**
 * A mix as a medium company has it. The discovered devices have names that no mapping knows, two of which hold
 * the letters of another system ("ios", "win").
 */
export const platforms: readonly Platform[] = [
  windowsClient(34, 'Windows11', [
    { version: '23H2', osBuild: 22631 },
    { version: '24H2', osBuild: 26100 },
  ]),
  windowsClient(16, 'Windows10', [
    { version: '21H2', osBuild: 19044 },
    { version: '22H2', osBuild: 19045 },
  ]),
  windowsClient(2, 'Windows10WVD', [{ version: '22H2', osBuild: 19045 }]),
  windowsClient(1, 'Windows7', [{ version: '6.1', osBuild: 7601 }]),
  windowsServer(1, 'WindowsServer2012R2', '6.3', 9600),
  windowsServer(3, 'WindowsServer2016', '1607', 14393),
  windowsServer(6, 'WindowsServer2019', '1809', 17763),
  windowsServer(6, 'WindowsServer2022', '21H2', 20348),
  linux(6, 'Ubuntu', '22.4', 6),
  linux(3, 'RedHatEnterpriseLinux', '9.5', null),
  linux(2, 'Debian', '12.0', 6),
  linux(1, 'SuseLinuxEnterpriseServer', '15.5', 5),
  linux(1, 'AmazonLinux2', '2.0', 5),
  linux(1, 'OracleLinux', '8.9', null),
  {
    weight: 5,
    osPlatform: 'macOS',
    kind: 'client',
    releases: [
      { version: '14.6', osBuild: 23 },
      { version: '15.1', osBuild: 24 },
    ],
    processors: ['ARM64', 'x64'],
    agentVersions: ['20.124092.2.0'],
  },
  mobile(3, 'iOS', '17.6'),
  mobile(1, 'iPadOS', '17.6'),
  mobile(3, 'Android', '14'),
  discovered(1, 'CiscoIOSXE'),
  discovered(1, 'FortiOS'),
  discovered(1, 'Darwin'),
  discovered(2, 'Other'),
];

function windowsClient(weight: number, osPlatform: string, releases: Platform['releases']): Platform {
  const processors = ['x64', 'x64', 'x64', 'ARM64', 'x86'];
  return { weight, osPlatform, kind: 'client', releases, processors, agentVersions: WINDOWS_AGENTS };
}

function windowsServer(weight: number, osPlatform: string, version: string, osBuild: number): Platform {
  const releases = [{ version, osBuild }];
  return { weight, osPlatform, kind: 'server', releases, processors: ['x64'], agentVersions: WINDOWS_AGENTS };
}

function linux(weight: number, osPlatform: string, version: string, osBuild: number | null): Platform {
  const releases = [{ version, osBuild }];
  return {
    weight,
    osPlatform,
    kind: 'server',
    releases,
    processors: ['x64', 'ARM64'],
    agentVersions: LINUX_AGENTS,
  };
}

function mobile(weight: number, osPlatform: string, version: string): Platform {
  const releases = [{ version, osBuild: null }];
  return {
    weight,
    osPlatform,
    kind: 'mobile',
    releases,
    processors: [null],
    agentVersions: ['1.0.6518.0101'],
  };
}

function discovered(weight: number, osPlatform: string): Platform {
  const releases = [{ version: null, osBuild: null }];
  return { weight, osPlatform, kind: 'discovered', releases, processors: [null], agentVersions: [null] };
}
