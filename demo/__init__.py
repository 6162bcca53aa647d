"""A customer's stack: real HTTP services, stock OpenTelemetry, faults to plant. It imports nothing of leadtrace."""
