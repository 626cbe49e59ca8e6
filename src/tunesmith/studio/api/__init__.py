"""The JSON API: typed questions and answers, documented by OpenAPI at ``/api/openapi.json``."""
