"""What the host says about the nodes: the golden file, the table of nodes."""
