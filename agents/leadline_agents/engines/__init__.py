"""The database engines that an agent reads, one package each; every one implements ``leadline_agents.engine.Engine``.

``registry``    the engine of an instance
``postgresql``  PostgreSQL 13 and later
"""
