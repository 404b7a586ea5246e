metadata description = 'Who is told, and of what: each alert is one row, with the query that notices it.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Addresses that are told.')
param emails array
@description('Required. Log Analytics workspace.')
param workspaceId string
@description('Required. Name of the container job.')
param job string

var alerts = [
  {
    name: 'poison'
    title: 'A message failed five times and was put aside'
    query: 'StorageQueueLogs | where OperationName == "PutMessage" and Uri contains "-poison/messages"'
    severity: 2
    more: 0
  }
  {
    name: 'failing'
    title: 'Requests fail by our own fault'
    query: 'AppRequests | where toint(ResultCode) >= 500 and toint(ResultCode) != 503'
    severity: 2
    more: 5
  }
  {
    name: 'runs'
    title: 'A run failed in the container job, or ran out of time'
    query: 'union (ContainerAppConsoleLogs | where JobName == "${job}" and Log contains " ERROR "), (ContainerAppSystemLogs | where JobName == "${job}" and Reason in ("BackoffLimitExceeded", "DeadlineExceeded"))'
    severity: 2
    more: 0
  }
  {
    name: 'stuck'
    title: 'Images wait to be taken up: messages are older than fifteen minutes'
    query: 'AppTraces | where OperationName in ("on_refresh", "on_register", "on_measure") | extend inserted = todatetime(extract("InsertedOn: ([^ ,]+)", 1, Message)) | where isnotnull(inserted) and TimeGenerated - inserted > 15m'
    severity: 3
    more: 0
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'labelry'
    enabled: true
    emailReceivers: [for (email, place) in emails: {
      name: 'person-${place}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: 'alert-${alert.name}-${token}'
    location: location
    tags: tags
    properties: {
      displayName: alert.title
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT15M'
      windowSize: 'PT15M'
      autoMitigate: true
      skipQueryValidation: true // a table is not there before its first row
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.more
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [people.id]
      }
    }
  }
]
