"""What people see in a terminal. Renders rows it is given; knows no Kafka, no database and no rule.

``rows``      one node, one link, one alert: what a view shows of them
``words``     sizes, durations and trends as text
``terminal``  the live view: fleet, links with sparklines, alerts, incident and cause
``lines``     the same as plain lines, for logs and pipes
``show``      which of them it is: live, lines, or JSON lines
"""
