import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from './evaluate.ts';
import { deployedWorkflow } from './templateRules.ts';
import { type RunOptions, runWorkflow } from './workflowRun.ts';

export const functionAppUrl = 'https://contoso-enrichment.azurewebsites.net';
export const functionAppAudience = 'api://5f1b9a0e-5c3d-4c52-9a52-5b2a6b6f7f10';
export const workspaceResourceId =
  '/subscriptions/d0cfe6b2-9ac0-4464-9919-dccaee2e48c0/resourceGroups/contoso-soc/providers/Microsoft.OperationalInsights/workspaces/contoso-sentinel';

/** Each playbook and the parameters that a deployment of it needs. */
export const playbooks: Readonly<Record<string, Record<string, Json>>> = {
  'incident-enrichment': { functionAppUrl, functionAppAudience },
  'enrichments-to-incident': {
    functionAppUrl,
    functionAppAudience,
    storageAccountName: 'contosoenrichment',
    workspaceResourceId,
  },
};

export function templateOf(playbook: string): JsonObject {
  const file = new URL(`../../../playbooks/${playbook}/azuredeploy.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Runs a playbook as deployed. */
export function runPlaybook(
  playbook: string,
  options: Omit<RunOptions, 'parameters'> & { given?: Record<string, Json> },
) {
  const { definition, parameters } = deployedWorkflow(templateOf(playbook), {
    ...playbooks[playbook],
    ...options.given,
  });
  return runWorkflow(definition, { parameters, ...options });
}
