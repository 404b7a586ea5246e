"""Triggers: thin functions that parse, call the product, and answer. One module a noun."""
