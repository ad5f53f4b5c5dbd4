"""What everything else stands on: errors, YAML with line numbers, schemas, registries, text."""
