"""A publisher as a process: sets up, publishes ten messages of one key at a time and says so, until it is killed."""

import sys

from govwire.core.bus import Message, open_bus
from govwire.core.settings import Settings

settings, kafka_topic, name, batches = sys.argv[1:]
bus = open_bus(Settings.model_validate_json(settings))
bus.setup()
for batch in range(int(batches)):
    bus.publish(kafka_topic, [Message(name, f"{name}{batch:04}{number}".encode(), {}) for number in range(10)])
    print(batch, flush=True)
bus.close()
