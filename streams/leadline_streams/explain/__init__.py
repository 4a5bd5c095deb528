"""Explains the judgement of a link, a node or an incident at one time. Pure: a trace and a memory to plain values.

``trace``           an observer of the fold: values, breaches, verdicts and looks of a while
``explanation``     the result, as plain values
``verdict_reason``  the reason for a verdict in words
``rule_states``     what each rule measures now, its limits, and when its alert takes its next step
``held_back``       what keeps an alert from opening an incident, or an incident from being sent
``answer``          the result in one line
``subjects``        the link, node or incident that a person names
``explaining``      the parts put together
``traced``          records judged up to a time, for an explanation
"""
