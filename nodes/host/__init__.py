"""The only files that talk to the host's services: `services` while a node runs, `audio`, and `folders`."""
