"""Reports of an audit, for people and for programs. Pure: the same report gives the same text.

``text``      lines for a terminal of 80 columns
``markdown``  for a ticket or a wiki
``page``      one page of HTML
``sarif``     SARIF 2.1.0, for code hosts and editors
``junit``     JUnit XML, for CI systems
``shared``    parts that they share: scores, places, steps
"""
