"""A local stand-in for Slack, PagerDuty, Teams and webhooks: their API with their published limits and errors.

It serves tests, the demo and whoever tries routes without touching a vendor. It fails on request, and shows what
it received. Each vendor is a pure function from a request, and what came before, to a reply.

``exchange``       a request, a reply, and what the receiver remembers
``slack``          Slack's Web API and incoming webhooks
``slack_message``  whether a message is one that Slack would take
``pagerduty``      PagerDuty's Events API v2
``teams``          a workflow of Microsoft Teams
``hook``           a receiver of webhooks
``pressed``        a press of a button in Slack, as Slack reports it
``pagerduty_webhook`` what PagerDuty reports of its alerts
``people``         people who act at the vendors
``faults``         failing on purpose
``inbox``          what came in
``app``            the HTTP of it
``server``         the receiver in a thread of this process
``page``           what it got, for people
``slack_page``     what Slack's users would see
``alerts_page``    what PagerDuty's users would see, and what webhooks got
``mrkdwn``         Slack's markup as HTML
"""
