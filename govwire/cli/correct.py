"""Commands of corrections: correct an article's labels; confirm, withdraw, list and export corrections."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from govwire.cli import Json, app, output, settings, vocabulary
from govwire.cli.read import bare
from govwire.core.errors import ConfigError

if TYPE_CHECKING:
    from govwire.core.records import Claim, Labels
    from govwire.core.state.corrections import Change, Correction
    from processors.correcting import Desk

corrections_app = typer.Typer(no_args_is_help=True, help="What people corrected: list, confirm, withdraw, export.")
app.add_typer(corrections_app, name="corrections")

Number = Annotated[int, typer.Argument(metavar="ID", help="Number of a correction.")]
Person = Annotated[str, typer.Option(metavar="NAME", help="Who does it.")]
LABELS: Mapping[str, Literal["favor", "against", "neutral"]] = {
    "favor": "favor",
    "against": "against",
    "neutral": "neutral",
}


@app.command()
def correct(  # noqa: PLR0917 - a command's options, each passed by name
    article: Annotated[str, typer.Argument(metavar="ARTICLE", help="Its id or URL.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who corrects.")] = None,
    stance: Annotated[
        str | None, typer.Option(metavar="TARGET=LABEL", help="Its stance: favor, against, neutral.")
    ] = None,
    remove_stance: Annotated[str | None, typer.Option(metavar="TARGET", help="It does not discuss this.")] = None,
    topic: Annotated[str | None, typer.Option(metavar="TOPIC", help="It is about this.")] = None,
    remove_topic: Annotated[str | None, typer.Option(metavar="TOPIC", help="It is not about this.")] = None,
    claim: Annotated[
        str | None, typer.Option(metavar="HOLDER;TARGET;LABEL;EVIDENCE", help="A claim that was not found.")
    ] = None,
    remove_claim: Annotated[int | None, typer.Option(metavar="N", help="Claim N is none.")] = None,
    claim_label: Annotated[str | None, typer.Option(metavar="N=LABEL", help="Claim N has this label.")] = None,
    holder: Annotated[str | None, typer.Option(metavar="N=NAME", help="Claim N is this one's.")] = None,
    evidence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The sentence that shows a stance or topic, word for word.")
    ] = None,
    relevant: Annotated[
        bool, typer.Option("--relevant", help="It was dropped, and is relevant: fetch and label it.")
    ] = False,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for who confirms it.")] = None,
    as_json: Json = False,
) -> None:
    """Correct one label of an article, findable at once; without an option, show its labels and number its claims."""
    from processors.correcting import Wish

    options = {
        "stance": stance,
        "remove_stance": remove_stance,
        "topic": topic,
        "remove_topic": remove_topic,
        "claim": claim,
        "remove_claim": remove_claim,
        "claim_label": claim_label,
        "holder": holder,
    }
    given = {name: str(value) for name, value in options.items() if value is not None}
    if len(given) + relevant > 1 or ((given or relevant) and not (by or "").strip()):
        raise ConfigError("correct: name one change, and who makes it: --by NAME")
    with _desk() as desk:
        if relevant:
            _echo(desk.bring_back(article, (by or "").strip(), note), as_json=as_json)
            return
        labels = desk.read(article).labels
        if not given:
            typer.echo(labels.model_dump_json() if as_json else "\n".join(_told(labels)))
            return
        change = _Changes(labels).change(*next(iter(given.items())))
        words = evidence if claim is None else _parts_of_claim(claim)[3]
        made = desk.correct(article, Wish(change, words, (by or "").strip(), note))
    _echo(made, as_json=as_json)


@corrections_app.command("list")
def list_corrections(as_json: Json = False) -> None:
    """Every correction, and how it stands: made, confirmed, stale or withdrawn."""
    with _desk() as desk:
        rows = [each.as_dict() for each in desk.listed()]
    columns = ("correction_id", "status", "says", "url", "made_by", "confirmed_by", "note")
    output.rows(rows, columns, as_json=as_json, empty="no corrections")


@corrections_app.command("show")
def show_correction(correction_id: Number, as_json: Json = False) -> None:
    """One correction whole."""
    with _desk() as desk:
        _echo(desk.find(correction_id), as_json=as_json)


@corrections_app.command("confirm")
def confirm_correction(correction_id: Number, by: Person, as_json: Json = False) -> None:
    """Say that somebody else's correction is right; it then goes into `corrections export`."""
    with _desk() as desk:
        _echo(desk.confirm(correction_id, by), as_json=as_json)


@corrections_app.command("withdraw")
def withdraw_correction(correction_id: Number, by: Person, as_json: Json = False) -> None:
    """Take a correction back; the classifier's label returns at once."""
    with _desk() as desk:
        _echo(desk.withdraw(correction_id, by), as_json=as_json)


@corrections_app.command("export")
def export_corrections() -> None:
    """Articles with confirmed corrections, as labelled records for `govwire evaluate`; nothing trains on them."""
    with _desk() as desk:
        for row in desk.evaluation_rows():
            typer.echo(json.dumps(row, ensure_ascii=False))


class _Changes:
    """What an option of `correct` asks for, held against the vocabulary and the article's labels."""

    def __init__(self, labels: "Labels") -> None:
        self._labels, self._words = labels, vocabulary()

    def change(self, option: str, value: str) -> "Change":
        """The change; raises ConfigError where the value does not fit."""
        from govwire.core.state.corrections import ClaimChange, StanceChange, TopicChange

        match option:
            case "stance":
                target, label = _split(value, "--stance TARGET=LABEL")
                return StanceChange(target=self._target(target), label=_label(label))
            case "remove_stance":
                return StanceChange(target=self._target(value), label=None)
            case "topic" | "remove_topic":
                return TopicChange(topic=self._topic(value), is_about=option == "topic")
            case "claim":
                return ClaimChange(now=self._new_claim(value))
            case _:
                return self._claim_change(option, value)

    def _claim_change(self, option: str, value: str) -> "Change":
        from govwire.core.state.corrections import ClaimChange
        from processors.correcting import claim_numbered

        if option == "remove_claim":
            return ClaimChange(was=claim_numbered(self._labels, int(value)))
        number, wanted = _split(value, f"--{option.replace('_', '-')} N=…")
        was = claim_numbered(self._labels, _number(number))
        if option == "claim_label":
            return ClaimChange(was=was, now=was.model_copy(update={"label": _label(wanted)}))
        return ClaimChange(was=was, now=was.model_copy(update={"holder": wanted, "holder_id": self._actor(wanted)}))

    def _new_claim(self, value: str) -> "Claim":
        from govwire.core.records import Claim, Evidence

        holder, target, label, words = _parts_of_claim(value)
        return Claim(
            holder=holder,
            holder_id=self._actor(holder),
            target=self._target(target),
            label=_label(label),
            score=1.0,
            # Its place is found in the text.
            evidence=Evidence(text=words, start=0, end=0),
        )

    def _target(self, name: str) -> str:
        return self._settled(self._words.target(name).id)

    def _topic(self, name: str) -> str:
        return self._settled(self._words.topic(name).id)

    def _settled(self, name: str) -> str:
        if self._words.is_experimental(name):
            raise ConfigError(f"{name}: on trial, and not corrected; its labels lie beside the others")
        return name

    def _actor(self, holder: str) -> str | None:
        from govwire.core.records import AUTHOR
        from processors.classifiers.actors import Actors

        return None if holder == AUTHOR else Actors(self._words.actors).link(holder)


@contextmanager
def _desk() -> Iterator["Desk"]:
    from govwire.core.index import open_index
    from govwire.core.state import open_state
    from processors.correcting import Desk

    chosen = settings()
    with ExitStack() as stack:
        state = stack.enter_context(open_state(chosen.state_url))
        index = open_index(chosen)
        stack.callback(index.close)
        yield Desk(index, state)


def _parts_of_claim(value: str) -> tuple[str, str, str, str]:
    parts = [part.strip() for part in value.split(";", 3)]
    if len(parts) != 4 or not all(parts):
        raise ConfigError("--claim: write 'HOLDER;TARGET;LABEL;EVIDENCE', the evidence word for word from the text")
    return parts[0], parts[1], parts[2], parts[3]


def _split(value: str, form: str) -> tuple[str, str]:
    name, equals, wanted = (part.strip() for part in value.partition("="))
    if not (name and equals and wanted):
        raise ConfigError(f"{value!r}: write {form}")
    return name, wanted


def _label(value: str) -> Literal["favor", "against", "neutral"]:
    if value not in LABELS:
        raise ConfigError(f"label {value!r}: a person says {', '.join(LABELS)}")
    return LABELS[value]


def _number(value: str) -> int:
    if not value.isdecimal():
        raise ConfigError(f"claim {value!r}: no number; 'govwire correct ARTICLE' shows them")
    return int(value)


def _told(labels: "Labels") -> Iterator[str]:
    yield "topics  " + (", ".join(topic.id + _mark(topic) for topic in labels.topics) or "none")
    for stance in labels.stance:
        said = f"  “{bare(stance.evidence.text)}”" if stance.evidence else ""
        yield f"stance  {stance.target}: {stance.label}{_mark(stance)}{said}"
    for number, claim in enumerate(labels.claims, 1):
        candidate = "" if claim.shown else " (candidate)"
        yield (
            f"claim {number}  {claim.holder}: {claim.target} {claim.label}{candidate}{_mark(claim)}"
            f"  “{bare(claim.evidence.text)}”"
        )


def _mark(label: Any) -> str:
    return " (corrected)" if label.by == "person" else ""


def _echo(correction: "Correction", *, as_json: bool) -> None:
    row: Mapping[str, Any] = correction.as_dict()
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    typer.echo(f"correction {row['correction_id']} ({row['status']}): {row['says']}")
    for name in ("article_id", "url", "made_by", "confirmed_by", "withdrawn_by", "stale_since", "note"):
        if row[name] is not None:
            typer.echo(f"  {name:12} {row[name]}")
    if row["evidence"]:
        typer.echo(f"  {'evidence':12} “{bare(row['evidence']['text'])}”")
