#!/usr/bin/env pwsh
#requires -Version 7.0

<#
.SYNOPSIS
Grants the application roles that the app needs to its managed identity.

.DESCRIPTION
Grants to the managed identity of the app what it needs, by the source that it asks for devices:
  source             of the Defender API (WindowsDefenderATP)   of Microsoft Graph
  defender           Machine.Read.All, and Alert.Read.All       none
                     only when the app polls for alerts
  graph              none                                       SecurityAlert.Read.All, ThreatHunting.Read.All
  auto               as for defender                            as for graph
What is granted already stays as it is, so it may be run again at any time. Nothing is ever taken away.

Needs Azure CLI, signed in (az login) to the tenant of the identity as somebody with the Microsoft Entra role
Cloud Application Administrator, Application Administrator or Privileged Role Administrator; for the permissions of
Microsoft Graph only the last will do.

National clouds: az cloud set --name AzureUSGovernment, then az login. Microsoft Graph is called where that cloud has
it. For DoD, name its own Graph first:
  az cloud update --name AzureUSGovernment --endpoint-microsoft-graph-resource-id https://dod-graph.microsoft.us/

Ends with 0 when everything is granted (or the dry run is over), 1 when something is missing, 2 when it was called
wrongly. The hook in azure.yaml goes on after a 1 (continueOnError): alerts wait in the queue until the right is there.
PowerShell itself refuses a parameter without its value, with 1.

The same as grant-permissions.sh; keep the two in step.

.PARAMETER PrincipalId
Principal (object) ID of the identity, not its client ID; AZURE_IDENTITY_PRINCIPAL_ID when left out, as azd sets it.

.PARAMETER Source
defender, graph or auto; ENRICHMENT_SOURCE when left out, and else defender.

.PARAMETER WithPoller
The app polls for alerts; also when ALERT_POLL_SCHEDULE is not empty.

.PARAMETER DryRun
Say what would be granted, and grant nothing.

.PARAMETER Unknown
Whatever else is passed; it is refused.
#>
[CmdletBinding(PositionalBinding = $false)]
param(
  [string] $PrincipalId = $env:AZURE_IDENTITY_PRINCIPAL_ID,
  [string] $Source = ($env:ENRICHMENT_SOURCE ? $env:ENRICHMENT_SOURCE : 'defender'),
  [switch] $WithPoller,
  [switch] $DryRun,
  [Parameter(ValueFromRemainingArguments, DontShow)] [string[]] $Unknown
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false # a failed az is answered with a sentence, not with an exception

# The same in every tenant.
$defenderAppId = 'fc780465-2017-40d4-a0c5-307022471b92' # WindowsDefenderATP
$graphAppId = '00000003-0000-0000-c000-000000000000' # Microsoft Graph
$grantingRoles = 'Cloud Application Administrator, Application Administrator or Privileged Role Administrator'
$identityAttempts = 6
$identityPause = 10 # seconds

# Says what is wrong and what to do, a line each, and ends.
function Stop-Script([int] $Status, [string[]] $Lines) {
  foreach ($line in $Lines) { [Console]::Error.WriteLine($line) }
  exit $Status
}

if ($PSBoundParameters.ContainsKey('Unknown')) {
  Stop-Script 2 @("Unknown argument: $($Unknown[0])", 'See Get-Help infra/grant-permissions.ps1 -Full.')
}
if (-not $PrincipalId) {
  Stop-Script 2 @(
    'Which identity? Pass -PrincipalId <id>, or set AZURE_IDENTITY_PRINCIPAL_ID as azd does.',
    'To find it: az identity show --resource-group <group> --name <identity> --query principalId --output tsv'
  )
}
# It becomes part of addresses and of a query: nothing but a GUID may pass.
if ($PrincipalId -notmatch '\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z') {
  Stop-Script 2 @('The principal ID must be a GUID such as 11111111-2222-3333-4444-555555555555.')
}
if ($Source -cnotin 'defender', 'graph', 'auto') {
  Stop-Script 2 @('The source must be defender, graph or auto.')
}
if (-not (Get-Command az -CommandType Application -ErrorAction SilentlyContinue)) {
  Stop-Script 1 @('Azure CLI (az) is not installed. See https://aka.ms/azure-cli, then: az login')
}

$pollerIsOn = $WithPoller -or [bool] $env:ALERT_POLL_SCHEDULE
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

# Ends with the reason why Microsoft Graph could not be read, where it could not.
function Assert-Read([string] $Subject) {
  if (-not $script:failed) { return }
  if ($script:problem -match 'Authorization_RequestDenied|Forbidden') {
    Stop-Script 1 @(
      "You may not read $Subject in tenant $tenant. A guest often may not.",
      "Somebody with the Microsoft Entra role $grantingRoles has to run this.",
      "Azure CLI says: $script:problem"
    )
  }
  Stop-Script 1 @(
    "Microsoft Graph did not answer when asked for $Subject.",
    "If the sign-in is too old or needs another factor: az login --tenant $tenant",
    "Azure CLI says: $script:problem"
  )
}

$tenant = @(Invoke-Az @('account', 'show', '--query', 'tenantId')) -join ''
if ($script:failed) {
  Stop-Script 1 @('Azure CLI is not signed in. Run: az login', "Azure CLI says: $script:problem")
}
$graph = (@(Invoke-Az @('cloud', 'show', '--query', 'endpoints.microsoftGraphResourceId')) -join '').TrimEnd('/')
if ($graph -notmatch '\Ahttps://[A-Za-z0-9.-]+\z') {
  Stop-Script 1 @("Azure CLI does not say where this cloud has Microsoft Graph (got '$graph'). Update it: az upgrade")
}

# An identity that was made a moment ago may not be visible yet.
for ($attempt = 1; $true; $attempt++) {
  $identity = @(Invoke-Az @(
      'rest', '--method', 'GET', '--resource', "$graph/",
      '--url', "$graph/v1.0/servicePrincipals?`$filter=id eq '$PrincipalId'&`$select=displayName",
      '--query', 'value[].displayName'
    )) -join ' '
  Assert-Read 'the identity'
  if ($identity -or $attempt -ge $identityAttempts) { break }
  Write-Host "The identity is not visible in Microsoft Entra yet; asking again in $identityPause s."
  Start-Sleep -Seconds $identityPause
}
if (-not $identity) {
  Stop-Script 1 @(
    "Tenant $tenant knows no identity with the principal ID $PrincipalId.",
    'Is it the client ID by mistake? The principal ID shows:',
    '  az identity show --resource-group <group> --name <identity> --query principalId --output tsv',
    'Is this the tenant of the identity? Otherwise: az login --tenant <tenant>'
  )
}

# Second column of the first line whose first column is the given text.
function Find-Second([string[]] $Lines, [string] $First) {
  foreach ($line in $Lines) {
    $columns = $line -split "`t"
    if ($columns[0] -ceq $First) { return $columns[1] }
  }
}

# Grants one role of the API that is being looked at.
function Grant-Role([string] $Role) {
  $roleId = Find-Second $roles $Role
  if (-not $roleId) { Stop-Script 1 @("The $apiName of tenant $tenant has no application role named $Role.") }
  if (Find-Second $held $roleId) {
    Write-Host ('{0,-18} already granted' -f $Role)
    return
  }
  if ($DryRun) {
    Write-Host ('{0,-18} missing; would be granted (dry run)' -f $Role)
    return
  }
  $bodyFile = New-TemporaryFile
  try {
    @{ principalId = $PrincipalId; resourceId = $api; appRoleId = $roleId } | ConvertTo-Json -Compress |
      Set-Content -Path $bodyFile.FullName -Encoding utf8NoBOM
    $null = Invoke-Az @(
      'rest', '--method', 'POST', '--resource', "$graph/",
      '--url', "$graph/v1.0/servicePrincipals/$PrincipalId/appRoleAssignments",
      '--headers', 'Content-Type=application/json', '--body', "@$($bodyFile.FullName)", '--query', 'id'
    )
  } finally {
    Remove-Item $bodyFile
  }
  if (-not $script:failed) {
    Write-Host ('{0,-18} granted' -f $Role)
    $script:anythingNew = $true
    return
  }
  if ($script:problem -match 'already exists') {
    Write-Host ('{0,-18} already granted' -f $Role) # by somebody else, a moment ago
    return
  }
  if ($script:problem -match 'Authorization_RequestDenied|Forbidden') {
    Stop-Script 1 @(
      "NOT GRANTED: $Role. You may not grant application roles in tenant $tenant.",
      "Somebody with the Microsoft Entra role $granters has to run:",
      "  infra/grant-permissions.ps1 -PrincipalId $PrincipalId$again",
      'Until then alerts wait in the queue, and none is lost.'
    )
  }
  Stop-Script 1 @("NOT GRANTED: $Role.", "Azure CLI says: $script:problem")
}

# Grants roles of one API. Tells of others of the API that the identity holds.
function Grant-Roles([string] $apiName, [string] $appId, [string] $granters, [string[]] $needed) {
  # The service principals that match; a filter, so that one that does not exist is an empty answer and no error.
  $api = @(Invoke-Az @(
      'rest', '--method', 'GET', '--resource', "$graph/",
      '--url', "$graph/v1.0/servicePrincipals?`$filter=appId eq '$appId'&`$select=id",
      '--query', 'value[].id'
    )) -join ''
  Assert-Read "the service principal of the $apiName"
  if (-not $api) {
    Stop-Script 1 @(
      "Tenant $tenant has no service principal of the $apiName ($appId).",
      'Either it has no Defender for Endpoint, or its portal (https://security.microsoft.com) was never opened,',
      "or this is the wrong tenant or cloud (Graph is $graph): az cloud set --name <cloud>; az login --tenant <tenant>"
    )
  }
  # Lines of name and ID. Roles are found by name: lists of their IDs that go round are wrong in places.
  $roles = @(Invoke-Az @(
      'rest', '--method', 'GET', '--resource', "$graph/",
      '--url', "$graph/v1.0/servicePrincipals?`$filter=appId eq '$appId'&`$select=appRoles",
      '--query', "value[].appRoles[] | [?contains(allowedMemberTypes, 'Application')].[value, id]"
    ))
  Assert-Read "the roles of the $apiName"
  # Lines of role ID and assignment ID.
  $held = @(Invoke-Az @(
      'rest', '--method', 'GET', '--resource', "$graph/",
      '--url', "$graph/v1.0/servicePrincipals/$PrincipalId/appRoleAssignments?`$filter=resourceId eq $api",
      '--query', 'value[].[appRoleId, id]'
    ))
  Assert-Read 'what the identity is granted'

  Write-Host ('{0,-18} {1}' -f $apiName, $api)
  foreach ($role in $needed) { Grant-Role $role }
  foreach ($line in $roles) {
    $role, $roleId = $line -split "`t"
    $assignment = Find-Second $held $roleId
    if (-not $assignment -or $role -cin $needed) { continue }
    Write-Host ('{0,-18} granted, but the app does not need it. To take it away:' -f $role)
    Write-Host "  az rest --method DELETE --url `"$graph/v1.0/servicePrincipals/$PrincipalId/appRoleAssignments/$assignment`""
  }
}

Write-Host "Tenant             $tenant (Graph is $graph)"
Write-Host "Identity           $($identity -replace '\p{Cc}', ' ') ($PrincipalId)"

$again = ($Source -cne 'defender' ? " -Source $Source" : '') + ($pollerIsOn ? ' -WithPoller' : '')
$script:anythingNew = $false
if ($Source -cne 'graph') {
  Grant-Roles 'Defender API' $defenderAppId $grantingRoles (@('Machine.Read.All') + @(if ($pollerIsOn) { 'Alert.Read.All' }))
}
if ($Source -cne 'defender') {
  # Of all application permissions only those of Microsoft Graph take more than an application administrator.
  Grant-Roles 'Microsoft Graph' $graphAppId 'Privileged Role Administrator' @('SecurityAlert.Read.All', 'ThreatHunting.Read.All')
}

if ($script:anythingNew) {
  Write-Host @'
Azure may hand out a token from before the grant for up to 24 hours, if the app has asked for one already; nothing can
force a newer one. Until then alerts wait in the queue, and none is lost. Restart the app, so that it asks again at
once, and see with: npm run ops -- check --app <name>
'@
}
exit 0
