"""The whole flow on one page: which stage reads which Kafka topic, writes which, under which key.

    crawl ──> pages ──> extract ──> articles ──> classify ──> tagged ┬─> index
    (frontier in state)                                              └─> match ──> outbox (state) ──> deliver ──> alerts

Every channel but dead letters and alerts exists twice, once per lane. A stage knows its own line here and nothing of
its neighbours' code. A new stage is a line here, a file in processors/stages and a line in STAGES there.
"""

from dataclasses import dataclass

from govwire.core.records import AlertMessage, Article, DeadLetter, Lane, Page, Record, Tagged


@dataclass(frozen=True)
class Channel:
    """One kind of Kafka topic: what lies on it and under which key."""

    name: str
    record: type[Record]
    key: str
    partitions: int
    laned: bool = True

    def kafka_topic(self, prefix: str, lane: Lane = Lane.LIVE) -> str:
        """The Kafka topic's full name, in one lane."""
        return f"{prefix}.backfill.{self.name}" if self.laned and lane is Lane.BACKFILL else f"{prefix}.{self.name}"

    def kafka_topics(self, prefix: str) -> list[str]:
        """The Kafka topic's full names, live first."""
        return [self.kafka_topic(prefix, lane) for lane in (Lane if self.laned else [Lane.LIVE])]


# Eight partitions: as many processes of one stage as a small team will ever run, few enough for one small broker.
PAGES = Channel("pages", Page, "url_id", 8)
ARTICLES = Channel("articles", Article, "article_id", 8)
TAGGED = Channel("tagged", Tagged, "article_id", 8)
DEADLETTERS = Channel("deadletters", DeadLetter, "dead_letter_id", 1, laned=False)
ALERTS = Channel("alerts", AlertMessage, "message_id", 1, laned=False)

CHANNELS: tuple[Channel, ...] = (PAGES, ARTICLES, TAGGED, DEADLETTERS, ALERTS)


@dataclass(frozen=True)
class Step:
    """One stage's line in the flow. Its consumer groups are `<prefix>.<name>` and `<prefix>.<name>.backfill`."""

    name: str
    reads: Channel | None
    writes: Channel | None
    lanes: tuple[Lane, ...] = (Lane.LIVE, Lane.BACKFILL)

    def group(self, prefix: str, lane: Lane = Lane.LIVE) -> str:
        """The stage's consumer group, one for each lane, so that history never delays the news."""
        return f"{prefix}.{self.name}" if lane is Lane.LIVE else f"{prefix}.{self.name}.{lane}"


CRAWL = Step("crawl", None, PAGES)
EXTRACT = Step("extract", PAGES, ARTICLES)
CLASSIFY = Step("classify", ARTICLES, TAGGED)
INDEX = Step("index", TAGGED, None)
# History can never fire an alert: match does not even read its lane.
MATCH = Step("match", TAGGED, None, lanes=(Lane.LIVE,))
DELIVER = Step("deliver", None, ALERTS, lanes=(Lane.LIVE,))

FLOW: tuple[Step, ...] = (CRAWL, EXTRACT, CLASSIFY, INDEX, MATCH, DELIVER)
STEPS: dict[str, Step] = {step.name: step for step in FLOW}


def kafka_topics(prefix: str) -> dict[str, Channel]:
    """Every Kafka topic of the flow by its full name."""
    return {name: channel for channel in CHANNELS for name in channel.kafka_topics(prefix)}
