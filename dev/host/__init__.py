"""A small Azure Functions host for development and CI.

Runs any `function_app.py` written for the Python v2 model with Azure's own semantics, as far as
the app can tell: HTTP, queue, timer and Event Grid blob triggers and queue outputs, on Azurite or
a real storage account. The product never imports it; Azure runs the product without it.
"""
