-- What is the number of the last transition that was committed?
SELECT max(version) FROM alert_transitions
