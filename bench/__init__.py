"""What measures speed: `make bench`, and `make bench-quick` in two minutes. Nothing here is a test."""
