"""Labelry's product core: models, rules and storage layout. Imports no Azure and no web framework."""
