"""The demo: a fleet on this machine that is broken as it was in the outage, diagnosed, and repaired.

A scenario is data: steps, each with actions and with what must be observed. Actions change real servers; observations
come through the pipeline alone: the topics, the messages that the vendors received, the incident log. The demo never
reports as observed what was only done.

``scenario``         steps, actions and expectations
``expect``           what can be expected
``postmortem``       the outage that Leadline was made for
``observed``         everything observed so far
``progress``         the present step and what it still waits for; pure
``run``              one demo from the first server to the last file
``environment``      the fleet and the parts of Leadline, as processes
``actions``          performs a scenario's actions on the servers
``verifier``         compares the data, and writes the statements that repair it
``targets``          the targets that the demo notifies
``observers``        read the receiver and the incident log
``scenario_runner``  performs, observes and reports
``events``           one line of the report
``demo_state``       everything that a screen shows
``screen``           live, lines or JSON lines
``live_view``        the live view
``live_parts``       its parts under the events
``pictures``         the pictures of the README
``console_pictures`` pictures of the console, while nobody looks
``summary``          the result in a few lines
``report``           the result for programs
"""
