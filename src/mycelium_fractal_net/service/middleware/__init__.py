"""What stands before every endpoint, as pure ASGI."""
