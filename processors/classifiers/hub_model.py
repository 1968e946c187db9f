"""A classifier of the Hugging Face hub, or of a local folder: the only door to PyTorch and to transformers' models.

Float32 on every device. What a text gets depends on it and the size of a batch alone: the padding is masked, texts are
put together by length, and what is too long is cut at the end of the text, never of what is asked about it.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from govwire.core.errors import ClassificationError, ConfigError, ModelError
from govwire.core.settings import ClassifySettings

log = structlog.get_logger(__name__)

Chances = NDArray[np.float64]

# Some models count positions from behind the number of their padding: so many fewer tokens fit than there are.
_POSITIONS_APART = 2


@dataclass(frozen=True)
class _Source:
    """Where a model comes from, what it is called, and what it is known by."""

    path: str
    name: str
    digest: str
    revision: str | None


class HubModel:
    """Texts, or pairs of texts, to the chances of the model's labels. May be used from several threads."""

    def __init__(self, settings: ClassifySettings) -> None:
        """Load the model that `classify.hub_model` names.

        Raises:
            ConfigError: the extra is not installed, or there is no such device.
            ModelError: the model cannot be had, or lacks something.
        """
        self._torch = _import_torch()
        self._device = _device(settings.hub_device, self._torch)
        with _loading(settings.hub_model):
            source = _locate(settings)
            self._tokenizer, self._model = _load(source, self._torch)
        self.name, self.digest = source.name, source.digest
        config = self._model.config
        self.labels: dict[str, int] = dict(config.label2id)
        if sorted(self.labels.values()) != list(range(config.num_labels)):
            raise ModelError(f"model {self.name}: label2id of its config.json does not name each of its outputs once")
        self.max_tokens = _fitting(settings.hub_max_tokens, self._tokenizer, config)
        self._single = config.num_labels > 1 and config.problem_type != "multi_label_classification"
        # Without a padding token texts cannot be put side by side.
        self._batch = settings.hub_batch if self._tokenizer.pad_token_id is not None else 1
        self._lock = Lock()  # of the tokenizer, which holds how it pads and cuts; the model itself uses all cores
        if settings.threads:
            self._torch.set_num_threads(settings.threads)
        self._model.to(self._device).eval()
        log.info("hub_model_opened", model=self.name, device=self._device, max_tokens=self.max_tokens)

    def room(self, asked: str | None = None) -> int:
        """How many tokens a text may have, beside what is asked about it."""
        beside = self._tokenizer.num_special_tokens_to_add(pair=asked is not None)
        return int(self.max_tokens - beside - (self.count(asked) if asked is not None else 0))

    def count(self, text: str) -> int:
        """How many tokens a text has.

        Raises:
            ClassificationError: the tokenizer fails on it.
        """
        with self._lock, _working():
            return len(self._tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"])

    def chances(self, texts: Sequence[str], asked: Sequence[str] | None = None) -> Chances:
        """The chance of each label, for each text or each pair of a text and what is asked about it [texts, labels].

        Raises:
            ClassificationError: the model fails on one of them.
            ModelError: the device fails.
        """
        found = np.zeros((len(texts), len(self.labels)))
        lengths = [len(text) + len(asked[at] if asked else "") for at, text in enumerate(texts)]
        order = sorted(range(len(texts)), key=lambda at: (lengths[at], at))
        for start in range(0, len(order), self._batch):
            batch = order[start : start + self._batch]
            found[batch] = self._run([texts[at] for at in batch], [asked[at] for at in batch] if asked else None)
        return found

    def _run(self, texts: list[str], asked: list[str] | None) -> Chances:
        with _working(), self._on_device(), self._lock, self._torch.inference_mode():
            encoded = self._tokenizer(
                texts,
                asked,
                truncation="only_first",
                max_length=self.max_tokens,
                padding=self._batch > 1,
                return_tensors="pt",
            )
            logits = self._model(**encoded.to(self._device)).logits.double()
            chances = logits.softmax(-1) if self._single else logits.sigmoid()
            found: Chances = chances.cpu().numpy()
        if not np.isfinite(found).all():
            raise ClassificationError(f"model {self.name}: gives no number for this text")
        return found

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """What the device does is no fault of the text."""
        try:
            yield
        except (self._torch.OutOfMemoryError, self._torch.AcceleratorError) as error:
            raise ModelError(
                f"model {self.name} on {self._device}: {_line(error)}; lower classify.hub_batch and start again"
            ) from error


def _import_torch() -> Any:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Else a thread of transformers' own asks the hub to convert a model that has no safetensors.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"settings: classify.engine: 'hub' needs PyTorch ({error}); pip install 'govwire[hub]'"
        ) from error
    return torch


def _device(asked: str, torch: Any) -> str:
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise ConfigError(
            "settings: classify.hub_device: 'cuda', and PyTorch finds no such device here; set 'auto' or 'cpu', or"
            " install a driver and a PyTorch built for it"
        )
    return "cuda" if there and asked != "cpu" else "cpu"


def _locate(settings: ClassifySettings) -> _Source:
    named = settings.hub_model or ""
    folder = Path(named).expanduser()
    if folder.is_dir():
        digest = _digest(folder)
        return _Source(str(folder), f"{folder.resolve().name}@{digest[:7]}", digest, None)
    from transformers.utils.hub import cached_file

    # What the revision is now: everything else is taken from the same commit.
    commit = Path(str(cached_file(named, "config.json", revision=settings.hub_revision or "main"))).parent.name
    return _Source(named, f"{named}@{commit[:7]}", f"{named}@{commit}", commit)


def _digest(folder: Path) -> str:
    """The digest of a model's files; hidden ones, as git keeps, are no part of it."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            with path.open("rb") as file:
                digest.update(str(name).encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _load(source: _Source, torch: Any) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    where = {"revision": source.revision} if source.revision else {"local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False, **where)
    model, found = AutoModelForSequenceClassification.from_pretrained(
        source.path, trust_remote_code=False, dtype=torch.float32, output_loading_info=True, **where
    )
    lacking = sorted(found["missing_keys"])
    if lacking:
        # They would be drawn at random, and so would the labels.
        raise ModelError(f"model {source.name}: its files lack {', '.join(lacking)[:100]}; it is no trained classifier")
    return tokenizer, model


@contextmanager
def _loading(named: str | None) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"model {named}: {_line(error)}; name a classifier of the hub or its folder in classify.hub_model; where"
            " there is no network, or HF_HUB_OFFLINE is set, bring a folder made elsewhere by 'hf download --local-dir'"
        ) from error


@contextmanager
def _working() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise ClassificationError(f"hub model: {_line(error)}") from error


def _line(error: Exception) -> str:
    """The first line of an error of a library's."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _fitting(asked: int, tokenizer: Any, config: Any) -> int:
    """How many tokens the model can read, at most those asked for."""
    positions = getattr(config, "max_position_embeddings", None) or 0
    known = [positions - _POSITIONS_APART] if positions > _POSITIONS_APART else []
    return int(min(asked, tokenizer.model_max_length, *known))
