"""What nodes ask the host to keep free covers what was counted at the released size (docs/performance.md)."""

from __future__ import annotations

import pytest

MEGABYTE = 1e6
REFERENCE_SECONDS, SECONDS, TOKENS, BEAMS = 15.0, 4.0, 200, 3
COUNTED = {"encoder": 256, "t2s": 791, "s2m": 145, "vocoder": 110}
"""MB of `bench --memory --full-size --precision fp32 --seconds 4`: one segment, three beams, 15 s of reference."""


@pytest.fixture
def asked(pack) -> dict[str, float]:
    memory, config = pack.part("nodes.memory"), pack.part("indextts2.config").Config()
    frames = round((REFERENCE_SECONDS + SECONDS) * config.mel.frames_per_second)
    return {
        "encoder": memory.encoder_bytes(config, REFERENCE_SECONDS),
        "t2s": memory.t2s_bytes(config, BEAMS, TOKENS),
        "s2m": memory.s2m_bytes(config, 1, frames),
        "vocoder": memory.vocoder_bytes(config, frames),
    }


@pytest.mark.parametrize("part", COUNTED)
def test_the_estimate_covers_what_was_counted_and_not_many_times_it(asked, part):
    assert COUNTED[part] <= asked[part] / MEGABYTE <= 8 * COUNTED[part]


def test_guidance_that_computes_more_rows_is_asked_for(pack):
    memory, config = pack.part("nodes.memory"), pack.part("indextts2.config").Config()
    plain = {part: memory.typical_bytes(part, config) for part in COUNTED}
    guided = {part: memory.typical_bytes(part, config, memory.Guidance(2.0, 2.0)) for part in COUNTED}
    assert guided["t2s"] == 2 * plain["t2s"] and guided["s2m"] == 1.5 * plain["s2m"]
    assert guided["vocoder"] == plain["vocoder"] and guided["encoder"] == plain["encoder"]


def test_pools_of_graphs_are_counted_where_steps_are_graphs(asked, pack, monkeypatch):
    memory, config = pack.part("nodes.memory"), pack.part("indextts2.config").Config()
    frames = round((REFERENCE_SECONDS + SECONDS) * config.mel.frames_per_second)
    monkeypatch.setattr(memory, "makes_graphs", lambda: True)
    assert memory.s2m_bytes(config, 1, frames) == 2 * asked["s2m"]
    assert asked["t2s"] < memory.t2s_bytes(config, BEAMS, TOKENS) < 2 * asked["t2s"]  # the cache is no part of a pool


def test_the_whole_chain_is_asked_for_at_least_as_much(asked, pack):
    memory, config = pack.part("nodes.memory"), pack.part("indextts2.config").Config()
    for part in ("encoder", "t2s", "s2m"):
        assert memory.typical_bytes(part, config) >= COUNTED[part] * MEGABYTE
