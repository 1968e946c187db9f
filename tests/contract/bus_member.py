"""A member of a consumer group as a process: prints the value of each message it reads, one JSON string a line."""

import json
import sys

from govwire.core.bus import open_bus
from govwire.core.settings import Settings

settings, group, kafka_topic, slot, commits = sys.argv[1:]
bus = open_bus(Settings.model_validate_json(settings))
with bus.member(group, [kafka_topic], slot) as member:
    while True:
        deliveries = member.read(10, 0.5)
        if commits == "1":
            member.commit(deliveries)
        for delivery in deliveries:
            print(json.dumps(delivery.message.value.decode()), flush=True)
