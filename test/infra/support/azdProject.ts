import { parseDocument } from 'yaml';
import * as z from 'zod';

const hookSchema = z.object({
  shell: z.enum(['sh', 'pwsh']),
  run: z.string(),
  continueOnError: z.boolean().optional(),
  interactive: z.boolean().optional(),
});
const hooksSchema = z.record(
  z.string(),
  z.union([hookSchema, z.strictObject({ posix: hookSchema, windows: hookSchema })]),
);

/**
 * What the project uses of azd's file. No words but these, so that a misspelt one is found:
 * https://learn.microsoft.com/azure/developer/azure-developer-cli/azd-schema
 */
const projectSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  // An older one ignores remoteBuild.
  requiredVersions: z.strictObject({ azd: z.literal('>= 1.23.5') }),
  services: z.record(
    z.string(),
    z.strictObject({
      project: z.string(),
      dist: z.string(),
      language: z.enum(['js', 'ts']),
      host: z.literal('function'),
      remoteBuild: z.literal(false),
      hooks: hooksSchema.optional(),
    }),
  ),
  hooks: hooksSchema,
});

export interface Surroundings {
  exists: (path: string) => boolean;
  /** Names of the scripts in package.json. */
  scripts: readonly string[];
  /** Values of the tag `azd-service-name` that the templates give. */
  serviceTags: readonly string[];
}

/** What azd would stumble over: words, paths, scripts and services that do not exist. */
export function azdProblems(text: string, { exists, scripts, serviceTags }: Surroundings): string[] {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    return document.errors.map(({ message }) => message);
  }
  const { data: project, error } = projectSchema.safeParse(document.toJS());
  if (project === undefined) {
    return [z.prettifyError(error)];
  }
  const services = Object.entries(project.services);
  const commands = [project.hooks, ...services.map(([, { hooks = {} }]) => hooks)]
    .flatMap((hooks) => Object.values(hooks))
    .flatMap((hook) => ('run' in hook ? [hook.run] : [hook.posix.run, hook.windows.run]));
  const { postprovision: provisioned, postdeploy: deployed } = project.hooks;
  return [
    ...services
      .filter(([, { project: path }]) => !exists(path))
      .map(([, { project: path }]) => `there is no ${path}`),
    ...services
      .filter(([name]) => !serviceTags.includes(name))
      .map(([name]) => `nothing is tagged as ${name}`),
    ...commands
      .flatMap((command) => command.match(/\S+\.(sh|ps1)\b/g) ?? [])
      .filter((path) => !exists(path))
      .map((path) => `there is no ${path}`),
    ...commands
      .flatMap((command) =>
        [...command.matchAll(/npm run (?:--silent )?(\S+)/g)].map(([, script = '']) => script),
      )
      .filter((script) => !scripts.includes(script))
      .map((script) => `package.json has no script ${script}`),
    ...(provisioned === undefined ? ['nothing is granted after provisioning'] : []),
    ...(deployed === undefined ? ['nothing says whether the app is ready'] : []),
  ];
}

/** A parameters file as azd fills it in: `${NAME}` and `${NAME=default}` by the environment. */
export function fillParameters(
  text: string,
  environment: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const filled = text.replace(
    /\$\{(\w+)(?:=([^}]*))?\}/g,
    (_, name: string, fallback = '') => environment[name] || fallback,
  );
  const { parameters } = JSON.parse(filled) as { parameters: Record<string, { value: unknown }> };
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { value }]) => [
      name,
      value === 'true' || value === 'false' ? value === 'true' : value,
    ]),
  );
}
