// Rules over what the app and its host write into the log, a call from outside for when they write nothing, and whom the
// rules tell. A rule resolves by itself. All but one are log alerts: Azure's own metrics of a storage account know neither
// a single queue nor a message's age.

param namePrefix string
param location string
param tags object
param workspaceId string
param componentId string

param availabilityTest bool

@description('Address that says whether the app is alive.')
param livenessUri string

@description('Address to tell; empty for none.')
param email string

@description('Resource IDs of further action groups.')
param actionGroupIds array

param oldestWaitingMinutes int

@description('Whether the poller has a schedule. Without one it is silent by right.')
param pollerIsOn bool

var rules = [
  {
    name: 'dead-letters'
    title: 'Dead letters'
    description: 'Alerts or messages ended in the poison queue. "npm run ops -- dead-letters" shows why and replays them.'
    severity: 2
    query: loadTextContent('../queries/alerts/dead-letters.kql')
    column: 'DeadLetters'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'circuit-open'
    title: 'Defender refuses the app'
    description: 'Every alert waits because Defender refuses the app as a whole, most often for want of a permission. "npm run ops -- check" says what is missing.'
    severity: 1
    query: loadTextContent('../queries/alerts/circuit-open.kql')
    column: 'OpenMinutes'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 5
    frequency: 'PT5M'
    // The quota is reported when an alert is handled; in a quiet tenant that can be half an hour apart.
    window: 'PT1H'
  }
  {
    name: 'oldest-waiting'
    title: 'Alerts wait too long'
    description: 'An alert has waited longer than the deployment allows. "npm run ops -- quota" says how long the line is and what holds it up.'
    severity: 2
    query: loadTextContent('../queries/alerts/oldest-waiting.kql')
    column: 'WaitingMinutes'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: oldestWaitingMinutes
    frequency: 'PT15M'
    window: 'P1D'
  }
  {
    name: 'rate-lowered'
    title: 'Rate lowered'
    description: 'Defender answered 429 although the quota was kept, so the app calls more slowly for a while. Most often somebody else calls with the same identity: see DEFENDER_QUOTA_SHARE.'
    severity: 3
    query: loadTextContent('../queries/alerts/rate-lowered.kql')
    column: 'Rate'
    aggregation: 'Minimum'
    operator: 'LessThan'
    threshold: 1
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'no-progress'
    title: 'No progress'
    description: 'Alerts wait or runs fail, and for an hour none became final.'
    severity: 1
    query: loadTextContent('../queries/alerts/no-progress.kql')
    column: 'Stuck'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'poller-failing'
    title: 'Poller fails'
    description: 'In the last hour no pass of the poller came to its end, so new alerts may not be found. The panel of the poller in the workbook says why.'
    severity: 2
    query: loadTextContent('../queries/alerts/poller-failing.kql')
    column: 'FailedPasses'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'poller-silent'
    title: 'Poller is silent'
    description: 'No pass of the poller came to its end in six hours, so new alerts are not found. Its timer may not run: look at the function pollAlerts, and restart the app. Turn this rule off where the schedule has longer gaps than two hours.'
    severity: 2
    query: loadTextContent('../queries/alerts/poller-silent.kql')
    column: 'SilentWindows'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT1H'
    window: 'PT6H'
  }
]

// https://learn.microsoft.com/previous-versions/azure/azure-monitor/app/monitor-web-app-availability#location-population-tags
var testLocations = environment().name == 'AzureUSGovernment'
  ? ['usgov-va-azr', 'usgov-phx-azr', 'usgov-tx-azr']
  : ['emea-nl-ams-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']

var actionGroups = empty(email) ? actionGroupIds : concat(actionGroupIds, [mail.id])

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: '${namePrefix}-mail'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'enrichment'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${namePrefix}-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Alert enrichment: ${rule.title}'
    description: rule.description
    severity: rule.severity
    enabled: rule.name != 'poller-silent' || pollerIsOn
    scopes: [
      workspaceId
    ]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: rule.column
          timeAggregation: rule.aggregation
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    // The tables of a new workspace come into being with the first line.
    skipQueryValidation: true
    actions: {
      actionGroups: actionGroups
    }
  }
}]

// Of an app that is stopped, does not start or cannot send telemetry the log says nothing.
resource livenessTest 'Microsoft.Insights/webtests@2022-06-15' = if (availabilityTest) {
  name: '${namePrefix}-alive'
  location: location
  // The component shows the tests that are linked to it by this tag.
  tags: union(tags, {
    'hidden-link:${componentId}': 'Resource'
  })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: '${namePrefix}-alive'
    Name: 'Alert enrichment: alive'
    Enabled: true
    Kind: 'standard'
    Frequency: 900
    // An instance has to start for the first call of a quiet hour.
    Timeout: 120
    RetryEnabled: true
    Locations: [for testLocation in testLocations: {
      Id: testLocation
    }]
    Request: {
      RequestUrl: livenessUri
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
    }
  }
}

resource livenessRule 'Microsoft.Insights/metricAlerts@2018-03-01' = if (availabilityTest) {
  name: '${namePrefix}-not-alive'
  location: 'global'
  tags: tags
  properties: {
    description: 'The app did not answer from two places or more: it is stopped, does not start, or its address is closed. Nothing is enriched meanwhile, and the alerts wait in the queue.'
    severity: 1
    enabled: true
    scopes: [
      livenessTest.id
      componentId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT30M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: livenessTest.id
      componentId: componentId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [for actionGroup in actionGroups: {
      actionGroupId: actionGroup
    }]
  }
}
