"""`govwire train`: the model that this package ships, made again from our own labelled passages.

Needs the extra: pip install 'govwire[train]'. The same data gives the same files, but for the card's date.
"""

from pathlib import Path

from govwire.core.errors import ConfigError


def train(folder: Path, encoder: Path | None = None) -> None:
    """Train the heads on the committed passages and write them, with their card, beside the encoder in `folder`.

    `encoder` is a folder with the weights and tokenizer of all-MiniLM-L6-v2, exported first where it is given.

    Raises:
        ConfigError: the extra is not installed, or there is no encoder.
    """
    try:
        from processors.classifiers.training.export import export
        from processors.classifiers.training.make import make
    except ModuleNotFoundError as error:
        raise ConfigError(f"train: {error}; install the extra: pip install 'govwire[train]'") from error
    if encoder is not None:
        export(encoder, folder)
    if not (folder / "encoder.onnx").is_file():
        raise ConfigError(f"train: {folder}: no encoder.onnx; name the folder that the shipped model lies in")
    make(folder)
