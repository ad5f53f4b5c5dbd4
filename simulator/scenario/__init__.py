"""YAML -> a valid Scenario."""
