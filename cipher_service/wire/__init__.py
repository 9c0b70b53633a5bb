"""What travels between a post and the ministry: shapes shared by the API and its client.

Every shape is strict: unknown members are refused, types are never coerced, integers are bounded,
identifiers have one spelling. Nothing here knows a database or a web framework.
"""
