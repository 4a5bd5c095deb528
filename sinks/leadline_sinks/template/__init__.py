"""Any HTTP receiver, with bodies that a template makes: for what has a form of its own and no sink here.

``render``   a notification through a template, in a sandbox
``samples``  notifications on which templates are tried
``trial``    templates tried on the samples
``sink``     the sink
"""
