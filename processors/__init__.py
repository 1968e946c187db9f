"""From the bus to answers: the loop of a stage, the stages, the classifiers, and what alerts are made of."""
