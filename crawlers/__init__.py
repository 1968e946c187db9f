"""From the web to the bus: the frontier's spider, its manners, and the readers of feeds. Pages are parsed elsewhere."""
