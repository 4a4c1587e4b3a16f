"""The example graphs: one short Python description each, from which the UI graph, its API twin and its picture come.

Run `python -m tools.workflows.write` after a change here, and `python -m tools.nodes.object_info URL` before it when
nodes changed.
"""
