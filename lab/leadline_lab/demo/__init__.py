"""The demo: a whole fleet on this machine that is broken as it once was, explained, and repaired.

A scenario is data: steps, each with what is done and what must be observed. What is done goes to real servers; what is
observed comes through the pipeline alone: the topics, what the vendors received, the incident log. It must never say
that something was observed that was only done.

``scenario``     steps, actions and expectations
``expect``       what can be expected
``postmortem``   the outage that Leadline was made for
``observed``     what was observed so far
``progress``     how far a scenario has come, and what is missing; pure
``advice``       the statements in an incident's fix; pure
``run``          one demo from the first server to the last file
``environment``  the fleet and the parts of Leadline, as processes
``actions``      does what a scenario says
``targets``      whom the demo notifies
``observers``    what the receiver and the incident log hold
``play``         plays, watches and reports
``events``       one line of the report
``demo_state``   everything there is to show
``screen``       live, lines or JSON lines
``live_view``    the live view
``summary``      how it ended
``report``       the same for programs
"""
