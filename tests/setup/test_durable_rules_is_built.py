"""The package durable-rules ships as source only; the Makefile builds it for this Python."""

import durable_rules_engine


def test_durable_rules_was_built_soundly_for_this_python() -> None:
    """A rule whose condition holds is found, and one whose condition does not hold is not."""
    rules = '{"old": {"all": [{"m": {"$and": [{"kind": "probe"}, {"$gte": {"age": 65}}]}}]}}'
    handle = durable_rules_engine.create_ruleset("probe", rules)
    try:
        error, _ = durable_rules_engine.assert_fact(handle, '{"id": "e", "sid": "0", "kind": "probe", "age": 64}')
        assert error == 1, "1 says: not handled by any rule"
        error, _ = durable_rules_engine.assert_fact(handle, '{"id": "f", "sid": "0", "kind": "probe", "age": 65}')
        assert error == 0
        action = durable_rules_engine.start_action(handle)
        assert action is not None and '"age":65' in action[1].replace(" ", "")
    finally:
        durable_rules_engine.delete_ruleset(handle)
