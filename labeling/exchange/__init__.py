"""Taking labels away."""
