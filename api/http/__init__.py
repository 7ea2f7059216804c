"""The HTTP interface: requests in, objects out. Every step of a prompt's way happens elsewhere."""
