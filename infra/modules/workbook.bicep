// A workbook over the lines that the app writes into its log.

param displayName string
param location string
param tags object
param workspaceId string

var panels = [
  {
    name: 'quota-now'
    title: 'Quota, as last reported'
    query: loadTextContent('../queries/workbook/quota-now.kql')
    visualization: 'table'
    width: '100'
  }
  {
    name: 'quota'
    title: 'Quota used, in percent of each limit'
    query: loadTextContent('../queries/workbook/quota.kql')
    visualization: 'timechart'
    width: '50'
  }
  {
    name: 'line'
    title: 'Alerts in the queue'
    query: loadTextContent('../queries/workbook/line.kql')
    visualization: 'timechart'
    width: '50'
  }
  {
    name: 'throughput'
    title: 'Alerts that became final or were put back, in 15 minutes'
    query: loadTextContent('../queries/workbook/throughput.kql')
    visualization: 'timechart'
    width: '50'
  }
  {
    name: 'outcomes'
    title: 'Outcomes'
    query: loadTextContent('../queries/workbook/outcomes.kql')
    visualization: 'piechart'
    width: '50'
  }
  {
    name: 'waiting-time'
    title: 'Seconds from the first sight of an alert to its end'
    query: loadTextContent('../queries/workbook/waiting-time.kql')
    visualization: 'timechart'
    width: '100'
  }
  {
    name: 'failures'
    title: 'Failures, by reason'
    query: loadTextContent('../queries/workbook/failures.kql')
    visualization: 'table'
    width: '100'
  }
  {
    name: 'deferrals'
    title: 'Deferrals, by reason'
    query: loadTextContent('../queries/workbook/deferrals.kql')
    visualization: 'table'
    width: '100'
  }
  {
    name: 'poller'
    title: 'Passes of the poller, by how they ended'
    query: loadTextContent('../queries/workbook/poller.kql')
    visualization: 'table'
    width: '100'
  }
  {
    name: 'http'
    title: 'Orders by HTTP and failed requests, in one hour'
    query: loadTextContent('../queries/workbook/http.kql')
    visualization: 'table'
    width: '100'
  }
]

var timeRange = {
  type: 9
  name: 'time-range'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: {
          durationMs: 86400000
        }
        typeSettings: {
          selectableValues: [
            {
              durationMs: 3600000
            }
            {
              durationMs: 86400000
            }
            {
              durationMs: 604800000
            }
            {
              durationMs: 2592000000
            }
          ]
          allowCustom: true
        }
      }
    ]
    style: 'pills'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
  }
}

var charts = [for panel in panels: {
  type: 3
  name: panel.name
  customWidth: panel.width
  content: {
    version: 'KqlItem/1.0'
    title: panel.title
    query: panel.query
    size: 0
    timeContextFromParameter: 'TimeRange'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [
      workspaceId
    ]
    visualization: panel.visualization
  }
}]

var content = {
  version: 'Notebook/1.0'
  items: concat([timeRange], charts)
  fallbackResourceIds: [
    workspaceId
  ]
}

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(workspaceId, 'alert-enrichment')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(content)
  }
}
