"""The nouns: Avro schemas, events, codecs, topics, routing and units. Pure; imports nothing of ours."""
