"""Stories on the labelled set of benchmarks/stories.py: what is measured there must not get worse."""

import importlib.util
import json
from pathlib import Path

from processors.stories import signature

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "stories.py"


def test_copies_are_found_and_no_two_stories_are_taken_for_one() -> None:
    spec = importlib.util.spec_from_file_location("benchmark_stories", BENCHMARK)
    assert spec
    assert spec.loader
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    texts = [benchmark.Text(**json.loads(line)) for line in benchmark.TEXTS.read_text(encoding="utf-8").splitlines()]
    assert len(texts) >= 200
    assert len({text.story for text in texts}) >= 60
    found = benchmark.group(texts, signature)
    for half in benchmark.HALVES:
        precision, recall = benchmark.score([text for text in texts if text.half == half], found)
        assert precision == 1
        assert recall >= 0.9
