"""The engines an agent can look at, one package each.

``postgresql``  PostgreSQL 13 to 18
"""
