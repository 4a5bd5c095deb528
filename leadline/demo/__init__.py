"""The demo: a whole fleet on this machine that is broken as it once was, explained, and put right.

A scenario is data: steps, each with what is done and what must be observed. What is done goes to real servers; what is
observed comes through the pipeline alone: the topics, what the vendors got, the incident log. It must never say that
something was seen that was only done.

``scenario``    steps, deeds and expectations
``expect``      what can be expected
``postmortem``  the outage that Leadline was made for
``seen``        what was observed so far
``story``       the play of a scenario: what is on, what is missing; pure
``advice``      the statements in an incident's fix; pure
``run``         one demo from the first server to the last file
``stage``       the fleet and the parts of Leadline, as processes
``hands``       does what a scenario says
``targets``     whom the demo tells
``witness``     what the receiver and the incident log hold
``play``        plays, watches and tells
``beat``        a line of the story
``scene``       everything there is to show
``screen``      live, lines or JSON lines
``picture``     the live view
``summary``     how it ended
``report``      the same for programs
"""
