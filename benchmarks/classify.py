"""Words a second of the classifier, and how much of the bare runtime's speed is left.

    python benchmarks/classify.py [--articles N]

The committed passages are joined to articles of about 600 words. The bare figure is ONNX Runtime alone on the same
token ids, window by window on as many threads, in the same run: what is lost is reading, heads, quotations and Python.
"""

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

import numpy as np
import onnxruntime

from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import Document, open_classifier
from processors.classifiers.encoder import Encoder
from processors.classifiers.neural import MODEL
from processors.classifiers.training.passages import records

WORDS = 600
ROUNDS = 5


def articles(count: int) -> list[Document]:
    """Articles of about 600 words, relevant ones, each of several passages."""
    found: list[Document] = []
    paragraphs: list[str] = []
    for row in records():
        if row["relevant"]:
            paragraphs.append(row["text"])
        if sum(len(one.split()) for one in paragraphs) >= WORDS:
            found.append(Document(str(len(found)), row["title"], "\n\n".join(paragraphs)))
            paragraphs = []
    return found[:count]


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """How long it takes, once: on the clock, and in time of all cores."""
    start, start_cpu = perf_counter(), process_time()
    action()
    return perf_counter() - start, process_time() - start_cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=40)
    documents = articles(parser.parse_args().articles)
    threads = os.cpu_count() or 1
    classifier = open_classifier(Settings(), load_vocabulary(shared("config")), "onnx")
    encoder = Encoder(MODEL)
    windows = [ids for one in documents for ids in encoder.window_ids(one.title, one.text)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODEL / "encoder.onnx"), options, providers=["CPUExecutionProvider"])

    def bare() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda ids: session.run(None, {"input_ids": np.array([ids])}), windows))

    classifier.classify(documents[:2])
    # By turns, so that whatever else the machine does falls on both.
    rounds = [(seconds(bare), seconds(lambda: classifier.classify(documents))) for _ in range(ROUNDS)]
    bare_seconds, whole_seconds = (min(clock for clock, _ in times) for times in zip(*rounds, strict=True))
    bare_cpu, whole_cpu = (min(cpu for _, cpu in times) for times in zip(*rounds, strict=True))
    words = sum(len(one.text.split()) for one in documents)
    tokens = sum(map(len, windows))
    print(f"{len(documents)} articles, {words} words, {tokens} tokens in {len(windows)} windows, {threads} threads")
    print(f"classify      {words / whole_seconds:8.0f} words/s  {len(documents) / whole_seconds:6.2f} articles/s")
    print(f"bare runtime  {words / bare_seconds:8.0f} words/s  {tokens / bare_seconds:6.0f} tokens/s")
    print(f"ratio         {bare_seconds / whole_seconds:8.2f} by the clock, {bare_cpu / whole_cpu:.2f} by core time")
    print(f"tokens per article {tokens / len(documents):.0f}")


if __name__ == "__main__":
    main()
