#!/usr/bin/env bash
# Grants the application roles that the app needs to its managed identity. `--help` says how.
# The same as grant-permissions.ps1; keep the two in step. Written for bash 3.2, which macOS has.
set -euo pipefail

# The same in every tenant.
readonly defender_app_id=fc780465-2017-40d4-a0c5-307022471b92 # WindowsDefenderATP
readonly graph_app_id=00000003-0000-0000-c000-000000000000 # Microsoft Graph
readonly granting_roles='Cloud Application Administrator, Application Administrator or Privileged Role Administrator'
readonly identity_attempts=6
readonly identity_pause=10 # seconds

usage() {
  cat <<'EOF'
Usage: grant-permissions.sh [--principal-id <id>] [--source <source>] [--with-poller] [--dry-run]

Grants to the managed identity of the app what it needs, by the source that it asks for devices:
  source             of the Defender API (WindowsDefenderATP)   of Microsoft Graph
  defender           Machine.Read.All, and Alert.Read.All       none
                     only when the app polls for alerts
  graph              none                                       SecurityAlert.Read.All, ThreatHunting.Read.All
  auto               as for defender                            as for graph
What is granted already stays as it is, so it may be run again at any time. Nothing is ever taken away.

  --principal-id <id>  principal (object) ID of the identity, not its client ID;
                       AZURE_IDENTITY_PRINCIPAL_ID when left out, as azd sets it
  --source <source>    defender, graph or auto; ENRICHMENT_SOURCE when left out, and else defender
  --with-poller        the app polls for alerts; also when ALERT_POLL_SCHEDULE is not empty
  --dry-run            say what would be granted, and grant nothing
  --help               this text

Needs Azure CLI, signed in (az login) to the tenant of the identity as somebody with the Microsoft Entra role
Cloud Application Administrator, Application Administrator or Privileged Role Administrator; for the permissions of
Microsoft Graph only the last will do.

National clouds: az cloud set --name AzureUSGovernment, then az login. Microsoft Graph is called where that cloud has
it. For DoD, name its own Graph first:
  az cloud update --name AzureUSGovernment --endpoint-microsoft-graph-resource-id https://dod-graph.microsoft.us/

Ends with 0 when everything is granted (or the dry run is over), 1 when something is missing, 2 when it was called
wrongly. The hook in azure.yaml goes on after a 1 (continueOnError): alerts wait in the queue until the right is there.
EOF
}

# Says what is wrong and what to do, a line each, and ends.
fail() {
  local status=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$status"
}

principal_id=${AZURE_IDENTITY_PRINCIPAL_ID:-}
source=${ENRICHMENT_SOURCE:-defender}
with_poller=false
dry_run=false
[[ -z ${ALERT_POLL_SCHEDULE:-} ]] || with_poller=true

while [[ $# -gt 0 ]]; do
  case $1 in
    --principal-id)
      [[ $# -ge 2 ]] || fail 2 '--principal-id needs a value.'
      principal_id=$2
      shift
      ;;
    --source)
      [[ $# -ge 2 ]] || fail 2 '--source needs a value.'
      source=$2
      shift
      ;;
    --with-poller) with_poller=true ;;
    --dry-run) dry_run=true ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail 2 "Unknown argument: $1" 'See grant-permissions.sh --help.' ;;
  esac
  shift
done

[[ -n $principal_id ]] || fail 2 \
  'Which identity? Pass --principal-id <id>, or set AZURE_IDENTITY_PRINCIPAL_ID as azd does.' \
  'To find it: az identity show --resource-group <group> --name <identity> --query principalId --output tsv'
# It becomes part of addresses and of a query: nothing but a GUID may pass.
[[ $principal_id =~ ^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$ ]] || fail 2 \
  'The principal ID must be a GUID such as 11111111-2222-3333-4444-555555555555.'
case $source in
  defender | graph | auto) ;;
  *) fail 2 'The source must be defender, graph or auto.' ;;
esac
command -v az >/dev/null || fail 1 'Azure CLI (az) is not installed. See https://aka.ms/azure-cli, then: az login'

problem_file=$(mktemp)
trap 'rm -f "$problem_file"' EXIT

# Calls az; what it says about a failure is kept in the problem file. On Windows its lines end with CR LF.
call_az() {
  az "$@" --output tsv --only-show-errors 2>"$problem_file" | tr -d '\r'
}

# Ends with the reason why Microsoft Graph could not be read.
fail_reading() {
  local problem
  problem=$(<"$problem_file")
  case $problem in
    *Authorization_RequestDenied* | *Forbidden*)
      fail 1 "You may not read $1 in tenant $tenant. A guest often may not." \
        "Somebody with the Microsoft Entra role $granting_roles has to run this." "Azure CLI says: $problem"
      ;;
    *)
      fail 1 "Microsoft Graph did not answer when asked for $1." \
        "If the sign-in is too old or needs another factor: az login --tenant $tenant" "Azure CLI says: $problem"
      ;;
  esac
}

tenant=$(call_az account show --query tenantId) || fail 1 \
  'Azure CLI is not signed in. Run: az login' "Azure CLI says: $(<"$problem_file")"
graph=$(call_az cloud show --query endpoints.microsoftGraphResourceId) || graph=
graph=${graph%/}
[[ $graph =~ ^https://[A-Za-z0-9.-]+$ ]] || fail 1 \
  "Azure CLI does not say where this cloud has Microsoft Graph (got '$graph'). Update it: az upgrade"

# An identity that was made a moment ago may not be visible yet.
attempt=1
while true; do
  identity=$(call_az rest --method GET --resource "$graph/" \
    --url "$graph/v1.0/servicePrincipals?\$filter=id eq '$principal_id'&\$select=displayName" \
    --query 'value[].displayName') || fail_reading 'the identity'
  [[ -z $identity && $attempt -lt $identity_attempts ]] || break
  printf 'The identity is not visible in Microsoft Entra yet; asking again in %s s.\n' "$identity_pause"
  sleep "$identity_pause"
  attempt=$((attempt + 1))
done
[[ -n $identity ]] || fail 1 \
  "Tenant $tenant knows no identity with the principal ID $principal_id." \
  'Is it the client ID by mistake? The principal ID shows:' \
  '  az identity show --resource-group <group> --name <identity> --query principalId --output tsv' \
  'Is this the tenant of the identity? Otherwise: az login --tenant <tenant>'

# Second column of the first line whose first column is the given text.
look_up() {
  awk -F '\t' -v key="$2" '$1 == key { print $2; exit }' <<<"$1"
}

# Grants one role of the API that is being looked at.
grant() {
  local role=$1 role_id body
  role_id=$(look_up "$roles" "$role")
  [[ -n $role_id ]] || fail 1 "The $api_name of tenant $tenant has no application role named $role."
  if [[ -n $(look_up "$held" "$role_id") ]]; then
    printf '%-18s already granted\n' "$role"
    return
  fi
  if $dry_run; then
    printf '%-18s missing; would be granted (dry run)\n' "$role"
    return
  fi
  body="{\"principalId\":\"$principal_id\",\"resourceId\":\"$api\",\"appRoleId\":\"$role_id\"}"
  if call_az rest --method POST --resource "$graph/" \
    --url "$graph/v1.0/servicePrincipals/$principal_id/appRoleAssignments" \
    --headers Content-Type=application/json --body "$body" --query id >/dev/null; then
    printf '%-18s granted\n' "$role"
    anything_new=true
    return
  fi
  case $(<"$problem_file") in
    *'already exists'*) printf '%-18s already granted\n' "$role" ;; # by somebody else, a moment ago
    *Authorization_RequestDenied* | *Forbidden*)
      fail 1 "NOT GRANTED: $role. You may not grant application roles in tenant $tenant." \
        "Somebody with the Microsoft Entra role $granters has to run:" \
        "  infra/grant-permissions.sh --principal-id $principal_id$again" \
        'Until then alerts wait in the queue, and none is lost.'
      ;;
    *) fail 1 "NOT GRANTED: $role." "Azure CLI says: $(<"$problem_file")" ;;
  esac
}

# Grants roles of one API: its name, its app ID, who may grant them, then the roles. Tells of others of the API that the identity holds.
grant_roles() {
  local api_name=$1 app_id=$2 granters=$3 api roles held role role_id assignment
  shift 3
  # The service principals that match; a filter, so that one that does not exist is an empty answer and no error.
  api=$(call_az rest --method GET --resource "$graph/" \
    --url "$graph/v1.0/servicePrincipals?\$filter=appId eq '$app_id'&\$select=id" \
    --query 'value[].id') || fail_reading "the service principal of the $api_name"
  [[ -n $api ]] || fail 1 \
    "Tenant $tenant has no service principal of the $api_name ($app_id)." \
    'Either it has no Defender for Endpoint, or its portal (https://security.microsoft.com) was never opened,' \
    "or this is the wrong tenant or cloud (Graph is $graph): az cloud set --name <cloud>; az login --tenant <tenant>"
  # Lines of name and ID. Roles are found by name: lists of their IDs that go round are wrong in places.
  roles=$(call_az rest --method GET --resource "$graph/" \
    --url "$graph/v1.0/servicePrincipals?\$filter=appId eq '$app_id'&\$select=appRoles" \
    --query "value[].appRoles[] | [?contains(allowedMemberTypes, 'Application')].[value, id]") ||
    fail_reading "the roles of the $api_name"
  # Lines of role ID and assignment ID.
  held=$(call_az rest --method GET --resource "$graph/" \
    --url "$graph/v1.0/servicePrincipals/$principal_id/appRoleAssignments?\$filter=resourceId eq $api" \
    --query 'value[].[appRoleId, id]') || fail_reading 'what the identity is granted'

  printf '%-18s %s\n' "$api_name" "$api"
  for role in "$@"; do grant "$role"; done
  while IFS=$'\t' read -r role role_id; do
    assignment=$(look_up "$held" "$role_id")
    [[ -n $assignment && " $* " != *" $role "* ]] || continue
    printf '%-18s granted, but the app does not need it. To take it away:\n' "$role"
    printf '  az rest --method DELETE --url "%s"\n' \
      "$graph/v1.0/servicePrincipals/$principal_id/appRoleAssignments/$assignment"
  done <<<"$roles"
}

printf 'Tenant             %s (Graph is %s)\n' "$tenant" "$graph"
printf 'Identity           %s (%s)\n' "${identity//[[:cntrl:]]/ }" "$principal_id"

again=
[[ $source == defender ]] || again+=" --source $source"
if $with_poller; then again+=' --with-poller'; fi

anything_new=false
if [[ $source != graph ]]; then
  needed=(Machine.Read.All)
  if $with_poller; then needed+=(Alert.Read.All); fi
  grant_roles 'Defender API' "$defender_app_id" "$granting_roles" "${needed[@]}"
fi
if [[ $source != defender ]]; then
  # Of all application permissions only those of Microsoft Graph take more than an application administrator.
  grant_roles 'Microsoft Graph' "$graph_app_id" 'Privileged Role Administrator' SecurityAlert.Read.All ThreatHunting.Read.All
fi

if $anything_new; then
  cat <<'EOF'
Azure may hand out a token from before the grant for up to 24 hours, if the app has asked for one already; nothing can
force a newer one. Until then alerts wait in the queue, and none is lost. Restart the app, so that it asks again at
once, and see with: npm run ops -- check --app <name>
EOF
fi
