"""The laboratory: everything for trying, testing and practising.

``sandbox``   real servers and a broker on one machine
``faults``    faults of replication that can be injected and healed
``receiver``  a stand-in for Slack, PagerDuty and webhooks
``pipeline``  the real processes on one machine over the embedded broker
``view``      the fleet in a terminal
``demo``      a fleet that is broken, explained and repaired
"""
