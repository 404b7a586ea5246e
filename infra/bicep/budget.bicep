metadata description = 'Tells of money before the bill does. It stops nothing: what bounds the cost are maximumInstances, maximumExecutions and jobMinutes.'

@description('Required. Money a month, in the currency of the bill.')
param amount int
@description('Required. First day that counts, the first of a month.')
param firstDay string
@description('Required. Addresses that are told.')
param emails array

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'labelry'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: firstDay
    }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 50
        thresholdType: 'Actual'
        contactEmails: emails
      }
      all: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
      }
    }
  }
}
