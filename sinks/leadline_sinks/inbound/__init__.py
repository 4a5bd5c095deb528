"""Actions of people that come in from where they are: buttons in Slack, webhooks of PagerDuty.

Each becomes one record on the actions topic, or the silences topic, from which every target, the incident log and the
commands have it. A vendor may deliver an action several times: its identity gives the record's, so it counts once.

``person_action``      an action as a vendor reports it, and the records that it becomes
``intake``             checks an action, and writes its records
``slack_request``      signature and content of a request of Slack
``slack_answer``       what the person is answered there
``slack_socket``       Socket Mode: the same without a port
``pagerduty_webhook``  signature and content of a webhook of PagerDuty
``web``                the port to which requests come
"""
