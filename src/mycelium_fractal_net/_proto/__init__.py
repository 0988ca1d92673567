"""Messages of gRPC, generated from ``proto/mfn/v1/mfn.proto`` by ``make proto``."""
