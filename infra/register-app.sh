#!/usr/bin/env bash
# Registers the app that signs in to customers' tenants, without a secret. `--help` says how.
# The same as register-app.ps1; keep the two in step. Written for bash 3.2, which macOS has.
set -euo pipefail

# The same in every tenant.
readonly defender_app_id=fc780465-2017-40d4-a0c5-307022471b92 # WindowsDefenderATP
readonly graph_app_id=00000003-0000-0000-c000-000000000000 # Microsoft Graph
readonly registering_roles='Application Developer, Cloud Application Administrator or Application Administrator'

usage() {
  cat <<'EOF'
Usage: register-app.sh [--principal-id <id>] [--name <name>] [--source <source>] [--dry-run]

Makes, in the tenant of the managed identity (the home tenant), the app registration by which one deployment serves
many tenants (docs/tenants.md): multitenant, with a federated credential that trusts the identity, and with the
permissions that customers will be asked to consent to:
  source             of the Defender API (WindowsDefenderATP)   of Microsoft Graph
  defender           Machine.Read.All, Alert.Read.All           none
  graph              none                                       SecurityAlert.Read.All, ThreatHunting.Read.All
  auto               as for defender                            as for graph
What is there already stays as it is, so it may be run again at any time. Nothing is ever taken away, and no secret is
made.

  --principal-id <id>  principal (object) ID of the user-assigned identity, not its client ID;
                       AZURE_IDENTITY_PRINCIPAL_ID when left out, as azd sets it
  --name <name>        display name, which customers see; "Defender alert enrichment" when left out
  --source <source>    defender, graph or auto; ENRICHMENT_SOURCE when left out, and else defender
  --dry-run            say what would be made, and make nothing
  --help               this text

Needs Azure CLI, signed in (az login) to the home tenant as somebody who may register applications there.
National clouds: az cloud set --name AzureUSGovernment, then az login.

Ends with 0 when everything is there (or the dry run is over), 1 when something is missing, 2 when it was called wrongly.
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
name='Defender alert enrichment'
dry_run=false

while [[ $# -gt 0 ]]; do
  case $1 in
    --principal-id | --source | --name)
      [[ $# -ge 2 ]] || fail 2 "$1 needs a value."
      case $1 in
        --principal-id) principal_id=$2 ;;
        --source) source=$2 ;;
        --name) name=$2 ;;
      esac
      shift
      ;;
    --dry-run) dry_run=true ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail 2 "Unknown argument: $1" 'See register-app.sh --help.' ;;
  esac
  shift
done

[[ -n $principal_id ]] || fail 2 \
  'Which identity? Pass --principal-id <id>, or set AZURE_IDENTITY_PRINCIPAL_ID as azd does.' \
  'To find it: az identity show --resource-group <group> --name <identity> --query principalId --output tsv'
# Both become parts of addresses and of JSON: nothing else may pass.
[[ $principal_id =~ ^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$ ]] || fail 2 \
  'The principal ID must be a GUID such as 11111111-2222-3333-4444-555555555555.'
[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9\ ._-]{0,99}$ ]] || fail 2 \
  'The name must have 1 to 100 letters, digits, spaces, dots, underscores or hyphens.'
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

# Asks Microsoft Graph; $1 is the path with its query, $2 what is wanted of the answer.
read_graph() {
  call_az rest --method GET --resource "$graph/" --url "$graph/v1.0/$1" --query "$2"
}

# Changes something by Microsoft Graph: method, path, body, and what is wanted of the answer.
write_graph() {
  call_az rest --method "$1" --resource "$graph/" --url "$graph/v1.0/$2" \
    --headers Content-Type=application/json --body "$3" --query "$4"
}

# Ends with the reason why Microsoft Graph refused.
fail_asking() {
  local problem
  problem=$(<"$problem_file")
  case $problem in
    *Authorization_RequestDenied* | *Forbidden*)
      fail 1 "You may not $1 in tenant $tenant." \
        "Somebody with the Microsoft Entra role $registering_roles has to run this." "Azure CLI says: $problem"
      ;;
    *)
      fail 1 "Microsoft Graph did not $1." \
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
# Issuer and audience go by the cloud: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
case $graph in
  https://graph.microsoft.com)
    issuer="https://login.microsoftonline.com/$tenant/v2.0"
    audience=api://AzureADTokenExchange
    ;;
  *.microsoft.us)
    issuer="https://login.microsoftonline.us/$tenant/v2.0"
    audience=api://AzureADTokenExchangeUSGov
    ;;
  *) fail 1 "This cloud (Graph is $graph) is none that Defender for Endpoint is served in. az cloud set --name <cloud>" ;;
esac

# Its alternative names hold its resource ID, which tells the kind of identity.
identity=$(read_graph "servicePrincipals?\$filter=id eq '$principal_id'&\$select=alternativeNames" \
  "value[].join(' ', alternativeNames)") || fail_asking 'read the identity'
case $identity in
  '') fail 1 \
    "Tenant $tenant knows no identity with the principal ID $principal_id." \
    'Is it the client ID by mistake? Is this the tenant of the identity? Otherwise: az login --tenant <tenant>' ;;
  */userAssignedIdentities/*) ;;
  *) fail 1 'This identity is not a user-assigned managed identity: no app registration can trust another kind.' ;;
esac

# Makes the registration ask for the roles of one API: its name, its app ID, the roles.
ask_for() {
  local api_name=$1 app_id=$2 roles role role_id
  shift 2
  # Lines of name and ID. Roles are found by name: lists of their IDs that go round are wrong in places.
  roles=$(read_graph "servicePrincipals?\$filter=appId eq '$app_id'&\$select=appRoles" \
    "value[].appRoles[] | [?contains(allowedMemberTypes, 'Application')].[value, id]") ||
    fail_asking "read the roles of the $api_name"
  [[ -n $roles ]] || fail 1 \
    "Tenant $tenant has no service principal of the $api_name, which names its roles. Make one, and run this again:" \
    "  az ad sp create --id $app_id"
  for role in "$@"; do
    role_id=$(awk -F '\t' -v key="$role" '$1 == key { print $2; exit }' <<<"$roles")
    [[ -n $role_id ]] || fail 1 "The $api_name of tenant $tenant has no application role named $role."
    if grep -qF "$role_id" <<<"$held"; then
      printf '%-24s asked for already\n' "$role"
    elif $dry_run; then
      printf '%-24s missing; would be asked for (dry run)\n' "$role"
    else
      call_az ad app permission add --id "$app_client_id" --api "$app_id" --api-permissions "$role_id=Role" >/dev/null ||
        fail_asking "change the permissions of the registration"
      printf '%-24s asked for\n' "$role"
      anything_new=true
    fi
  done
}

printf '%-24s %s (Graph is %s)\n' 'Tenant' "$tenant" "$graph"
printf '%-24s %s\n' 'Identity' "$principal_id"

# Lines of object ID, app ID and audience.
found=$(read_graph "applications?\$filter=displayName eq '$name'&\$select=id,appId,signInAudience" \
  'value[].[id, appId, signInAudience]') || fail_asking 'read the app registrations'
[[ $(grep -c . <<<"$found") -le 1 ]] || fail 1 \
  "Tenant $tenant has several app registrations named \"$name\". Choose another with --name, or rename one."

anything_new=false
held=
credentials=
if [[ -z $found ]]; then
  object_id=
  app_client_id='(made by the run itself)'
  if $dry_run; then
    printf '%-24s missing; would be made (dry run)\n' 'Registration'
  else
    body="{\"displayName\":\"$name\",\"signInAudience\":\"AzureADMultipleOrgs\"}"
    found=$(write_graph POST applications "$body" '[[id, appId]]') || fail_asking 'register an application'
    IFS=$'\t' read -r object_id app_client_id <<<"$found"
    printf '%-24s made: %s\n' 'Registration' "$app_client_id"
    anything_new=true
  fi
else
  IFS=$'\t' read -r object_id app_client_id audience_now <<<"$found"
  [[ $audience_now == AzureADMultipleOrgs ]] || fail 1 \
    "The app registration \"$name\" ($app_client_id) is for $audience_now. Take another --name, or let it serve other tenants:" \
    "  az ad app update --id $app_client_id --sign-in-audience AzureADMultipleOrgs"
  printf '%-24s there already: %s\n' 'Registration' "$app_client_id"
  held=$(read_graph "applications/$object_id?\$select=requiredResourceAccess" \
    'requiredResourceAccess[].resourceAccess[].id') || fail_asking 'read the permissions of the registration'
  # Lines of name, issuer, subject and audiences.
  credentials=$(read_graph "applications/$object_id/federatedIdentityCredentials" \
    "value[].[name, issuer, subject, join(' ', audiences)]") || fail_asking 'read the federated credentials'
fi

[[ $source == graph ]] || ask_for 'Defender API' "$defender_app_id" Machine.Read.All Alert.Read.All
[[ $source == defender ]] || ask_for 'Microsoft Graph' "$graph_app_id" SecurityAlert.Read.All ThreatHunting.Read.All

credential_name="enrichment-${principal_id:0:8}"
# Upper and lower case count in the subject: Microsoft Entra takes a wrong one and refuses the sign-in.
if awk -F '\t' -v i="$issuer" -v s="$principal_id" -v a="$audience" \
  '$2 == i && $3 == s && $4 == a { found = 1 } END { exit !found }' <<<"$credentials"; then
  printf '%-24s there already\n' 'Federated credential'
elif $dry_run; then
  printf '%-24s missing; would be made (dry run)\n' 'Federated credential'
else
  ! grep -q "^$credential_name"$'\t' <<<"$credentials" || fail 1 \
    "The registration has a federated credential \"$credential_name\" that trusts something else. Look at it, and delete it:" \
    "  az ad app federated-credential delete --id $app_client_id --federated-credential-id $credential_name"
  body="{\"name\":\"$credential_name\",\"issuer\":\"$issuer\",\"subject\":\"$principal_id\",\"audiences\":[\"$audience\"]}"
  write_graph POST "applications/$object_id/federatedIdentityCredentials" "$body" id >/dev/null ||
    fail_asking 'make a federated credential'
  printf '%-24s made\n' 'Federated credential'
  anything_new=true
fi

if ! $dry_run; then
  printf '%s\n' '' "DEFENDER_APP_ID=$app_client_id" '' \
    'Set it: azd env set DEFENDER_APP_ID <it>; azd provision. Without azd it is a setting of the app.' \
    'Then add a customer, who is asked for consent: npm run ops -- tenants add <tenant ID> --name <name>'
  if $anything_new; then
    printf '%s\n' 'Microsoft Entra may take a few minutes until it knows what was made.'
  fi
fi
