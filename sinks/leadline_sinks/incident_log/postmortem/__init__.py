"""The draft of a post-mortem: the page, its sections, and the effects of an incident. Pure.

``draft``       the whole page
``summary``     how long it lasted, how bad it was, and what was affected
``response``    the timeline, the times of detection and response, and who was notified
``roots``       which causes are roots, and which were only considered
``root_cause``  the root cause, its evidence, and how it ended
``known_before`` the last audit before, and what was changed in the week before
``watching``    which measures Leadline watches
``measures``    measures that keep its causes from returning, and tasks
``impact``      the effects of an incident on links and data
"""
