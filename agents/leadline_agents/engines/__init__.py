"""The database engines that an agent reads, one package each; all implement ``EngineInstance`` of ``engine``.

``registry``    the engine of an instance
``postgresql``  PostgreSQL 13 and later
"""
