"""Networks by name: architectures, heads, first weights, and the names of every variable."""
