"""gRPC: the operations behind RPCs, and the server that serves them in the event loop of HTTP's."""
