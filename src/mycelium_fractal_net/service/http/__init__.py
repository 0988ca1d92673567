"""The HTTP door: ASGI entry, routes, representations, OpenAPI."""
