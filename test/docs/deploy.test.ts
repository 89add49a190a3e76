import { execFile } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CLOUDS } from '#shared/config/apiHosts.ts';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';
import { type AzAnswer, command, runWithAz } from '../infra/azStandIn.ts';
import { grantsOf, ROLES } from '../infra/support/access.ts';
import { appSettings } from '../infra/support/appSettings.ts';
import { fillParameters } from '../infra/support/azdProject.ts';
import {
  CLIENT_ID,
  type Deployment,
  deploy,
  describeCompiled,
  foundVersion,
  PRINCIPAL_ID,
  templateOf,
} from '../infra/support/bicep.ts';
import { projectRoot, readInfra } from '../infra/support/sources.ts';
import {
  codeBlocks,
  codeIn,
  inlineCode,
  labelled,
  listItems,
  partsOf,
  readGuide,
  sectionOf,
} from './guide.ts';

const guide = readGuide('docs/deploy.md');
const OPERATOR = '44444444-4444-4444-8444-444444444444';
const SCHEDULE = '0 */5 * * * *';
const MARK = '# needs Azure\n';

const sources = readInfra();
const parametersFile = sources.get('infra/main.parameters.json') ?? '';
const nothing: Deployment = { resources: [], outputs: {} };
const byAzd = foundVersion
  ? deploy(
      sources,
      'infra/main.bicep',
      fillParameters(parametersFile, {
        AZURE_ENV_NAME: 'prod',
        AZURE_LOCATION: 'westeurope',
        OPERATOR_PRINCIPAL_ID: OPERATOR,
        ALERT_POLL_SCHEDULE: SCHEDULE,
      }),
    )
  : nothing;
const { scripts } = JSON.parse(readGuide('package.json')) as { scripts: Record<string, string> };
const parameters = new Set(
  foundVersion
    ? ['infra/main.bicep', 'infra/resources.bicep'].flatMap((path) =>
        Object.keys(templateOf(sources, path).parameters),
      )
    : [],
);
/** Variables of azd by the parameter that they fill. */
const variables = new Map(
  [...parametersFile.matchAll(/"(\w+)": \{ "value": "\$\{(\w+)/g)].map(([, parameter = '', name = '']) => [
    parameter,
    name,
  ]),
);
const variableNames = new Set(variables.values());

/** What is wrong with a guide, a line each. */
type Check = (guide: string) => string[];

function missing(what: string, named: Iterable<string>, isThere: (name: string) => boolean): string[] {
  return [...new Set(named)].filter((name) => !isThere(name)).map((name) => `${what}: ${name}`);
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}

/** Each list in the other's place: what only one of them has. */
function differences(written: readonly string[], real: readonly string[]): string[] {
  return [
    ...missing('not so', written, (line) => real.includes(line)),
    ...missing('not said', real, (line) => written.includes(line)),
  ];
}

const runsAnywhere = /^npm (install|test|start|run [\w:]+)\b/;

const marks: Check = (text) =>
  codeBlocks(text)
    .filter(({ language, text: block }) => language === 'sh' && !block.startsWith(MARK))
    .flatMap(({ text: block }) => block.trimEnd().split('\n'))
    .filter((line) => !runsAnywhere.test(line))
    .map((line) => `runs where? ${line}`);

const commands: Check = (text) => [
  ...missing('script', found(text, /\bnpm run (?:--silent )?([\w:]+)/g), (name) => name in scripts),
  ...missing('command', found(text, /\bops -- ([\w-]+)/g), (name) => opsCommands.includes(name)),
  ...missing('section', found(text, /\bbench -- ([\w-]+)/g), (name) =>
    benchSections.includes(`\n  ${name}: {`),
  ),
  ...missing(
    'option',
    found(text, /grant-permissions\.sh([^\n`]*)/g).flatMap((rest) => found(rest, / (--[\w-]+)/g)),
    (name) => grantScript.includes(`  ${name} `),
  ),
  ...missing(
    'option of ops',
    found(text, /\bops -- ([^\n`>|]*)/g).flatMap((rest) => found(rest, /(?:^| )(--[\w-]+)/g)),
    (name) => opsOptions.has(name) || name === '--json',
  ),
];
const opsOptions = new Set(found(readGuide('ops/main.ts'), /[Oo]ption\(\s*'(--[\w-]+)/g));
const opsCommands = found(readGuide('ops/main.ts'), /\.command\('([\w-]+)'/g);
const benchSections = readGuide('bench/main.ts');
const grantScript = readGuide('infra/grant-permissions.sh');

const paths: Check = (text) =>
  missing(
    'path',
    found(text, /(?<![\w./%-])((?:infra|examples|bench|playbooks|docs)\/[\w./-]+\.\w+)/g),
    (path) => existsSync(join(projectRoot, path)),
  );

const names: Check = (text) => {
  const code = inlineCode(text);
  const isSetting = (name: string) => settingsCatalogue.has(name);
  const isOutput = (name: string) => name in byAzd.outputs;
  return [
    ...missing(
      'setting, output or variable',
      code.filter((word) => /^[A-Z]+(_[A-Z]+)+$/.test(word)),
      (name) => isSetting(name) || isOutput(name) || variableNames.has(name),
    ),
    ...missing(
      'parameter or function',
      code.filter((word) => /^[a-z]+([A-Z][a-z]+)+$/.test(word)),
      (name) => parameters.has(name) || functionNames.includes(name) || name === 'schemaVersion',
    ),
    ...missing('variable of azd', found(text, /azd env set (\w+)/g), (name) => variableNames.has(name)),
    ...missing('output', found(text, /\$([A-Z]+_[A-Z_]+)/g), isOutput),
    ...missing(
      'exported setting',
      found(text, /^export (\w+)=/gm),
      (name) => isSetting(name) || name === 'AZURE_TOKEN_CREDENTIALS',
    ),
    ...missing(
      'role',
      found(text, /--role "([^"]+)"/g),
      (name) => isRole(name) || name === 'Website Contributor',
    ),
  ];
};
const functionNames = found(globSync('functions/*.ts').map(readGuide).join('\n'), /app\.\w+\('(\w+)'/g);
const isRole = (name: string) => [...ROLES.values()].some((role) => role.name === name);

const options: Check = (text) =>
  differences(
    listItems(sectionOf(text, 'Options')).map(([line = '']) => {
      const [, variable, parameter] = /^`(\w+)` \(`(\w+)`\): ./.exec(line) ?? [];
      return `${variable} fills ${parameter}`;
    }),
    [...variables].map(([parameter, variable]) => `${variable} fills ${parameter}`),
  );

const permissions: Check = (text) => {
  const holders = new Map(partsOf(sectionOf(text, 'Permissions')));
  return [
    ["The app's identity", PRINCIPAL_ID],
    ['The operator', OPERATOR],
  ].flatMap(([who = '', principal]) =>
    differences(
      listItems(holders.get(who) ?? '')
        .map(([line = '']) => /^(.+?) on (.+?): ./.exec(line)?.slice(1) ?? [line])
        .filter(([role = '']) => isRole(role))
        .flatMap(([role, on = '']) =>
          (codeIn(on).length > 0 ? codeIn(on) : [on]).map((one) => `${who}: ${role} on ${one}`),
        ),
      grantsOf(byAzd)
        .filter((grant) => grant.principal === principal)
        .map(({ role, scope }) => `${who}: ${ROLES.get(role)?.name} on ${thing(scope)}`),
    ),
  );
};

/** A resource as people call it: queues, tables and containers by their names, and there is one Application Insights. */
function thing(id: string): string {
  if (id.includes('Microsoft.Insights')) {
    return 'Application Insights';
  }
  return /\/storageAccounts\/[^/]+$/.test(id) ? 'the storage account' : (id.split('/').at(-1) ?? '');
}

const nationalClouds: Check = (text) =>
  differences(
    listItems(sectionOf(text, 'National clouds')).flatMap(([cloud = '', ...lines]) =>
      labelled(lines, 'API host and token audience').map((api) => `${codeIn(cloud)} ${codeIn(api)}`),
    ),
    Object.entries(CLOUDS).flatMap(([cloud, { apiUrl, tokenScope }]) =>
      [apiUrl, tokenScope.replace('/.default', '')].map((address) => `${cloud} ${address}`),
    ),
  );

const rules: Check = (text) =>
  differences(
    listItems(sectionOf(text, 'Alert rules and workbook')).map(([rule = '']) => codeIn(rule)[0] ?? rule),
    [
      ...byAzd.resources
        .filter(({ type }) => type === 'Microsoft.Insights/scheduledQueryRules')
        .map(({ body }) => String((body.properties as { displayName: string }).displayName))
        .map((title) => title.replace('Alert enrichment: ', '')),
      ...byAzd.resources
        .filter(({ type }) => type === 'Microsoft.Insights/metricAlerts')
        .map(({ name }) => name.replace(/^alert-enrichment-[a-z0-9]+-/, '')),
    ],
  );

const checks: { holds: string; check: Check; breaks: [from: string, to: string, said: string][] }[] = [
  {
    holds: 'every command runs anywhere, or is marked as needing Azure',
    check: marks,
    breaks: [['# needs Azure\nazd up', 'azd up', 'runs where? azd up']],
  },
  {
    holds: 'every script, command and option exists',
    check: commands,
    breaks: [
      ['npm run package', 'npm run pack', 'script: pack'],
      ['npm run ops -- check', 'npm run ops -- checks', 'command: checks'],
      ['npm run bench -- bill', 'npm run bench -- bills', 'section: bills'],
      ['--with-poller', '--poller', 'option: --poller'],
      ['--azd --alert', '--azd --alarm', 'option of ops: --alarm'],
    ],
  },
  {
    holds: 'every path exists',
    check: paths,
    breaks: [['infra/resources.bicep', 'infra/resource.bicep', 'path: infra/resource.bicep']],
  },
  {
    holds: 'every setting, output, variable, parameter and role exists',
    check: names,
    breaks: [
      ['`DEFENDER_TOKEN_SCOPE`', '`DEFENDER_SCOPE`', 'setting, output or variable: DEFENDER_SCOPE'],
      ['`oldestWaitingMinutes`', '`oldestMinutes`', 'parameter or function: oldestMinutes'],
      ['azd env set ENTRA_CLIENT_ID', 'azd env set ENTRA_CLIENT', 'variable of azd: ENTRA_CLIENT'],
      ['$ALERTS_QUEUE_SERVICE_URI', '$ALERTS_QUEUE_URI', 'output: ALERTS_QUEUE_URI'],
      [
        'export AlertsStorage__tableServiceUri',
        'export AlertsStorage__tableUri',
        'exported setting: AlertsStorage__tableUri',
      ],
      ['--role "Storage Queue Data Contributor"', '--role "Queue Contributor"', 'role: Queue Contributor'],
    ],
  },
  {
    holds: 'the options are those that azd takes',
    check: options,
    breaks: [
      ['- `NODE_VERSION` ', '- `NODE_VERSIONS` ', 'not so: NODE_VERSIONS fills nodeVersion'],
      [lineWith('- `ALERT_EMAIL` '), '', 'not said: ALERT_EMAIL fills alertEmail'],
    ],
  },
  {
    holds: 'the permissions are those that the template gives',
    check: permissions,
    breaks: [
      [
        'Storage Queue Data Reader ',
        'Storage Queue Data Contributor ',
        "not so: The app's identity: Storage Queue Data Contributor on alerts-poison",
      ],
      [
        lineWith('Monitoring Metrics Publisher'),
        '',
        "not said: The app's identity: Monitoring Metrics Publisher on Application Insights",
      ],
    ],
  },
  {
    holds: 'the national clouds have the addresses that the app uses',
    check: nationalClouds,
    breaks: [
      ['https://api-gcc.', 'https://api-gov.', 'not said: gcc https://api-gcc.securitycenter.microsoft.us'],
    ],
  },
  {
    holds: 'every alert rule has its line',
    check: rules,
    breaks: [[lineWith('- `Rate lowered`:'), '', 'not said: Rate lowered']],
  },
];

/** The line of the guide that holds the text, with its end. */
function lineWith(text: string): string {
  return `${guide.split('\n').find((line) => line.includes(text))}\n`;
}

describeCompiled('docs/deploy.md', () => {
  describe.each(checks)('$holds', ({ check, breaks }) => {
    test('in the guide', () => {
      expect(check(guide)).toEqual([]);
    });

    test.each(breaks)('and a break of it is found (%#)', (from, to, said) => {
      const changed = guide.replaceAll(from, to);
      expect(changed).not.toBe(guide);
      expect(check(changed)).toContain(said);
    });
  });
});

describe('the grant script prints what the guide shows', () => {
  const printed = codeBlocks(guide)
    .filter(({ language }) => language === 'text')
    .map(({ text }) => text);
  const answers: AzAnswer[] = [
    { when: ['account show'], output: 'aaaaaaaa-0000-0000-0000-000000000001\n' },
    { when: ['cloud show'], output: 'https://graph.microsoft.com/\n' },
    { when: ['GET', '$select=appRoles'], output: 'Machine.Read.All\tcccccccc-0000-0000-0000-000000000003\n' },
    { when: ['GET', '$select=id'], output: 'bbbbbbbb-0000-0000-0000-000000000002\n' },
    { when: ['GET', '$select=displayName'], output: 'id-enrichment-x\n' },
    { when: ['GET', 'appRoleAssignments'] },
  ];
  const settings = { AZURE_IDENTITY_PRINCIPAL_ID: '11111111-2222-3333-4444-555555555555' };

  test('to whoever may grant', async () => {
    const run = await runWithAz(
      command('bash', 'infra/grant-permissions.sh'),
      [...answers, { when: ['POST'], output: 'new-assignment\n' }],
      settings,
    );
    expect(printed).toContain(run.output);
  });

  test('to whoever may not', async () => {
    const run = await runWithAz(
      command('bash', 'infra/grant-permissions.sh'),
      [...answers, { when: ['POST'], error: 'ERROR: Forbidden (Authorization_RequestDenied)', status: 1 }],
      settings,
    );
    expect(printed).toContain(run.errors);
  });
});

describeCompiled("the operator's tool finds the deployment with the settings", () => {
  const queueService = byAzd.outputs.ALERTS_QUEUE_SERVICE_URI as string;
  const sayings = {
    azd: () => Object.entries(byAzd.outputs).map(([name, value]) => `${name}="${value}"`),
    az: () => Object.entries(appSettings(byAzd)).map(([name, value]) => `${name}=${value}`),
  };

  test.each([
    ['azd', 'azd env get-values'],
    ['az', 'az functionapp config appsettings list'],
  ] as const)('that %s tells', async (program, saying) => {
    const block = codeBlocks(guide).find(
      ({ text }) => text.includes(saying) && text.includes('ops -- check'),
    );
    const environment = await environmentOfNpm(block?.text ?? '', program, sayings[program]());
    const { storage, source, polling } = readSettings(environment);

    expect(storage).toMatchObject({
      kind: 'identity',
      queueServiceUri: queueService.replace(/\/$/, ''),
      credential: 'default',
    });
    expect(source.clientId).toBe(CLIENT_ID);
    expect(polling.schedule).toBe(SCHEDULE);
    expect(environment.AZURE_TOKEN_CREDENTIALS).toBe('AzureCliCredential');
  });
});

/** Runs a block of the guide, with a program in it that only says these lines; the environment that it gives to npm. */
async function environmentOfNpm(
  block: string,
  program: string,
  lines: readonly string[],
): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-guide-'));
  try {
    const standIns = { [program]: `cat <<'END'\n${lines.join('\n')}\nEND\n`, npm: 'env -0\n' };
    for (const [name, text] of Object.entries(standIns)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}`);
      chmodSync(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}${delimiter}${process.env.PATH}` };
    const filled = block.replaceAll(/<(\w+)>/g, '$1');
    const { stdout } = await promisify(execFile)('bash', ['-c', filled], { env });
    return Object.fromEntries(
      stdout
        .split('\0')
        .filter(Boolean)
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
