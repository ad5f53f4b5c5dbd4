"""What was simulated, on real routers on this machine, and compared."""
