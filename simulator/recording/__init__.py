"""The meter of the fluid engine: intervals of time -> figures and table rows."""
