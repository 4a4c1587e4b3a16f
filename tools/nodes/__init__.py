"""The host's description of the nodes: the golden file, the table of nodes."""
