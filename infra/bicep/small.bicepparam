// A few people, some thousands of images: the least that idles.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'labelry')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param admins = split(readEnvironmentVariable('LABELRY_ADMINS'), ',')
param signInTenant = readEnvironmentVariable('LABELRY_SIGN_IN_TENANT', '')
param signInClientId = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_ID', '')
param signInClientSecret = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_SECRET', '')
param jobImage = readEnvironmentVariable('SERVICE_GPU_JOBS_IMAGE_NAME', '')

param monthlyBudget = 50
param storageSku = 'Standard_LRS'
param maximumInstances = 10
param gpu = 'none'
param jobMinutes = 120
