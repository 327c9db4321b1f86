"""The proof that no fault loses an invoice or makes one twice: `make chaos`, and its small version in the suite."""
