"""The bus on Kafka: the only door to kafka-python. `bus.KafkaBus` is what `open_bus` gives; the rest serves it.

bus       publish, seek, lag, scan            clients       how its clients are made, and given up
member    a place in a consumer group         translation   its errors as ours
topics    the flow's Kafka topics on a broker
"""
