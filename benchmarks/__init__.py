"""Duban beside its peers and beside the floor of the database. `make bench` writes RESULTS.md; nothing here is shipped."""
