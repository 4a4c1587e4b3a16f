"""The official checkpoint in the host: offered before it is there, found where other packs keep it."""

from __future__ import annotations

import pytest

from . import graphs


def test_the_official_checkpoint_says_how_to_get_it_while_it_is_not_there(machine, pack):
    graph = graphs.change(graphs.chain(), "load", checkpoint="IndexTTS-2")
    with pytest.raises(pack.part("indextts2.errors").CheckpointError, match="download official --to") as caught:
        machine.run(graph)
    assert str(machine.base / "models" / "indextts2" / "IndexTTS-2") in str(caught.value)
    assert "Nothing is downloaded by itself" in str(caught.value)


def test_the_official_checkpoint_inside_another_pack_is_offered_once(machine, pack):
    folders = pack.part("nodes.host.folders")
    assert list(folders.checkpoints()) == ["mini", "tiny", "IndexTTS-2", "IndexTTS-2.5"]
    place = machine.base / "custom_nodes" / "another" / "checkpoints"
    place.mkdir(parents=True)
    for name in ("config.yaml", "gpt.pth"):
        (place / name).touch()
    assert place.resolve() in folders.checkpoints().values()


@pytest.mark.parametrize("method", ["auto", "natural", "model", "model_b", "guided", "forced"])
@pytest.mark.parametrize("unit", ["free", "tokens"])
def test_every_method_of_a_duration_node_is_one_of_the_library(pack, method, unit):
    asked = pack.part("nodes.duration").target(unit, 12.0, method)
    assert (asked.unit, asked.method) == (unit, method)
