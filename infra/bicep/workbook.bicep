metadata description = 'The page to look at when somebody says that it is slow: workbook.json, shown in the portal.'

@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Log Analytics workspace.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Labelry'
    serializedData: loadTextContent('workbook.json')
    sourceId: workspaceId
    version: 'Notebook/1.0'
  }
}
