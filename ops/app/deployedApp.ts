import { execFile } from 'node:child_process';
import { parseEnv } from 'node:util';
import * as z from 'zod';

/** A deployed app as its HTTP functions are reached. */
export interface DeployedApp {
  /** Address without a slash at its end. */
  url: string;
  /** What lets the caller in; never printed. */
  headers: Record<string, string>;
}

/** Runs a program and gives what it printed. @throws Error with the program's own words when it fails. */
export type RunProgram = (program: 'az' | 'azd', args: readonly string[]) => Promise<string>;

/** What a person does about an app that cannot be found or entered. The message says it. */
export class AppError extends Error {
  override readonly name = 'AppError';
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,59}$/;

/**
 * The app at an address, with the function key of `APP_KEY` or the token of `APP_TOKEN`: an argument would show in lists of
 * processes.
 */
export function appAt(address: string, environment: Record<string, string | undefined>): DeployedApp {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url?.hostname ?? '');
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback))) {
    throw new AppError(
      `--url: expected an https address such as https://<app>.azurewebsites.net, got "${address}".`,
    );
  }
  const { APP_KEY: key, APP_TOKEN: token } = environment;
  return {
    url: url.origin,
    headers: {
      ...(key && { 'x-functions-key': key }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
  };
}

const resourcesSchema = z.array(z.object({ id: z.string(), resourceGroup: z.string() }));
const hostNames = z.object({ defaultHostName: z.string() });
const siteSchema = z.union([
  hostNames,
  z.object({ properties: hostNames }).transform(({ properties }) => properties),
]);
const settingsSchema = z.array(z.object({ name: z.string(), value: z.string().nullable() }));
const keysSchema = z.object({ functionKeys: z.record(z.string(), z.string()) });
const authenticationSchema = z.object({
  properties: z.object({
    identityProviders: z.object({
      azureActiveDirectory: z.object({ registration: z.object({ clientId: z.string().min(1) }) }),
    }),
  }),
});
const tokenSchema = z.object({ accessToken: z.string() });
const valuesSchema = z.object({ AZURE_FUNCTION_APP_NAME: z.string(), AZURE_RESOURCE_GROUP: z.string() });

/** The app that azd deployed from this folder. A hook of azd has its values in the environment. */
export async function appOfAzd(
  environment: Record<string, string | undefined>,
  run: RunProgram = runProgram,
): Promise<DeployedApp> {
  const { data } = valuesSchema.safeParse(
    environment.AZURE_FUNCTION_APP_NAME === undefined
      ? parseEnv(await run('azd', ['env', 'get-values']))
      : environment,
  );
  if (data === undefined) {
    throw new AppError(
      'azd knows no AZURE_FUNCTION_APP_NAME: run this in the folder of the project, after "azd up".',
    );
  }
  return appNamed(data.AZURE_FUNCTION_APP_NAME, data.AZURE_RESOURCE_GROUP, run);
}

/**
 * The app of this name in the subscription that Azure CLI is signed in to. What lets in is a function key, or with
 * HTTP_AUTHORIZATION=entra a token.
 * @param group Its resource group; looked for when undefined.
 */
export async function appNamed(
  name: string,
  group: string | undefined,
  run: RunProgram = runProgram,
): Promise<DeployedApp> {
  if (!NAME.test(name)) {
    throw new AppError(`--app: "${name}" is no name of a function app.`);
  }
  const az = async <T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> =>
    schema.parse(JSON.parse(await run('az', [...args, '--output', 'json'])));
  const resourceGroup = group ?? (await groupOf(name, az));
  const site = ['--resource-group', resourceGroup, '--name', name];
  const { defaultHostName } = await az(siteSchema, 'functionapp', 'show', ...site);
  const settings = await az(settingsSchema, 'functionapp', 'config', 'appsettings', 'list', ...site);
  const isEntra = settings.some(
    (setting) => setting.name === 'HTTP_AUTHORIZATION' && setting.value === 'entra',
  );
  const url = `https://${defaultHostName}`;
  if (isEntra) {
    return { url, headers: { authorization: `Bearer ${await entraToken(name, resourceGroup, az)}` } };
  }
  const { functionKeys } = await az(keysSchema, 'functionapp', 'keys', 'list', ...site);
  const key = functionKeys.default ?? Object.values(functionKeys)[0];
  if (key === undefined) {
    throw new AppError(
      `${name} has no function key yet: its host has not started. Deploy the code ("azd deploy"), or look into its log stream.`,
    );
  }
  return { url, headers: { 'x-functions-key': key } };
}

type Az = <T>(schema: z.ZodType<T>, ...args: string[]) => Promise<T>;

async function groupOf(name: string, az: Az): Promise<string> {
  const found = await az(
    resourcesSchema,
    'resource',
    'list',
    '--resource-type',
    'Microsoft.Web/sites',
    '--name',
    name,
  );
  if (found[0] === undefined) {
    throw new AppError(
      `The subscription of Azure CLI has no app named ${name}. See "az account show"; choose another with "az account set --subscription <subscription>".`,
    );
  }
  return found[0].resourceGroup;
}

async function entraToken(name: string, group: string, az: Az): Promise<string> {
  const site = `/subscriptions/{subscriptionId}/resourceGroups/${group}/providers/Microsoft.Web/sites/${name}`;
  const url = `${site}/config/authsettingsV2?api-version=2024-11-01`;
  const { properties } = await az(authenticationSchema, 'rest', '--method', 'GET', '--url', url);
  const { clientId } = properties.identityProviders.azureActiveDirectory.registration;
  try {
    const { accessToken } = await az(
      tokenSchema,
      'account',
      'get-access-token',
      '--resource',
      `api://${clientId}`,
    );
    return accessToken;
  } catch (error) {
    throw new AppError(
      `Azure CLI gets no token for api://${clientId} (HTTP_AUTHORIZATION is "entra"): ${error instanceof Error ? error.message : error}\n` +
        'Let it in once (docs/deploy.md, "HTTP callers with Entra ID"), or use a token of a client that may call: APP_TOKEN=<token> npm run ops -- check --url <address>',
    );
  }
}

const LONGEST_RUN_MS = 60_000;

const runProgram: RunProgram = (program, args) =>
  new Promise((resolve, reject) => {
    // On Windows both are batch files, which only a shell runs; no argument here has a blank or a sign of the shell.
    const shell = process.platform === 'win32';
    execFile(
      program,
      [...args],
      { shell, timeout: LONGEST_RUN_MS, maxBuffer: 16 * 1024 * 1024 },
      (error, output, errors) => {
        if (error === null) {
          resolve(output);
        } else if (error.code === 'ENOENT') {
          reject(
            new AppError(
              `${program} is not installed: see https://aka.ms/${program === 'az' ? 'azure-cli' : 'azd'}.`,
            ),
          );
        } else {
          const said = errors.trim().split('\n').slice(0, 3).join(' ') || 'no answer in time';
          reject(new AppError(`${program} ${args.slice(0, 3).join(' ')}: ${said}`));
        }
      },
    );
  });
