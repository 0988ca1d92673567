"""What the service does whatever the transport: calls, admission, compute, keys, limits, errors, records."""
