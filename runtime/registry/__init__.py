"""The schema registry: a client of Confluent's REST calls, and an embedded server of them."""
