"""The hall: records, flow, vocabulary, settings, bus, index, state. It imports neither crawlers nor processors."""
