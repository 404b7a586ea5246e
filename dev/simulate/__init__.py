"""The whole job without a browser: labelers as processes, and a judge who believes only their logs."""
