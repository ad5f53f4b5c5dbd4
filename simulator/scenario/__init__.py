"""YAML, or keys in Python -> a valid Scenario: changed, checked and assembled once."""
