"""Inbound: where traffic from abroad arrives, what is known of that, and what to announce."""
