"""Programs that schemes solve, and the bounds that they prove."""
