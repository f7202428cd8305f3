"""The server: one data plane, translated by REST."""
