import { Command } from 'commander';
import type { Finding } from '../check/finding.ts';
import {
  addTenant,
  checkTenant,
  listTenants,
  removeTenant,
  setTenantEnabled,
  type TenantsDeps,
} from './tenantsCommand.ts';
import { tenantLines } from './tenantsView.ts';

/** `npm run ops -- tenants ...`. */
export function tenantsProgram(
  open: () => TenantsDeps,
  print: (...lines: string[]) => void,
  printFindings: (findings: readonly Finding[], json?: boolean) => void,
): Command {
  const tenants = new Command('tenants').description(
    "adds, checks and removes customers' tenants (docs/tenants.md)",
  );

  tenants
    .command('list', { isDefault: true })
    .description('says how each stands: state, quota used, waiting, what is wrong')
    .option('--json', 'print JSON, for programs')
    .action(async ({ json }) => {
      const listed = await listTenants(open());
      if (json) {
        print(JSON.stringify(listed, null, 2));
      } else {
        print(...tenantLines(listed));
      }
    });

  tenants
    .command('add')
    .description(
      'writes the row of a tenant, or changes what is named of it; says how its administrator gives consent',
    )
    .argument('<tenantId>', 'its tenant ID')
    .option('--name <name>', 'for people')
    .option('--source <source>', 'in place of ENRICHMENT_SOURCE')
    .option('--geo <geo>', 'in place of DEFENDER_GEO')
    .option('--rate-limits <limits>', 'in place of DEFENDER_RATE_LIMITS')
    .option('--quota-share <share>', 'in place of DEFENDER_QUOTA_SHARE')
    .option('--poll-schedule <schedule>', 'in place of ALERT_POLL_SCHEDULE')
    .option('--poll-severities <list>', 'in place of ALERT_POLL_SEVERITIES')
    .option('--poll-statuses <list>', 'in place of ALERT_POLL_STATUSES')
    .option('--poll-detection-sources <list>', 'in place of ALERT_POLL_DETECTION_SOURCES')
    .option('--reuse-for <duration>', 'in place of REUSE_FOR')
    .option('--callers <ids>', 'application or object IDs of HTTP callers that act for this tenant alone')
    .action(async (tenantId: string, columns) => print(...(await addTenant(tenantId, columns, open()))));

  tenants
    .command('check')
    .description('proves sign-in, roles and reach, and names what is missing; ends with 0 if nothing is')
    .argument('<tenantId>', 'its tenant ID')
    .option('--json', 'print JSON, for programs')
    .action(async (tenantId: string, { json }) => printFindings(await checkTenant(tenantId, open()), json));

  tenants
    .command('enable')
    .description('lets its alerts in again')
    .argument('<tenantId>', 'its tenant ID')
    .action(async (tenantId: string) => print(...(await setTenantEnabled(tenantId, true, open()))));

  tenants
    .command('disable')
    .description('keeps its alerts out; they become dead letters')
    .argument('<tenantId>', 'its tenant ID')
    .action(async (tenantId: string) => print(...(await setTenantEnabled(tenantId, false, open()))));

  tenants
    .command('remove')
    .description('deletes its row')
    .argument('<tenantId>', 'its tenant ID')
    .action(async (tenantId: string) => print(...(await removeTenant(tenantId, open()))));

  return tenants;
}
