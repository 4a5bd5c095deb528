"""The records of topics as Parquet files, for analytics.

``archive_consumer``  reads the topics and decides when a file is written
``pending_file``      the records of a partition that wait for their file
``columns``           the columns of a topic, made from the types of its values
``table_rows``        records as rows of these columns
``archive_folder``    the folder: names, what is there already, and how a file comes to be there
"""
