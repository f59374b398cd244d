"""Prints what meltanolabs-target-snowflake makes of the SCHEMA messages on standard input, by its own code."""

import json
import sys

from snowflake.sqlalchemy.snowdialect import dialect
from target_snowflake.connector import SnowflakeConnector

connector = SnowflakeConnector({"user": "user", "password": "password", "account": "account", "database": "database"})
for message in map(json.loads, sys.stdin):
    if message["type"] == "SCHEMA":
        print(message["stream"], "key", *message["key_properties"])
        for name, schema in message["schema"]["properties"].items():
            print(f"  {name} {connector.to_sql_type(schema).compile(dialect=dialect())}")
