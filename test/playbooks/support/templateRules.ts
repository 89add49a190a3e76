import { type Deployment, deploy, idOf, objectAt } from './armTemplate.ts';
import { isObject, type Json, type JsonObject } from './evaluate.ts';

const API_VERSION = /^\d{4}-\d{2}-\d{2}(-preview)?$/;
const SECRET_NAME = /access_?key|account_?key|shared_?key|password|secret|connection_?string|sas_?token/i;
const SECRET_VALUE =
  /\blist(?!CallbackUrl)[A-Z]\w*\(|AccountKey=|SharedAccessSignature|[?&]sig=|^secure(string|object)$/i;

/**
 * What is wrong with the template of a playbook, each in a sentence.
 * @param given Values of the parameters that have no default.
 */
export function templateProblems(template: JsonObject, given: Record<string, Json>): string[] {
  let deployment: Deployment;
  try {
    deployment = deploy(template, given);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  const { resources, used } = deployment;
  const ids = new Set(resources.map(idOf));
  return [
    ...['parameters', 'variables'].flatMap((kind) =>
      Object.keys(objectAt(template, kind))
        .filter((name) => !used.has(`${kind} ${name}`))
        .map((name) => `${kind} ${name} is not used`),
    ),
    ...resources.flatMap((resource) => resourceProblems(resource, ids)),
    ...workflowsOf(deployment).flatMap((workflow) => identityProblems(workflow, ids)),
    ...secrets(template),
  ];
}

/** The workflow of the deployment, and the values of its parameters. */
export function deployedWorkflow(template: JsonObject, given: Record<string, Json>) {
  const [workflow] = workflowsOf(deploy(template, given));
  if (workflow === undefined) {
    throw new Error('the template has no workflow');
  }
  const properties = objectAt(workflow, 'properties');
  const parameters = Object.entries(objectAt(properties, 'parameters')).map(([name, parameter]) => [
    name,
    (parameter as JsonObject).value,
  ]);
  return {
    definition: objectAt(properties, 'definition'),
    parameters: Object.fromEntries(parameters) as JsonObject,
  };
}

function workflowsOf({ resources }: Deployment): JsonObject[] {
  return resources.filter(({ type }) => type === 'Microsoft.Logic/workflows');
}

function resourceProblems(resource: JsonObject, ids: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (!API_VERSION.test(String(resource.apiVersion))) {
    problems.push(`${resource.name}: no API version`);
  }
  if (typeof resource.location !== 'string') {
    problems.push(`${resource.name}: no location`);
  }
  for (const id of (resource.dependsOn ?? []) as string[]) {
    if (!ids.has(id)) {
      problems.push(`${resource.name}: depends on ${id}, which the template does not have`);
    }
  }
  return problems;
}

function identityProblems(workflow: JsonObject, ids: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if ((workflow.identity as JsonObject | undefined)?.type !== 'SystemAssigned') {
    problems.push(`${workflow.name}: has no identity of its own`);
  }
  const properties = objectAt(workflow, 'properties');
  const parameters = objectAt(properties, 'parameters');
  const declared = Object.keys(objectAt(objectAt(properties, 'definition'), 'parameters'));
  for (const name of declared) {
    if (parameters[name] === undefined) {
      problems.push(`${workflow.name}: no value for parameter ${name}`);
    }
  }
  for (const name of Object.keys(parameters)) {
    if (!declared.includes(name)) {
      problems.push(`${workflow.name}: a value for no parameter ${name}`);
    }
  }
  const connections = (parameters.$connections as JsonObject).value as Record<string, JsonObject>;
  for (const [name, { connectionId, connectionProperties }] of Object.entries(connections)) {
    if (!ids.has(String(connectionId))) {
      problems.push(`${name}: no such connection in the template`);
    }
    if (!JSON.stringify(connectionProperties ?? {}).includes('"ManagedServiceIdentity"')) {
      problems.push(`${name}: the connection does not sign in as the identity`);
    }
  }
  return problems;
}

function secrets(value: Json): string[] {
  if (typeof value === 'string') {
    return SECRET_VALUE.test(value) ? [`a secret: ${value}`] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap(secrets);
  }
  if (!isObject(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(SECRET_NAME.test(name) ? [`a secret: ${name}`] : []),
    ...(name === 'authentication' ? signInProblems(inner) : []),
    ...secrets(inner),
  ]);
}

function signInProblems(authentication: Json): string[] {
  const type = isObject(authentication) ? authentication.type : null;
  return type === 'ManagedServiceIdentity' ? [] : [`a sign-in that is no managed identity: ${type}`];
}
