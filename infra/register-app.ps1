#!/usr/bin/env pwsh
#requires -Version 7.0

<#
.SYNOPSIS
Registers the app that signs in to customers' tenants, without a secret.

.DESCRIPTION
Makes, in the tenant of the managed identity (the home tenant), the app registration by which one deployment serves
many tenants (docs/tenants.md): multitenant, with a federated credential that trusts the identity, and with the
permissions that customers will be asked to consent to:
  source             of the Defender API (WindowsDefenderATP)   of Microsoft Graph
  defender           Machine.Read.All, Alert.Read.All           none
  graph              none                                       SecurityAlert.Read.All, ThreatHunting.Read.All
  auto               as for defender                            as for graph
What is there already stays as it is, so it may be run again at any time. Nothing is ever taken away, and no secret is
made.

Needs Azure CLI, signed in (az login) to the home tenant as somebody who may register applications there.
National clouds: az cloud set --name AzureUSGovernment, then az login.

Ends with 0 when everything is there (or the dry run is over), 1 when something is missing, 2 when it was called wrongly.
PowerShell itself refuses a parameter without its value, with 1.

The same as register-app.sh; keep the two in step.

.PARAMETER PrincipalId
Principal (object) ID of the user-assigned identity, not its client ID; AZURE_IDENTITY_PRINCIPAL_ID when left out, as
azd sets it.

.PARAMETER Name
Display name, which customers see; "Defender alert enrichment" when left out.

.PARAMETER Source
defender, graph or auto; ENRICHMENT_SOURCE when left out, and else defender.

.PARAMETER DryRun
Say what would be made, and make nothing.

.PARAMETER Unknown
Whatever else is passed; it is refused.
#>
[CmdletBinding(PositionalBinding = $false)]
param(
  [string] $PrincipalId = $env:AZURE_IDENTITY_PRINCIPAL_ID,
  [string] $Name = 'Defender alert enrichment',
  [string] $Source = ($env:ENRICHMENT_SOURCE ? $env:ENRICHMENT_SOURCE : 'defender'),
  [switch] $DryRun,
  [Parameter(ValueFromRemainingArguments, DontShow)] [string[]] $Unknown
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false # a failed az is answered with a sentence, not with an exception

# The same in every tenant.
$defenderAppId = 'fc780465-2017-40d4-a0c5-307022471b92' # WindowsDefenderATP
$graphAppId = '00000003-0000-0000-c000-000000000000' # Microsoft Graph
$registeringRoles = 'Application Developer, Cloud Application Administrator or Application Administrator'

# Says what is wrong and what to do, a line each, and ends.
function Stop-Script([int] $Status, [string[]] $Lines) {
  foreach ($line in $Lines) { [Console]::Error.WriteLine($line) }
  exit $Status
}

if ($PSBoundParameters.ContainsKey('Unknown')) {
  Stop-Script 2 @("Unknown argument: $($Unknown[0])", 'See Get-Help infra/register-app.ps1 -Full.')
}
if (-not $PrincipalId) {
  Stop-Script 2 @(
    'Which identity? Pass -PrincipalId <id>, or set AZURE_IDENTITY_PRINCIPAL_ID as azd does.',
    'To find it: az identity show --resource-group <group> --name <identity> --query principalId --output tsv'
  )
}
# Both become parts of addresses and of JSON: nothing else may pass.
if ($PrincipalId -cnotmatch '\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z') {
  Stop-Script 2 @('The principal ID must be a GUID such as 11111111-2222-3333-4444-555555555555.')
}
if ($Name -cnotmatch '\A[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}\z') {
  Stop-Script 2 @('The name must have 1 to 100 letters, digits, spaces, dots, underscores or hyphens.')
}
if ($Source -cnotin 'defender', 'graph', 'auto') {
  Stop-Script 2 @('The source must be defender, graph or auto.')
}
if (-not (Get-Command az -CommandType Application -ErrorAction SilentlyContinue)) {
  Stop-Script 1 @('Azure CLI (az) is not installed. See https://aka.ms/azure-cli, then: az login')
}

$script:problem = ''
$script:failed = $false

# Calls az and gives its lines; whether it failed and what it said is kept beside. On Windows az is a batch file, which
# takes no double quotes, and takes & | ( ) only in an argument that has a blank in it: keep to that below.
function Invoke-Az([string[]] $Arguments) {
  $problemFile = New-TemporaryFile
  try {
    $lines = @(& az @Arguments --output tsv --only-show-errors 2> $problemFile.FullName)
    $script:failed = $LASTEXITCODE -ne 0
    $script:problem = "$(Get-Content -Raw $problemFile.FullName)".Trim()
  } finally {
    Remove-Item $problemFile
  }
  foreach ($line in $lines) { "$line".TrimEnd("`r") }
}

# Asks Microsoft Graph: path with its query, and what is wanted of the answer.
function Read-Graph([string] $Path, [string] $Query) {
  Invoke-Az @('rest', '--method', 'GET', '--resource', "$graph/", '--url', "$graph/v1.0/$Path", '--query', $Query)
}

# Changes something by Microsoft Graph: method, path, body, and what is wanted of the answer. The body goes by a file,
# since JSON has double quotes.
function Write-Graph([string] $Method, [string] $Path, [Collections.IDictionary] $Body, [string] $Query) {
  $bodyFile = New-TemporaryFile
  try {
    $Body | ConvertTo-Json -Compress | Set-Content -Path $bodyFile.FullName -Encoding utf8NoBOM
    Invoke-Az @(
      'rest', '--method', $Method, '--resource', "$graph/", '--url', "$graph/v1.0/$Path",
      '--headers', 'Content-Type=application/json', '--body', "@$($bodyFile.FullName)", '--query', $Query
    )
  } finally {
    Remove-Item $bodyFile
  }
}

# Ends with the reason why Microsoft Graph refused, where it did.
function Assert-Asked([string] $Request) {
  if (-not $script:failed) { return }
  if ($script:problem -cmatch 'Authorization_RequestDenied|Forbidden') {
    Stop-Script 1 @(
      "You may not $Request in tenant $tenant.",
      "Somebody with the Microsoft Entra role $registeringRoles has to run this.",
      "Azure CLI says: $script:problem"
    )
  }
  Stop-Script 1 @(
    "Microsoft Graph did not $Request.",
    "If the sign-in is too old or needs another factor: az login --tenant $tenant",
    "Azure CLI says: $script:problem"
  )
}

$tenant = @(Invoke-Az @('account', 'show', '--query', 'tenantId')) -join ''
if ($script:failed) {
  Stop-Script 1 @('Azure CLI is not signed in. Run: az login', "Azure CLI says: $script:problem")
}
$graph = @(Invoke-Az @('cloud', 'show', '--query', 'endpoints.microsoftGraphResourceId')) -join ''
$graph = $script:failed ? '' : $graph -replace '/\z'
if ($graph -cnotmatch '\Ahttps://[A-Za-z0-9.-]+\z') {
  Stop-Script 1 @("Azure CLI does not say where this cloud has Microsoft Graph (got '$graph'). Update it: az upgrade")
}
# Issuer and audience go by the cloud: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
if ($graph -ceq 'https://graph.microsoft.com') {
  $issuer = "https://login.microsoftonline.com/$tenant/v2.0"
  $audience = 'api://AzureADTokenExchange'
} elseif ($graph -clike '*.microsoft.us') {
  $issuer = "https://login.microsoftonline.us/$tenant/v2.0"
  $audience = 'api://AzureADTokenExchangeUSGov'
} else {
  Stop-Script 1 @("This cloud (Graph is $graph) is none that Defender for Endpoint is served in. az cloud set --name <cloud>")
}

# Its alternative names hold its resource ID, which tells the kind of identity.
$identity = @(Read-Graph "servicePrincipals?`$filter=id eq '$PrincipalId'&`$select=alternativeNames" `
    "value[].join(' ', alternativeNames)") -join ' '
Assert-Asked 'read the identity'
if (-not $identity) {
  Stop-Script 1 @(
    "Tenant $tenant knows no identity with the principal ID $PrincipalId.",
    'Is it the client ID by mistake? Is this the tenant of the identity? Otherwise: az login --tenant <tenant>'
  )
}
if ($identity -cnotlike '*/userAssignedIdentities/*') {
  Stop-Script 1 @('This identity is not a user-assigned managed identity: no app registration can trust another kind.')
}

# Makes the registration ask for the roles of one API.
function Add-Roles([string] $apiName, [string] $appId, [string[]] $needed) {
  # Lines of name and ID. Roles are found by name: lists of their IDs that go round are wrong in places.
  $roles = @(Read-Graph "servicePrincipals?`$filter=appId eq '$appId'&`$select=appRoles" `
      "value[].appRoles[] | [?contains(allowedMemberTypes, 'Application')].[value, id]")
  Assert-Asked "read the roles of the $apiName"
  if (-not $roles) {
    Stop-Script 1 @(
      "Tenant $tenant has no service principal of the $apiName, which names its roles. Make one, and run this again:",
      "  az ad sp create --id $appId"
    )
  }
  foreach ($role in $needed) {
    $roleId = $null
    foreach ($line in $roles) {
      $columns = $line -split "`t"
      if ($columns[0] -ceq $role) {
        $roleId = $columns[1]
        break
      }
    }
    if (-not $roleId) { Stop-Script 1 @("The $apiName of tenant $tenant has no application role named $role.") }
    if ($roleId -cin $held) {
      Write-Host ('{0,-24} asked for already' -f $role)
    } elseif ($DryRun) {
      Write-Host ('{0,-24} missing; would be asked for (dry run)' -f $role)
    } else {
      $null = Invoke-Az @(
        'ad', 'app', 'permission', 'add', '--id', "$appClientId", '--api', "$appId", '--api-permissions', "$roleId=Role"
      )
      Assert-Asked 'change the permissions of the registration'
      Write-Host ('{0,-24} asked for' -f $role)
      $script:anythingNew = $true
    }
  }
}

Write-Host ('{0,-24} {1} (Graph is {2})' -f 'Tenant', $tenant, $graph)
Write-Host ('{0,-24} {1}' -f 'Identity', $PrincipalId)

# Lines of object ID, app ID and audience.
$found = @(Read-Graph "applications?`$filter=displayName eq '$Name'&`$select=id,appId,signInAudience" `
    'value[].[id, appId, signInAudience]')
Assert-Asked 'read the app registrations'
if ($found.Count -gt 1) {
  Stop-Script 1 @("Tenant $tenant has several app registrations named `"$Name`". Choose another with -Name, or rename one.")
}

$script:anythingNew = $false
$held = @()
$credentials = @()
if (-not $found) {
  $objectId = ''
  $appClientId = '(made by the run itself)'
  if ($DryRun) {
    Write-Host ('{0,-24} missing; would be made (dry run)' -f 'Registration')
  } else {
    $body = [ordered] @{ displayName = $Name; signInAudience = 'AzureADMultipleOrgs' }
    $found = @(Write-Graph 'POST' 'applications' $body '[[id, appId]]')
    Assert-Asked 'register an application'
    $objectId, $appClientId = "$found" -split "`t"
    Write-Host ('{0,-24} made: {1}' -f 'Registration', $appClientId)
    $script:anythingNew = $true
  }
} else {
  $objectId, $appClientId, $audienceNow = "$found" -split "`t"
  if ($audienceNow -cne 'AzureADMultipleOrgs') {
    Stop-Script 1 @(
      "The app registration `"$Name`" ($appClientId) is for $audienceNow. Take another -Name, or let it serve other tenants:",
      "  az ad app update --id $appClientId --sign-in-audience AzureADMultipleOrgs"
    )
  }
  Write-Host ('{0,-24} there already: {1}' -f 'Registration', $appClientId)
  $held = @(Read-Graph "applications/${objectId}?`$select=requiredResourceAccess" `
      'requiredResourceAccess[].resourceAccess[].id')
  Assert-Asked 'read the permissions of the registration'
  # Lines of name, issuer, subject and audiences.
  $credentials = @(Read-Graph "applications/$objectId/federatedIdentityCredentials" `
      "value[].[name, issuer, subject, join(' ', audiences)]")
  Assert-Asked 'read the federated credentials'
}

if ($Source -cne 'graph') { Add-Roles 'Defender API' $defenderAppId @('Machine.Read.All', 'Alert.Read.All') }
if ($Source -cne 'defender') {
  Add-Roles 'Microsoft Graph' $graphAppId @('SecurityAlert.Read.All', 'ThreatHunting.Read.All')
}

$credentialName = "enrichment-$($PrincipalId.Substring(0, 8))"
# Upper and lower case count in the subject: Microsoft Entra takes a wrong one and refuses the sign-in.
$trusts = $false
$nameIsTaken = $false
foreach ($line in $credentials) {
  $itsName, $trusted = $line -split "`t", 2
  if ($itsName -ceq $credentialName) { $nameIsTaken = $true }
  if ($trusted -ceq "$issuer`t$PrincipalId`t$audience") { $trusts = $true }
}
if ($trusts) {
  Write-Host ('{0,-24} there already' -f 'Federated credential')
} elseif ($DryRun) {
  Write-Host ('{0,-24} missing; would be made (dry run)' -f 'Federated credential')
} else {
  if ($nameIsTaken) {
    Stop-Script 1 @(
      "The registration has a federated credential `"$credentialName`" that trusts something else. Look at it, and delete it:",
      "  az ad app federated-credential delete --id $appClientId --federated-credential-id $credentialName"
    )
  }
  $body = [ordered] @{ name = $credentialName; issuer = $issuer; subject = $PrincipalId; audiences = @($audience) }
  $null = Write-Graph 'POST' "applications/$objectId/federatedIdentityCredentials" $body 'id'
  Assert-Asked 'make a federated credential'
  Write-Host ('{0,-24} made' -f 'Federated credential')
  $script:anythingNew = $true
}

if (-not $DryRun) {
  Write-Host @"

DEFENDER_APP_ID=$appClientId

Set it: azd env set DEFENDER_APP_ID <it>; azd provision. Without azd it is a setting of the app.
Then add a customer, who is asked for consent: npm run ops -- tenants add <tenant ID> --name <name>
"@
  if ($script:anythingNew) {
    Write-Host 'Microsoft Entra may take a few minutes until it knows what was made.'
  }
}
exit 0
