"""Life events: something happens in a life, and the right grants follow at once.

An event is stored before anything else. The policies that read what it changed, or that it triggers, are
then decided for its subjects by durable-rules and by the interpreter; what they agree on takes the same
allocation and the same transaction as a batch. The machine only ever grants here: what an event seems to
take away is shown to a person. No event is lost and none grants twice, whenever a process dies.
"""
